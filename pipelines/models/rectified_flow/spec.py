"""What the flow of the base can be asked, as the ordinary differential equation that it is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.core.settings import Settings
from pipelines.core.spec import EXAMPLES, ModelSpec
from pipelines.media.images import OptionalImageInput


class RectifiedFlowSettings(Settings):
    """Noise to picture, or a picture to its noise and back, by a solver of differential equations."""

    prompt: str = Field(
        "", max_length=2000, description="What to draw, in your own words. Empty draws whatever comes to mind."
    )
    image: OptionalImageInput = Field("", description="A picture to take to its noise and back.")
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


SPECS = [
    ModelSpec(
        name="rectified-flow",
        title="Rectified flow",
        tab="latent",
        task="noise to picture by an equation's solver, and a picture to its noise",
        settings=RectifiedFlowSettings,
        pipeline="rectified_flow.pipeline:RectifiedFlowPipeline",
        weights=("latent-diffusion-256", "autoencoder-256"),
        help="The base as what it is: a velocity that carries noise to pictures. Watch its paths; run them backwards.",
        fields=("prompt", "solver", "steps", "tolerance", "guidance"),
        starters={
            "By Heun": {"prompt": "a rocket", "seed": 3, "guidance": 4},
            "And back": {
                "image": str(EXAMPLES / "avatar.png"), "solver": "dormand-prince",
            },
        },
        about="It learnt the velocity noise − picture on straight lines between the two. Where lines cross, it learnt "
        "their mean, so its own paths bend; straightness says how much, and reflow would take it away.",
        reference="world",
        evaluated={"Heun": {"guidance": 4}, "Euler": {"solver": "euler", "guidance": 4}},
        state="State x<sub>t</sub>",
        kind="diffusion",
        parents=("rectified",),
        paper="Liu et al. 2022; Dormand and Prince 1980",
    ),
]  # fmt: skip
