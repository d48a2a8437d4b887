"""What there is: one line a family. Importing this imports neither torch nor a model."""

from __future__ import annotations

import importlib

from pipelines.core.spec import ModelSpec

# folders of pipelines/models, in the order in which the house shows them
FAMILIES = (
    "latent_diffusion",
    "next_scale",
    "editing",
    "controlnet",
    "pix2pix",
    "video",
    "audio",
    "multiview",
    "gaussian_splatting",
    "lora",
    "plane",
    "vae",
    "gan",
    "stylegan",
    "ddpm",
    "rectified_flow",
    "walk",
)
CATALOGUE: dict[str, ModelSpec] = {
    spec.name: spec
    for family in FAMILIES
    for spec in importlib.import_module(f"pipelines.models.{family}.spec").SPECS
}


def get_spec(name: str) -> ModelSpec:
    """The model of that name. Raises KeyError with a sentence that lists the names."""
    if name not in CATALOGUE:
        raise KeyError(f"There is no model '{name}'; choose one of: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


RESULTS = {
    "image": "pipelines.core.contract:ImageResult",
    "video": "pipelines.core.contract:VideoResult",
    "audio": "pipelines.core.contract:AudioResult",
    "points": "pipelines.core.contract:PointsResult",
    "gaussians": "pipelines.models.gaussian_splatting.files:GaussianResult",
    "plane": "pipelines.models.plane.result:PlaneResult",
}  # by kind; imported when one comes back from a file


def result_class(kind: str) -> type:
    """The class of a kind of result, whose `from_png` reads what its `file` wrote."""
    module, _, name = RESULTS[kind].partition(":")
    return getattr(importlib.import_module(module), name)


def in_tab(tab: str) -> list[ModelSpec]:
    """The models that a tab shows."""
    return [spec for spec in CATALOGUE.values() if spec.tab == tab]
