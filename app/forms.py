"""Settings models as Gradio controls, and controls back as settings."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import gradio as gr
from annotated_types import Ge, Gt, Le, MultipleOf
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from pipelines.core import cards
from pipelines.core.settings import Settings, editor_fields, needs_input
from pipelines.media.images import UNTRUSTED

TITLES = {
    "negative_prompt": "Negative prompt", "dpm-solver++": "DPM-Solver++", "heun": "Heun", "euler": "Euler",
    "ddim": "DDIM", "ddpm": "DDPM, ancestral",
    "repaint": "RePaint", "naive": "Naive replacement", "conditioned": "Mask-conditioned (best fit)",
    "next-scale": "Next-scale prediction",
    "source_prompt": "What it shows now",
    "attention_replace": "Keep the layout",
    "kind": "Control", "control_weight": "Control weight",
    "loras": "LoRAs", "control2_weight": "Weight of the colours", "control2_kind": "Take from the colours",
    "trigger": "Trigger word", "name": "Save as", "fps": "Frames a second",
    "joint": "Together", "shared": "Each for itself, half of the noise shared",
    "independent": "Each for itself", "top_k": "Likeliest codes",
    "refill": "Play a span anew", "vary": "Make its like", "continue": "Go on after its end", "scene": "A toy",
    "picture": "A picture",
    "vae": "VAE", "noise-space": "Noise of the base", "dormand-prince": "Dormand-Prince",
    "first_prompt": "Prompt before the branch", "branch_step": "Branch after step",
    "control_start": "Follow the lines from", "control_end": "Follow the lines up to",
}  # fmt: skip


class Slider(gr.Slider):
    """Gradio's, without its own check: Settings refuses in a better sentence, and a blank does not break the page."""

    is_template = True  # in the browser it is Gradio's slider

    def preprocess(self, payload: float | None) -> Any:
        return payload


LORAS: dict[
    str, Any
] = {  # a slider for each LoRA that is there; the value is the text that Settings reads, such as "flat:0.8, lines"
    "html_template": '<span>${label}</span><div class="lora-list"></div>',
    "js_on_load": "darkroom.then((page) => page.mountLoras(element, props, watch, server))",
    "elem_classes": "loras",
}


def list_loras(_: Any = None) -> list[list[str]]:
    """Names of the LoRAs that are there now, the word that calls each, escaped, safe to be shown, and the weights
    beside which it was taught."""
    return [[name, html.escape(cards.trigger(path)), cards.lora_base(path)] for name, path in cards.loras().items()]


def lora_url(name: str) -> str:
    """A LoRA's file as a data URL, to be saved; "" if it is not there."""
    path = cards.loras().get(name)
    return f"data:application/octet-stream;base64,{base64.b64encode(path.read_bytes()).decode()}" if path else ""


def title(name: str) -> str:
    """A field's or a choice's name as people read it."""
    return TITLES.get(name, name.replace("_", " ").replace("-", " ").capitalize())


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the greatest allowed value."""
    low = next(
        (getattr(m, "ge", None) or getattr(m, "gt", 0) for m in field.metadata if isinstance(m, (Ge, Gt))), None
    )
    high = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    return low, high


def control(name: str, field: FieldInfo, prefix: str) -> gr.components.Component:
    """The control of one field: its label, help, default and range are the field's."""
    extra = field.json_schema_extra or {}
    common: dict[str, Any] = {"label": field.title or title(name), "info": field.description}
    common |= {"value": extra.get("initial", field.default)}
    common |= {"elem_id": f"{prefix}-{name}", "render": False}
    if needs_input(field):
        common["elem_classes"] = ["needs-input"]  # shown only where the editor has something
    low, high = bounds(field)
    kind = field.annotation
    if get_origin(kind) is Literal:
        return gr.Dropdown([(title(choice), choice) for choice in get_args(kind)], filterable=False, **common)
    if name == "seed":
        return gr.Number(precision=0, **common)  # its range is refused by Settings, in a better sentence
    if kind in (int, float):
        whole = next((m.multiple_of for m in field.metadata if isinstance(m, MultipleOf)), 1)
        return Slider(
            low, high, step=whole if kind is int else 0.05 if (high or 0) <= 1 else 0.1, buttons=["reset"], **common
        )
    if kind is bool:
        return gr.Checkbox(**common)
    if name == "loras":
        return gr.HTML(**common | LORAS, server_functions=[list_loras, lora_url])
    tall = name == "prompt"
    return gr.Textbox(lines=3 if tall else 1, max_lines=8 if tall else 3, max_length=None, **common)


