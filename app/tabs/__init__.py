"""The tabs: which there are, what each is called, and where its models get what they begin with.

Models, forms, help and examples follow from the registry; `layout` builds every tab.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from app.forms import is_constant
from pipelines.core.registry import CATALOGUE, in_tab
from pipelines.core.settings import Settings, editor_fields

LAYERS = (("preview", "Prediction x̂<sub>0</sub>"), ("state", "State x<sub>t</sub>"))
PICK = "Describe it, or pick one of these."  # over starters
PLACES = {
    "mask": "tray",
    "sketch": "beside",
    "corners": "beside",
}  # editors that lie in the tray, or beside the picture; others in the form


@dataclass(frozen=True)
class Tab:
    """A tab of the desktop."""

    name: str
    title: str
    editor: str = ""  # which of static/inputs/ gives what a run begins with
    example: str = ""  # a picture of assets/examples that it begins with
    slots: tuple[tuple[str, str], ...] = ()  # of the editor "frames": field and label of each
    label: str = ""  # and what stands above them
    hand_over: str = ""  # what the button that brings a result here is called
    takes_words: bool = True  # whether the prompt comes along
    files: str = ""  # which files of its own it shows when they are dropped: "gaussians", or none
    action: str = "Generate"
    stop: str = "Stop"
    again: bool = True  # whether a new seed is drawn each time, to begin with
    empty: str = "Describe it, or take one of the ideas below the prompt."
    stopped: str = ""  # what a stop leaves, where it is no picture
    layers: tuple[tuple[str, str], ...] = LAYERS
    home: str = ""  # what its stage is called, where there are pages beside it
    pages: tuple[str, ...] = ()  # of app/pages.py

    @property
    def accepts(self) -> str:
        """What its editor takes when it is dropped: "image", "audio", "points", or nothing."""
        found = {kind for spec in in_tab(self.name) for kind in editor_fields(spec.settings).values()}
        return next((kind for kind in ("image", "audio", "points") if kind in found and self.editor), "")

    def stage(self) -> dict[str, Any]:
        """What the browser's half needs (static/core/stage.js)."""
        specs = in_tab(self.name)
        models = [
            {
                "name": s.name,
                "live": s.live,
                "drafts": bool(s.draft),
                "state": s.state,
                "takes": list(editor_fields(s.settings)),
                "branches": "branch_step" in s.settings.model_fields,
                "loras": lora_bases(s.settings),
            }
            for s in specs
        ]
        return {
            "kind": specs[0].result,
            "editor": self.editor,
            "place": PLACES.get(self.editor, "form") if self.editor else "",
            "empty": self.empty,
            "pick": PICK if "prompt" in specs[0].settings.model_fields else self.empty,
            "stop": self.stop,
            "stopped": self.stopped,
            "layers": self.layers,
            "models": models,
        }


def lora_bases(model: type[Settings]) -> dict[str, str]:
    """The weights beside which a model's LoRAs have to be taught, by its world ("" where it has one only)."""
    if "loras" not in model.model_fields or is_constant(model.model_fields["loras"]):
        return {}
    worlds = get_args(model.model_fields["world"].annotation) if "world" in model.model_fields else ("",)
    return {world: model.model_construct(**({"world": world} if world else {})).lora_base for world in worlds}


TABS = [
    Tab("image", "Image"),
    Tab("edit", "Edit", editor="mask", example="scene.png", hand_over="Edit"),
    Tab(
        "sketch",
        "Sketch",
        editor="sketch",
        hand_over="Sketch",
        empty="Draw on the paper: what you draw becomes a picture here.",
    ),
    Tab(
        "video",
        "Video",
        editor="frames",
        slots=(("image", "first"), ("last_image", "last")),
        label="First and last frame, if you like",
        hand_over="Video",
    ),
    Tab(
        "audio",
        "Audio",
        editor="sound",
        hand_over="Continue this sound",
        empty="Describe a sound, or take one of the ideas below the prompt.",
    ),
    Tab(
        "shape",
        "3D",
        editor="frames",
        slots=(("image", "picture"),),
        label="A picture of a thing",
        hand_over="3D",
        takes_words=False,
        files="gaussians",
        empty="Describe a toy, or take one of the ideas below the prompt.",
        layers=(LAYERS[0], ("state", "State x<sub>t</sub>, then error")),
    ),
    Tab(
        "atlas",
        "Atlas",
        editor="points",
        action="Play",
        stop="Pause",
        again=False,
        empty="Draw a distribution, or choose one, and press Play.",
        layers=(),
        home="Bench",
        pages=("map", "chooser"),
    ),
    Tab(
        "latent",
        "Latent",
        editor="corners",
        hand_over="Latent",
        again=False,
        takes_words=False,
        empty="Drag over the plane: between four codes there is a face everywhere.",
        layers=(("preview", "Picture"), ("state", "What it began with")),
    ),
    Tab("lab", "Lab", pages=("claims",)),
    Tab("arena", "Arena", pages=("ballot",)),
    Tab("evaluate", "Evaluate", pages=("reports",)),
    Tab(
        "train",
        "Train",
        editor="pictures",
        action="Train",
        again=False,
        empty="Give it 5 to 40 pictures of one style and a made-up word.",
        stopped="stopped; what was learnt is kept, in the list of LoRAs",
        layers=(("preview", "What it draws"), ("state", "What it was given")),
    ),
]
TABS += [  # a family that names a tab of its own gets one
    Tab(name, name.capitalize())
    for name in dict.fromkeys(spec.tab for spec in CATALOGUE.values())
    if name not in {tab.name for tab in TABS}
]
