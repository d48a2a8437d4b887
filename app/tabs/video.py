"""The Video tab: words, or a picture, become a clip, all of its frames at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from app import desk, viewer
from app.forms import Form
from pipelines.core.registry import get_spec

if TYPE_CHECKING:
    from app.desktop import Desktop

TAB = "video"
MODEL = "video"
FIRST = [
    "prompt",
    "frames",
    "amount",
    "loop",
    "method",
    "compare",
    "negative_prompt",
    "sampler",
    "seed",
    "steps",
    "guidance",
]
EXAMPLES = {
    "waving": "waving hand, large motion",
    "grin": "grinning face",
    "dance": "woman dancing",
    "rocket": "rocket",
    "heart": "beating heart",
    "clown": "clown face, small motion",
}
ENDS = """<div class="ends"><span>First and last frame, if you like</span>
  <button type="button" data-end="image" title="Choose a first frame"><small>first</small></button>
  <button type="button" data-end="last" title="Choose a last frame"><small>last</small></button>
  <button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop) -> None:
    """Lay out the tab and wire it."""
    entry = get_spec(MODEL)
    form = Form.build({MODEL: entry.settings}, TAB, FIRST)
    c = form.controls
    more = [name for name in c if name not in FIRST]

    with gr.Row(elem_id="video-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            gr.HTML(f'<div class="model"><b>{entry.title}</b><span>{desk.size(entry.weights)}</span></div>')
            c["prompt"].render()
            gr.Examples(
                [[said] for said in EXAMPLES.values()],
                c["prompt"],
                elem_id="video-examples",
                example_labels=list(EXAMPLES),
                api_visibility="private",
            )
            gr.HTML(ENDS, elem_id="video-ends")
            for name in ("frames", "amount", "loop"):
                c[name].render()
            c["negative_prompt"].render()
            again = desk.sampling(TAB, c)
            with gr.Accordion("Why together?", open=False):
                for name in ("method", "compare"):
                    c[name].render()
            with gr.Accordion("More", open=False):
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(True, label="Settings in files", info="A saved clip carries what made it.")
            dropped = gr.File(elem_id="video-drop", visible="hidden")
            generate, stop = desk.act(TAB)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(TAB, clip=True), js_on_load="darkroom.ready('video')")
            queue = gr.HTML("", elem_id="video-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(TAB, clip=True) + desk.model_card(entry.weights))

    desk.wire(desktop, TAB, form, gr.State(MODEL), again, in_files, dropped, generate, stop, queue)
