"""A Settings model as Gradio controls, and controls back as settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import gradio as gr
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from pipelines.settings import Settings

TITLES = {"negative_prompt": "Keep away from", "dpm-solver++": "DPM-Solver++", "heun": "Heun", "euler": "Euler", "ddim": "DDIM", "ddpm": "DDPM, ancestral"}


class Slider(gr.Slider):
    """Gradio's, without its own check: Settings refuses in a better sentence, and a blank does not break the page."""

    is_template = True  # in the browser it is Gradio's slider

    def preprocess(self, payload: float | None) -> Any:
        return payload


def title(name: str) -> str:
    """A field's or a choice's name as people read it."""
    return TITLES.get(name, name.replace("_", " ").replace("-", " ").capitalize())


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the greatest allowed value."""
    low = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    return low, high


def control(name: str, field: FieldInfo, prefix: str) -> gr.components.Component:
    """The control of one field: its label, help, default and range are the field's."""
    common: dict[str, Any] = {"label": title(name), "info": field.description, "value": field.default, "elem_id": f"{prefix}-{name}", "render": False}
    low, high = bounds(field)
    kind = field.annotation
    if get_origin(kind) is Literal:
        return gr.Dropdown([(title(choice), choice) for choice in get_args(kind)], filterable=False, **common)
    if name == "seed":
        return gr.Number(precision=0, **common)  # its range is refused by Settings, in a better sentence
    if kind in (int, float):
        return Slider(low, high, step=1 if kind is int else 0.05 if (high or 0) <= 1 else 0.1, buttons=["reset"], **common)
    if kind is bool:
        return gr.Checkbox(**common)
    tall = name == "prompt"
    return gr.Textbox(lines=3 if tall else 1, max_lines=8 if tall else 3, max_length=None, **common)


@dataclass(frozen=True)
class Form:
    """Controls by field name, in the order of the Settings model."""

    model: type[Settings]
    controls: dict[str, gr.components.Component]

    @classmethod
    def build(cls, model: type[Settings], prefix: str, order: list[str]) -> Form:
        """Make all controls, unrendered: the tab places them. `order` comes first, the rest follows as declared."""
        names = [*order, *(n for n in model.model_fields if n not in order)]
        made = {name: control(name, model.model_fields[name], prefix) for name in names}
        return cls(model, made)

    @property
    def inputs(self) -> list[gr.components.Component]:
        return list(self.controls.values())

    def settings(self, values: tuple[Any, ...]) -> Settings:
        """Validated settings from the controls' values, in order. Raises pydantic.ValidationError."""
        given = dict(zip(self.controls, values, strict=True))
        if given.get("seed") is None:
            given.pop("seed", None)
        return self.model(**given)

    def values(self, settings: Settings) -> list[Any]:
        """The controls' values for these settings, in order."""
        return [getattr(settings, name) for name in self.controls]
