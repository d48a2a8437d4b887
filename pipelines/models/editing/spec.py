"""What the four ways to change a picture can be asked."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.core.settings import ADVANCED
from pipelines.core.spec import EXAMPLES, LATENT_DIFFUSION, LATENT_DIFFUSION_256, ModelSpec
from pipelines.media import images
from pipelines.models.latent_diffusion.spec import WorldSettings

SIDES = {"people": 128, "scenes": 256}  # pixels that each draws
CANVASES, LEAST = (
    {"people": 512, "scenes": 1024},
    64,
)  # of an outpainted canvas a side at most, of what is on it at least


class VariationSettings(WorldSettings):
    """A picture's like (SDEdit)."""

    image: images.ImageInput = Field(description="What to start from; its middle square is used.")
    strength: float = Field(
        0.6, gt=0, le=1, description="How much noise to start from: little keeps the picture, 1 keeps nothing."
    )
    ladder: bool = Field(False, description="Show strengths 0.1 to 0.9 in one strip, with the same seed.")


class InpaintingSettings(WorldSettings):
    """A part of a picture anew."""

    OLD_NAMES: ClassVar[dict[str, str]] = {"jump": "jump_length", "resamples": "jump_n_sample"}

    image: images.ImageInput = Field(description="The picture; outside the mask no pixel changes.")
    mask: images.MaskInput = Field(description="White where to change.")
    method: Literal["conditioned", "repaint", "naive", "next-scale"] = Field(
        "conditioned",
        description="A model that sees the mask; or the base alone: RePaint goes back and forth until new and old "
        "agree, at many more calls; naive does not. Next-scale prediction keeps the codes around (scenes only).",
    )
    compare: bool = Field(False, description="Every method side by side, on the same mask and seed.")
    feather: int = Field(
        4,
        ge=0,
        le=32,
        description="Fade the new part in over so many pixels inside the mask.",
        json_schema_extra={"initial": 16},  # the default is what calls without it mean
    )
    jump_length: int = Field(
        4, ge=1, le=20, description="RePaint: how many steps it goes back each time.", json_schema_extra=ADVANCED
    )
    jump_n_sample: int = Field(
        3, ge=1, le=10, description="RePaint: how often each stretch is developed.", json_schema_extra=ADVANCED
    )
    blend: bool = Field(
        False,
        description="Blend the seam (Poisson): the part's colours follow what is around it.",
        json_schema_extra=ADVANCED | {"initial": True},
    )

    @model_validator(mode="after")
    def _fitting(self) -> InpaintingSettings:
        picture, mask = images.from_url(self.image), images.from_url(self.mask)
        if picture.shape[:2] != mask.shape:
            (h, w), (mh, mw) = picture.shape[:2], mask.shape
            raise ValueError(
                f"The mask is {mw} × {mh} pixels, but the picture is {w} × {h}: give them the same size."
            )
        if self.method == "next-scale" and self.world != "scenes":
            raise ValueError("Next-scale prediction knows the world of scenes: choose it, or another method.")
        if not mask.any():
            raise ValueError("Nothing is painted: paint over what should change.")
        return self


class OutpaintingSettings(WorldSettings):
    """A picture continued beyond its edges."""

    image: images.ImageInput = Field(
        description="The picture; none of its pixels changes. It is made smaller where the canvas would exceed "
        f"{CANVASES['scenes']} pixels, or {CANVASES['people']} in the world of people."
    )
    left: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add on the left.")
    right: int = Field(64, ge=0, le=384, multiple_of=8, description="Pixels to add on the right.")
    top: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add above.")
    bottom: int = Field(0, ge=0, le=384, multiple_of=8, description="Pixels to add below.")

    @model_validator(mode="after")
    def _fitting(self) -> OutpaintingSettings:
        across, down = self.left + self.right, self.top + self.bottom
        if not across + down:
            raise ValueError("Nothing is added: choose a side to continue.")
        room, side = CANVASES[self.world] - LEAST, SIDES[self.world]
        if max(across, down) > room:
            raise ValueError(f"{max(across, down)} pixels are added; at most {room} fit beside the picture.")
        width, height = self.picture_size()
        if min(width + across, height + down) < side:
            raise ValueError(
                f"The canvas would be {width + across} × {height + down} pixels; it needs {side} a side: add more."
            )
        return self

    def picture_size(self) -> tuple[int, int]:
        """Width and height of the picture on the canvas: its own, or what fits there."""
        (height, width), most = images.from_url(self.image).shape[:2], CANVASES[self.world]
        room = (most - self.left - self.right) / width, (most - self.top - self.bottom) / height
        scale = min(1.0, *room)
        return int(width * scale), int(height * scale)