def is_constant(field: FieldInfo) -> bool:
    """Whether a field has one value only, so that there is nothing to choose."""
    low, high = bounds(field)
    return (get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1) or (
        low is not None and low == high
    )


def shows(model: type[Settings], name: str) -> bool:
    """Whether a model has a field that leaves something to choose."""
    return name in model.model_fields and not is_constant(model.model_fields[name])


@dataclass(frozen=True)
class Form:
    """Controls by field name for one model or several; a field that several have is one control."""

    models: dict[str, type[Settings]]
    controls: dict[str, gr.components.Component]

    @classmethod
    def build(cls, models: dict[str, type[Settings]], prefix: str) -> Form:
        """Make all controls, unrendered: the tab places them. Those that the first model lacks are hidden."""
        fields: dict[str, FieldInfo] = {}
        for model in models.values():
            for name, field in model.model_fields.items():
                if name not in editor_fields(model) and not is_constant(field):
                    fields.setdefault(name, field)  # the first model is the one that is chosen to begin with
        controls = {name: control(name, field, prefix) for name, field in fields.items()}
        first = next(iter(models.values()))
        for name, part in controls.items():
            part.visible = shows(first, name)
        return cls(models, controls)

    @property
    def inputs(self) -> list[gr.components.Component]:
        return list(self.controls.values())

    def settings(self, model: str, values: tuple[Any, ...], given: dict[str, Any] | None = None) -> Settings:
        """Validated settings of a model from the controls' values, in order, and what a canvas gave.

        Raises pydantic.ValidationError.
        """
        kind = self.models[model]
        everything = dict(zip(self.controls, values, strict=True)) | (given or {})
        if everything.get("seed") is None:
            everything.pop("seed", None)
        return kind.model_validate(
            {name: value for name, value in everything.items() if shows(kind, name)}, context=UNTRUSTED
        )

    def follow(self, model: str, *values: Any) -> list[Any]:
        """Of controls that several models share, the ranges and help of the chosen one; and its default, where what
        stands there is another's."""
        updates = []
        for (name, part), value in zip(self.controls.items(), values, strict=True):
            fields = {key: kind.model_fields[name] for key, kind in self.models.items() if shows(kind, name)}
            mine = fields.get(model)
            if mine is None or len({(f.default, f.description, bounds(f)) for f in fields.values()}) == 1:
                updates.append(gr.skip())
                continue
            changes: dict[str, Any] = {"info": mine.description}
            if isinstance(part, Slider):
                changes |= dict(zip(("minimum", "maximum"), bounds(mine), strict=True))
            if value in [field.default for field in fields.values()]:
                changes["value"] = mine.default
            updates.append(gr.update(**changes))
        return updates

    def fitting(self, model: str, values: dict[str, Any]) -> dict[str, Any]:
        """Of values by field name, those that a model's settings take and a control shows."""
        kind = self.models[model]
        found = {name: value for name, value in values.items() if name in kind.model_fields and name in self.controls}
        try:
            kind.model_validate(found, context=UNTRUSTED)
        except ValidationError as error:
            wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
            return {name: value for name, value in found.items() if name not in wrong}
        return found

    def updates(self, found: dict[str, Any]) -> list[Any]:
        """The controls' values in order for some values by field name; others stay."""
        return [found.get(name, gr.skip()) for name in self.controls]

    def values(self, settings: Settings) -> list[Any]:
        """The controls' values for these settings, in order; others stay."""
        kind = type(settings)
        return [getattr(settings, name) if shows(kind, name) else gr.skip() for name in self.controls]
