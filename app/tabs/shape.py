"""The 3D tab: words or a picture become a thing to turn; and splats, fitted to a toy or to a picture, to play with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk, viewer
from app.forms import Form
from pipelines.core.registry import get_spec

if TYPE_CHECKING:
    from app.desktop import Desktop

TAB = "shape"
MODES = {"From words": "text-to-3d", "From a picture": "image-to-3d", "Splatting": "splatting"}
HELP = {
    "text-to-3d": "Eight views come up together; then splats are fitted to them.",
    "image-to-3d": "One thing before a plain background; the other sides are imagined.",
    "splatting": "How splats learn: from 24 true views of a toy, or one picture.",
}
FIRST = [
    "prompt",
    "azimuth",
    "elevation",
    "method",
    "toy",
    "splats",
    "degree",
    "fit",
    "grow",
    "negative_prompt",
    "sampler",
    "seed",
    "steps",
    "guidance",
]
OWN = {"image-to-3d": ["azimuth", "elevation"], "splatting": ["method", "toy", "degree"]}
EXAMPLES = {
    "car": "a red car with blue top",
    "rocket": "blue rocket with 4 fins, yellow nose",
    "mushroom": "a purple mushroom with orange dots, tall stem",
    "robot": "a green robot with 2 aerials",
    "cake": "a pink cake, white icing, 3 candles",
    "chair": "a brown chair with high back",
}
GIVEN = """<div class="ends"><span>A picture of a thing</span>
  <button type="button" data-end="image" title="Choose a picture"><small>picture</small></button>
  <button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop) -> None:
    """Lay out the tab and wire it."""
    form = Form.build({model: get_spec(model).settings for model in MODES.values()}, TAB, FIRST)
    c, groups = form.controls, {}
    more = ["sampler", *(name for name in c if name not in FIRST)]

    with gr.Row(elem_id="shape-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            model = gr.Radio(list(MODES.items()), value="text-to-3d", label="What to do", elem_id="shape-model")
            hint = gr.HTML(f"<small>{HELP['text-to-3d']}</small>", elem_classes="hint")
            gr.HTML(GIVEN, elem_id="shape-ends")  # the stylesheet hides it where words alone are asked for
            with gr.Column() as words:
                c["prompt"].render()
                gr.Examples(
                    [[said] for said in EXAMPLES.values()],
                    c["prompt"],
                    elem_id="shape-examples",
                    example_labels=list(EXAMPLES),
                    api_visibility="private",
                )
            for name, own in OWN.items():
                with gr.Column(visible=False) as groups[name]:
                    for field in own:
                        c[field].render()
            with gr.Row(elem_classes="pair"):
                c["seed"].render()
                again = gr.Checkbox(True, label="New seed each time", elem_id="shape-again")
            with gr.Column() as drawn:
                for name in ("steps", "guidance"):
                    c[name].render()
            for name in ("splats", "fit", "grow"):
                c[name].render()
            with gr.Column() as sampled, gr.Accordion("Sampler and more", open=False):
                for name in ("negative_prompt", *more):
                    c[name].render()
            in_files = gr.Checkbox(
                True, label="Settings in files", info="A saved picture or film carries what made it."
            )
            dropped = gr.File(elem_id="shape-drop", visible="hidden")
            generate, stop = desk.act(TAB)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(TAB, shape=True), js_on_load="darkroom.ready('shape')")
            queue = gr.HTML("", elem_id="shape-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(TAB, shape=True) + desk.model_card(get_spec("text-to-3d").weights))

    def choose(name: str) -> list[Any]:
        drawing = name != "splatting"
        return [
            f"<small>{HELP[name]}</small>",
            *(gr.Column(visible=drawing) for _ in range(3)),
            *(gr.Column(visible=name == group) for group in groups),
        ]

    model.change(choose, model, [hint, words, drawn, sampled, *groups.values()], queue=False, **desk.PRIVATE)
    desk.wire(desktop, TAB, form, model, again, in_files, dropped, generate, stop, queue)
