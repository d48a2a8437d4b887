"""The 3D tab: words or a picture become a thing to turn; and splats, fitted to a toy or to a picture, to play with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk, tabs, viewer
from pipelines.core.registry import get_spec, in_tab

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = [
    "prompt",
    "azimuth",
    "elevation",
    "method",
    "toy_id",
    "max_gaussians",
    "sh_degree",
    "fit_steps",
    "densify",
    "negative_prompt",
    "sampler",
    "seed",
    "steps",
    "guidance",
]
GIVEN = """<div class="ends"><span>A picture of a thing</span>
  <button type="button" data-end="image" title="Choose a picture"><small>picture</small></button>
  <button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c, groups = form.controls, {}
    more = ["sampler", *(name for name in c if name not in FIRST)]

    with gr.Row(elem_id="shape-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            specs, model, hint = tabs.choose_model(tab)
            gr.HTML(GIVEN, elem_id="shape-ends")  # the stylesheet hides it where words alone are asked for
            with gr.Column() as words:
                c["prompt"].render()
                tabs.examples(in_tab(tab)[0], c["prompt"])
            for spec in specs:
                with gr.Column(visible=False) as groups[spec.name]:
                    for field in spec.fields:
                        c[field].render()
            with gr.Row(elem_classes="pair"):
                c["seed"].render()
                again = gr.Checkbox(True, label="New seed each time", elem_id="shape-again")
            with gr.Column() as drawn:
                for name in ("steps", "guidance"):
                    c[name].render()
            for name in ("max_gaussians", "fit_steps", "densify"):
                c[name].render()
            with gr.Column() as sampled, gr.Accordion("Sampler and more", open=False):
                for name in ("negative_prompt", *more):
                    c[name].render()
            in_files = gr.Checkbox(
                True, label="Settings in files", info="A saved picture or film carries what made it."
            )
            dropped = gr.File(elem_id="shape-drop", visible="hidden")
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(tab, shape=True), js_on_load="darkroom.ready('shape')")
            queue = gr.HTML("", elem_id="shape-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab, shape=True) + desk.model_card(tabs.weights_of(tab)))

    def choose(name: str) -> list[Any]:
        drawing = name != "splatting"
        return [
            tabs.hint(get_spec(name)),
            *(gr.Column(visible=drawing) for _ in range(3)),
            *(gr.Column(visible=name == group) for group in groups),
        ]

    model.change(choose, model, [hint, words, drawn, sampled, *groups.values()], queue=False, **desk.PRIVATE)
    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)
