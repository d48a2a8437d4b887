"""The Video tab: words, or a picture, become a clip, all of its frames at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from app import desk, tabs, viewer
from pipelines.core.registry import in_tab

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = [
    "prompt",
    "frames",
    "motion",
    "loop",
    "method",
    "compare",
    "negative_prompt",
    "sampler",
    "seed",
    "steps",
    "guidance",
]
ENDS = """<div class="ends"><span>First and last frame, if you like</span>
  <button type="button" data-end="image" title="Choose a first frame"><small>first</small></button>
  <button type="button" data-end="last_image" title="Choose a last frame"><small>last</small></button>
  <button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c = form.controls
    more = [name for name in c if name not in FIRST]

    with gr.Row(elem_id="video-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            _, model, _ = tabs.choose_model(tab)
            c["prompt"].render()
            tabs.examples(in_tab(tab)[0], c["prompt"])
            gr.HTML(ENDS, elem_id="video-ends")
            for name in ("frames", "motion", "loop"):
                c[name].render()
            c["negative_prompt"].render()
            again = desk.sampling(tab, c)
            with gr.Accordion("Why together?", open=False):
                for name in ("method", "compare"):
                    c[name].render()
            with gr.Accordion("More", open=False):
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(True, label="Settings in files", info="A saved clip carries what made it.")
            dropped = gr.File(elem_id="video-drop", visible="hidden")
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(tab, clip=True), js_on_load="darkroom.ready('video')")
            queue = gr.HTML("", elem_id="video-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab, clip=True) + desk.model_card(tabs.weights_of(tab)))

    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)
