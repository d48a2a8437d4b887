"""The Audio tab: words, or a sound, become a sound: as a flow, or code by code; and the codec that both stand on, to
play with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk, tabs, viewer
from pipelines.core.registry import get_spec, in_tab

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = [
    "prompt",
    "seconds",
    "loop",
    "method",
    "start",
    "end",
    "strength",
    "score_guidance",
    "temperature",
    "top_k",
    "codebooks",
]
FIRST += ["negative_prompt", "sampler", "seed", "steps", "guidance"]
SOUND = """<div class="given"><span>A sound to work on, if you like</span>
  <canvas id="audio-given" height="48" role="img" aria-label="The sound; drag to mark a span"></canvas>
  <button type="button" class="send" data-do="picture">Choose</button><button type="button" class="send" data-do="record" aria-pressed="false">Record</button>
  <button type="button" class="send" data-do="hear">Hear it</button><button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c, groups = form.controls, {}
    flow = ["sampler", "steps", *(name for name in c if name not in FIRST)]

    with gr.Row(elem_id="audio-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            specs, model, hint = tabs.choose_model(tab)
            with gr.Column() as words:
                c["prompt"].render()
                tabs.examples(in_tab(tab)[0], c["prompt"])
            gr.HTML(SOUND, elem_id="audio-sound")
            for spec in specs:
                first = spec is specs[0]
                with gr.Column(visible=first, elem_classes="with-sound" if first else []) as groups[spec.name]:
                    for field in spec.fields:
                        c[field].render()
            with gr.Column() as long:
                for name in ("seconds", "loop", "negative_prompt", "guidance"):
                    c[name].render()
            with gr.Row(elem_classes="pair"):
                c["seed"].render()
                again = gr.Checkbox(True, label="New seed each time", elem_id="audio-again")
            with gr.Column() as steps, gr.Accordion("Sampler and more", open=False):
                for name in flow:
                    c[name].render()
            in_files = gr.Checkbox(True, label="Settings in files", info="A saved sound carries what made it.")
            dropped = gr.File(elem_id="audio-drop", visible="hidden")
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(tab, sound=True), js_on_load="darkroom.ready('audio')")
            queue = gr.HTML("", elem_id="audio-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab, sound=True) + desk.model_card(tabs.weights_of(tab)))

    def choose(name: str) -> list[Any]:
        asked, flows = name != "audio-codec", name == "audio-flow"
        return [
            tabs.hint(get_spec(name)),
            *(gr.Column(visible=visible) for visible in (asked, asked, flows)),
            *(gr.Column(visible=name == group) for group in groups),
        ]

    model.change(choose, model, [hint, words, long, steps, *groups.values()], queue=False, **desk.PRIVATE)
    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)
