"""The Audio tab: words, or a sound, become a sound: as a flow, or code by code; and the codec that both stand on, to play with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk, viewer
from app.forms import Form
from pipelines.core.registry import get_spec

if TYPE_CHECKING:
    from app.desktop import Desktop

TAB = "audio"
MODES = {"Flow": "audio-flow", "Tokens": "audio-tokens", "Codec": "audio-codec"}
HELP = {
    "audio-flow": "All of a phrase at once: its spectrum clears up step by step.",
    "audio-tokens": "Code by code, like a language; it is played while it is written.",
    "audio-codec": "Any sound as both models hear it: with one codebook, two, … six. Give it one first.",
}
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
    "books",
]
FIRST += ["negative_prompt", "sampler", "seed", "steps", "guidance"]
OWN = {
    "audio-flow": ["method", "start", "end", "strength"],
    "audio-tokens": ["score_guidance", "temperature", "top_k"],
    "audio-codec": ["books"],
}
EXAMPLES = {
    "vibraphone": "bright vibraphone melody, fast, C major",
    "choir": "soft choir chords, slow, A minor",
    "bass": "slap bass line, 125 bpm, E minor",
    "harp": "harp arpeggio, smooth, D major",
    "drums": "loud drum kit beat at 130 bpm",
    "chiptune": "8-bit synth melody, quick, staccato",
}
SOUND = """<div class="given"><span>A sound to work on, if you like</span>
  <canvas id="audio-given" height="48" role="img" aria-label="The sound; drag to mark a span"></canvas>
  <button type="button" class="send" data-do="picture">Choose</button><button type="button" class="send" data-do="record" aria-pressed="false">Record</button>
  <button type="button" class="send" data-do="hear">Hear it</button><button type="button" class="send" data-do="clear">Clear</button></div>"""


def build(desktop: Desktop) -> None:
    """Lay out the tab and wire it."""
    form = Form.build({model: get_spec(model).settings for model in MODES.values()}, TAB, FIRST)
    c, groups = form.controls, {}
    flow = ["sampler", "steps", *(name for name in c if name not in FIRST)]

    with gr.Row(elem_id="audio-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            model = gr.Radio(list(MODES.items()), value="audio-flow", label="What to do", elem_id="audio-model")
            hint = gr.HTML(f"<small>{HELP['audio-flow']}</small>", elem_classes="hint")
            with gr.Column() as words:
                c["prompt"].render()
                gr.Examples(
                    [[said] for said in EXAMPLES.values()],
                    c["prompt"],
                    elem_id="audio-examples",
                    example_labels=list(EXAMPLES),
                    api_visibility="private",
                )
            gr.HTML(SOUND, elem_id="audio-sound")
            for name, own in OWN.items():
                with gr.Column(
                    visible=name == "audio-flow", elem_classes="with-sound" if name == "audio-flow" else []
                ) as groups[name]:
                    for field in own:
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
            generate, stop = desk.act(TAB)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(TAB, sound=True), js_on_load="darkroom.ready('audio')")
            queue = gr.HTML("", elem_id="audio-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            bundles = tuple(dict.fromkeys(weights for name in MODES.values() for weights in get_spec(name).weights))
            gr.HTML(viewer.inspector(TAB, sound=True) + desk.model_card(bundles))

    def choose(name: str) -> list[Any]:
        asked, flows = name != "audio-codec", name == "audio-flow"
        return [
            f"<small>{HELP[name]}</small>",
            *(gr.Column(visible=visible) for visible in (asked, asked, flows)),
            *(gr.Column(visible=name == group) for group in groups),
        ]

    model.change(choose, model, [hint, words, long, steps, *groups.values()], queue=False, **desk.PRIVATE)
    desk.wire(desktop, TAB, form, model, again, in_files, dropped, generate, stop, queue)
