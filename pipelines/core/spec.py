"""What the house knows of a model before it loads it: its settings, its place in the page, its weights, its paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines.core.settings import Settings

Kind = Literal["image", "video", "audio", "gaussians", "points", "plane"]
FORMATS: dict[Kind, tuple[str, ...]] = {
    "image": ("png",),
    "video": ("png", "mp4", "webp", "gif", "zip"),
    "audio": ("png", "wav", "flac"),
    "gaussians": ("png", "ply", "splat", "glb", "mp4"),
    "points": ("png", "csv"),
    "plane": ("png", "json", "csv"),
}  # what each kind of result can be saved as
ASSETS = Path(__file__).parents[2] / "assets"
EXAMPLES = ASSETS / "examples"  # pictures that starters and tabs begin with
LATENT_DIFFUSION = ("latent-diffusion", "autoencoder")  # the weights that whatever stands on latent diffusion needs
LATENT_DIFFUSION_256 = ("latent-diffusion-256", "autoencoder-256")


@dataclass(frozen=True)
class ModelSpec:
    """A model of the catalogue. From it follow its form, tab entry, endpoint, file formats, card and row in the
    docs."""

    name: str
    title: str
    tab: str  # where the page shows it
    task: str  # what it turns into what
    settings: type[Settings]
    pipeline: str  # "module:Class" under pipelines.models
    weights: tuple[str, ...] = ()
    worlds: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # weights by the setting `world`, where it has one
    result: Kind = "image"
    label: str = ""  # what its tab calls it, where the tab has several models; else the title
    help: str = ""  # one line, shown where it is chosen
    examples: Mapping[str, str] = field(default_factory=dict)  # label of a chip: its prompt
    starters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # caption of a finished one: its settings
    fields: tuple[str, ...] = ()  # its own settings, in the order in which the form shows them
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # title of an accordion: what lies in it
    about: str = ""  # what happens while it runs, where that needs more than a line
    paper: str = ""
    kind: str = ""  # which of lineage.KINDS it is
    parents: tuple[str, ...] = ()  # what it came from, by names of lineage
    state: str = ""  # what its frames show besides the preview, where its tab does not say
    live: bool = False  # fast enough to run at every stroke
    draft: Mapping[str, Any] = field(default_factory=dict)  # else the settings with which it is, where it can be
    drafted_by: str = ""  # a quicker model, which draws drafts where it can all that the settings ask for
    contestants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # in the arena, by label: settings
    reference: str = ""  # the held-out pictures that its report card compares with: a file of assets/references
    evaluated: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"": {}}
    )  # on cards, by label: settings
    turns: tuple[str, ...] = ()  # settings that may change while it runs

    def weights_for(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The weights that a run of some settings is by."""
        return self.worlds.get(settings.get("world", ""), self.weights)

    @property
    def all_weights(self) -> tuple[str, ...]:
        """The weights that some run of it is by."""
        return tuple(dict.fromkeys((*self.weights, *(name for names in self.worlds.values() for name in names))))

    @property
    def formats(self) -> tuple[str, ...]:
        """Endings of the files that its result can be saved as."""
        return FORMATS[self.result]
