"""The tabs: which there are, what each is called, and what it takes from elsewhere.

Their models follow from the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk
from app.forms import Form
from pipelines.core.registry import in_tab
from pipelines.core.spec import ModelSpec

if TYPE_CHECKING:
    from app.desktop import Desktop


@dataclass(frozen=True)
class Tab:
    """A tab of the desktop."""

    name: str
    title: str
    build: Callable[[Desktop, str], None]
    accepts: str = ""  # what a dropped file without settings is to it: "image", "audio", "gaussians", or nothing


def choose_model(tab: str) -> tuple[list[ModelSpec], gr.components.Component, gr.HTML]:
    """The models of a tab, the control that holds the name of the one to run, and a line that says what that one
    does."""
    specs = in_tab(tab)
    if len(specs) == 1:
        spec = specs[0]
        gr.HTML(f'<div class="model"><b>{spec.title}</b><span>{desk.size(spec.weights)}</span></div>')
        return specs, gr.State(spec.name), gr.HTML("", visible=False)
    choices = [(spec.label or spec.title, spec.name) for spec in specs]
    model = gr.Radio(choices, value=specs[0].name, label="What to do", elem_id=f"{tab}-model")
    return specs, model, gr.HTML(hint(specs[0]), elem_classes="hint")


def hint(spec: ModelSpec) -> str:
    """What a model does, in a line."""
    return f"<small>{spec.help}</small>"


def form_of(tab: str, first: list[str]) -> Form:
    """The form of a tab's models; `first` fields come first."""
    return Form.build({spec.name: spec.settings for spec in in_tab(tab)}, tab, first)


def has(tab: str, field: str) -> bool:
    """Whether any of a tab's models has a field."""
    return any(field in spec.settings.model_fields for spec in in_tab(tab))


def weights_of(tab: str) -> tuple[str, ...]:
    """The bundles that a tab's models need, each once."""
    return tuple(dict.fromkeys(name for spec in in_tab(tab) for name in spec.weights))


def examples(spec: ModelSpec, prompt: gr.components.Component) -> Any:
    """Chips that fill in a prompt."""
    return gr.Examples(
        [[text] for text in spec.examples.values()],
        prompt,
        elem_id=f"{spec.tab}-examples",
        example_labels=list(spec.examples),
        api_visibility="private",
    )