class PromptEditSettings(WorldSettings):
    """A picture as other words have it."""

    OLD_NAMES: ClassVar[dict[str, str]] = {
        "source": "source_prompt",
        "keep": "attention_replace",
        "everywhere": "unmasked",
    }

    image: images.ImageInput = Field(description="The picture to change; its middle square is used.")
    source_prompt: str = Field(
        "", max_length=2000, description="What the picture shows now, in words. Empty lets the model see it without."
    )
    attention_replace: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Look where the old picture looks for this fraction of the run (prompt-to-prompt): keeps the "
        "layout.",
    )
    unmasked: bool = Field(
        False, description="Let the whole picture change, not only where the two captions disagree."
    )


SPECS = [
    ModelSpec(
        name="inpainting",
        title="Inpainting",
        tab="edit",
        task="a masked part anew",
        settings=InpaintingSettings,
        pipeline="editing.pipeline:InpaintingPipeline",
        weights=(*LATENT_DIFFUSION, "inpainting"),
        worlds={"scenes": (*LATENT_DIFFUSION_256, "layout", "next-scale", "inpainting-256")},
        label="Inpaint",
        help="Paint over what should change, and say what should be there.",
        about="Under the mask it begins with noise, around it the picture stays, bit for bit; the model sees both at "
        "every step, so that the new part fits.",
        fields=("world", "method", "compare", "feather"),
        starters={
            "a castle": {
                "world": "scenes",
                "image": str(EXAMPLES / "scene.png"),
                "mask": str(EXAMPLES / "scene-right.png"),
                "prompt": "a castle",
                "seed": 3,
                "feather": 16,
                "blend": True,
            },
            "sunglasses": {
                "image": str(EXAMPLES / "avatar.png"),
                "mask": str(EXAMPLES / "avatar-eyes.png"),
                "prompt": "a woman in black sunglasses",
            },
        },
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="RePaint: Lugmayr et al. 2022; mask as a condition: Nichol et al. 2022",
    ),
    ModelSpec(
        name="outpainting",
        title="Outpainting",
        tab="edit",
        task="a canvas continued",
        settings=OutpaintingSettings,
        pipeline="editing.outpainting:OutpaintingPipeline",
        weights=(*LATENT_DIFFUSION, "outpainting"),
        worlds={"scenes": (*LATENT_DIFFUSION_256, "inpainting-256")},
        label="Outpaint",
        help="Choose how far to go on at each side.",
        fields=("world", "left", "right", "top", "bottom"),
        starters={
            "wider": {
                "world": "scenes",
                "image": str(EXAMPLES / "scene.png"),
                "left": 64,
                "right": 192,
                "prompt": "mountains in summer",
                "seed": 1,
            },
        },
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="MultiDiffusion: Bar-Tal et al. 2023",
    ),
    ModelSpec(
        name="variation",
        title="Variation",
        tab="edit",
        task="a picture's like",
        settings=VariationSettings,
        pipeline="editing.pipeline:VariationPipeline",
        weights=LATENT_DIFFUSION,
        worlds={"scenes": LATENT_DIFFUSION_256},
        label="Vary",
        help="The picture's like: more strength, less likeness.",
        fields=("world", "strength", "ladder"),
        starters={
            "a variation": {
                "image": str(EXAMPLES / "avatar.png"),
                "prompt": "a woman with long red hair and a green jacket",
                "strength": 0.7,
                "seed": 3,
            },
        },
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="SDEdit: Meng et al. 2022",
    ),
    ModelSpec(
        name="edit-by-words",
        title="Edit by words",
        tab="edit",
        task="a picture under other words",
        settings=PromptEditSettings,
        pipeline="editing.by_words:PromptEditPipeline",
        weights=LATENT_DIFFUSION,
        worlds={"scenes": LATENT_DIFFUSION_256},
        label="Change by words",
        help="Say what the picture shows, and what it should show.",
        fields=("world", "source_prompt", "attention_replace", "unmasked"),
        starters={
            "a blue jacket": {
                "image": str(EXAMPLES / "avatar.png"),
                "source_prompt": "a woman with long black hair, red jacket",
                "prompt": "a woman with long black hair, blue jacket",
                "seed": 1,
            },
        },
        kind="diffusion",
        parents=("latent-diffusion",),
        paper="DiffEdit: Couairon et al. 2023; prompt-to-prompt: Hertz et al. 2023",
    ),
]
