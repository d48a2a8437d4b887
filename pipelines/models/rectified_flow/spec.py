"""What the flow of the base can be asked, as the ordinary differential equation that it is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pipelines.core.settings import ADVANCED
from pipelines.core.spec import EXAMPLES, ModelSpec
from pipelines.media.images import OptionalImageInput
from pipelines.models.latent_diffusion.spec import LatentDiffusion256Settings, LayoutSettings


class RectifiedFlowSettings(LayoutSettings):
    """Noise to picture, or a picture to its noise and back, by a solver of differential equations."""

    prompt: str = Field(
        "", max_length=2000, description="What to draw, in your own words. Empty draws whatever comes to mind."
    )
    image: OptionalImageInput = Field("", description="A picture to take to its noise and back.")
    flow: Literal["base", "reflow"] = Field(
        "base", description="The flow as it was learnt, or the one that reflow straightened: it has guidance in it."
    )
    solver: Literal["euler", "midpoint", "heun", "dormand-prince"] = Field(
        "heun", description="Euler calls the network once a step, midpoint and Heun twice, Dormand-Prince as it must."
    )
    steps: int = Field(12, ge=1, le=100, description="Steps of one size; Dormand-Prince takes its own.")
    tolerance: float = Field(
        0.002, ge=0.0001, le=0.2, description="Dormand-Prince's: the error that a step may have."
    )
    guidance: float = Field(
        1.0, ge=1, le=15, description="1 is the flow that was learnt; more bends its paths towards the words."
    )


def fix(value: float) -> Any:
    """A field that has one value here."""
    return Field(value, ge=value, le=value, description=f"Always {value:g} here.", json_schema_extra=ADVANCED)


class FewStepSettings(LatentDiffusion256Settings):
    """Words to picture in a few steps: guidance is in the weights, and the path is nearly straight."""

    steps: int = Field(4, ge=1, le=20, description="One is a first guess, two mend it, four are nearly the base's.")
    sampler: Literal["euler"] = Field("euler", description="Always Euler's here.")
    schedule: Literal["straight"] = Field("straight", description="Always straight here.", json_schema_extra=ADVANCED)
    negative_prompt: Literal[""] = Field("", description="There is none: guidance is in the weights.")
    guidance: float = fix(1.0)
    guidance_start: float = fix(0.0)
    guidance_end: float = fix(1.0)
    guidance_rescale: float = fix(0.0)
    eta: float = fix(0.0)
    loras: Literal[""] = Field("", description="There are none for it yet.", json_schema_extra=ADVANCED)


SPECS = [
    ModelSpec(
        name="few-step",
        title="Four steps",
        tab="image",
        task="words to picture in one to four calls",
        settings=FewStepSettings,
        pipeline="rectified_flow.few_step:FewStepPipeline",
        weights=("latent-diffusion-256", "autoencoder-256", "layout", "reflow"),
        label="Four steps",
        contestants={"as it is": {}, "2 steps": {"steps": 2}, "1 step": {"steps": 1}},
        reference="world",
        evaluated={"": {}, "2 steps": {"steps": 2}, "1 step": {"steps": 1}},
        help="The same world in four steps, or one: the base taught again on its own pictures, along straight lines.",
        examples={"dog": "a dog", "penguins": "two penguins in the snow", "castle": "a castle in the mountains"},
        about="The base's paths from noise to picture bend, so it takes many small steps. Reflow draws thousands of "
        "pictures with it and teaches it the straight line between each and its noise: few steps walk a line that is "
        "nearly straight.",
        groups={"Branch": ("first_prompt", "branch_step")},
        draft={
            "steps": 2, "count": 1, "sampler": "euler", "schedule": "straight", "eta": 0.0,
            "guidance": 1.0, "guidance_start": 0.0, "guidance_end": 1.0, "guidance_rescale": 0.0,
        },
        kind="diffusion",
        parents=("rectified",),
        paper="Liu et al. 2022; Lee et al. 2024",
    ),
    ModelSpec(
        name="rectified-flow",
        title="Rectified flow",
        tab="latent",
        task="noise to picture by an equation's solver, and a picture to its noise",
        settings=RectifiedFlowSettings,
        pipeline="rectified_flow.pipeline:RectifiedFlowPipeline",
        weights=("latent-diffusion-256", "autoencoder-256", "layout", "reflow"),
        help="The base as what it is: a velocity that carries noise to pictures. Watch its paths; run them backwards.",
        fields=("prompt", "flow", "solver", "steps", "tolerance", "guidance"),
        starters={
            "By Heun": {"prompt": "a rocket", "seed": 3, "guidance": 4},
            "By reflow": {"prompt": "a rocket", "seed": 3, "flow": "reflow", "solver": "euler", "steps": 4},
            "And back": {
                "image": str(EXAMPLES / "avatar.png"), "solver": "dormand-prince",
            },
        },
        about="It learnt the velocity noise − picture on straight lines between the two. Where lines cross, it learnt "
        "their mean, so its own paths bend; straightness says how much, and reflow takes it away.",
        reference="world",
        evaluated={
            "Heun": {"guidance": 4},
            "Euler": {"solver": "euler", "guidance": 4},
            "reflow, Euler": {"solver": "euler", "flow": "reflow"},
        },
        state="State x<sub>t</sub>",
        kind="diffusion",
        parents=("rectified",),
        paper="Liu et al. 2022; Dormand and Prince 1980",
    ),
]  # fmt: skip
