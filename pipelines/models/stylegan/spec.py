"""What StyleGAN can be asked, and what its inversion can."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pipelines.core.latent import CORNER, LatentSettings
from pipelines.core.settings import Settings
from pipelines.core.spec import ModelSpec
from pipelines.media.images import ImageInput, OptionalImageInput

SHOWN = 5  # steps of a descent from frame to frame
LAYERS = 7  # modulated convolutions: what each has a w of its own for
# ways in w, found from data after the training; each is a slider
DIRECTIONS = ("lighter_hair", "longer_hair", "darker_skin", "more_glasses", "more_beard", "more_smile")


def direction(name: str) -> Any:
    """The field of a direction."""
    return Field(0.0, ge=-3, le=3, description=f"How far to go towards {name.replace('_', ' ')}.")


class StyleGANSettings(LatentSettings):
    """A face of styles, layer by layer."""

    image: OptionalImageInput = Field(
        "", description="A face to find the code of, without noise: the top left corner."
    )
    psi: float = Field(
        0.8, ge=0, le=1.4, description="Truncation: 0 is the mean face, 1 what was learnt, more is stranger."
    )
    noise: Literal["fixed", "off", "fresh"] = Field(
        "fixed", description="What is added to every layer: always the same, nothing, or new wherever you stop."
    )
    mix_seed: int = Field(1, ge=0, le=2**32 - 1, description="Whose styles the later layers take.")
    mix_from: int = Field(
        LAYERS, ge=0, le=LAYERS, description=f"From this layer on they are that seed's; {LAYERS} mixes nothing."
    )
    lighter_hair: float = direction("lighter_hair")
    longer_hair: float = direction("longer_hair")
    darker_skin: float = direction("darker_skin")
    more_glasses: float = direction("more_glasses")
    more_beard: float = direction("more_beard")
    more_smile: float = direction("more_smile")
    layer: int = Field(5, ge=0, le=LAYERS - 1, description="Whose channels to show beside the picture.")


class InversionSettings(Settings):
    """The code of a face, by gradient descent."""

    image: ImageInput = Field(description="A face, such as an avatar. Its middle square is used.")
    extended: bool = Field(True, description="A w for each layer (w+), which fits closer, instead of one for all.")
    descent_steps: int = Field(200, ge=1, le=2000, description="Steps of gradient descent.")
    rate: float = Field(0.05, ge=0.001, le=1, description="Learning rate, at the start.")

    @property
    def steps(self) -> int:
        """Frames of a whole run."""
        return -(-self.descent_steps // SHOWN)


COMMON = {"tab": "latent", "kind": "adversarial", "weights": ("stylegan",)}
SPECS = [
    ModelSpec(
        name="stylegan",
        title="StyleGAN",
        task="noise to a face by styles, layer by layer",
        settings=StyleGANSettings,
        pipeline="stylegan.pipeline:StyleGANPipeline",
        help="A mapping untangles the code, and every layer takes its own style: mix, truncate, turn one feature.",
        fields=("psi", "noise", "mix_seed", "mix_from"),
        groups={"Directions": DIRECTIONS, "Inside": ("layer",)},
        starters={"The coarse of one, the fine of another": {"seed": 11, "mix_seed": 15, "mix_from": 4}},
        paper="Karras et al. 2019; Karras et al. 2020",
        parents=("stylegan-2018", "stylegan2"),
        reference="faces",
        evaluated={"psi 1": {"psi": 1.0, **CORNER}, "psi 0.7": {"psi": 0.7, **CORNER}},
        state="Channels of a layer",
        live=True,
        **COMMON,
    ),
    ModelSpec(
        name="stylegan-inversion",
        title="StyleGAN inversion",
        label="Inversion",
        task="a face to its code, by gradient descent",
        settings=InversionSettings,
        pipeline="stylegan.pipeline:InversionPipeline",
        help="Looks for the code whose picture is yours. Stop it when you like: what was found is kept.",
        fields=("descent_steps", "extended", "rate"),
        state="The given face",
        paper="Abdal et al. 2019",
        parents=("stylegan2",),
        **COMMON,
    ),
]
