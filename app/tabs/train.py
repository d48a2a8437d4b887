"""The Train tab: a handful of pictures and a made-up word become a LoRA, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from app import desk, tabs, viewer

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = ["trigger", "name", "minutes", "rank"]
PILE = """<div class="pile-box"><small id="train-count-given"></small><div id="train-pile" class="pile"></div>
  <button type="button" class="send" data-do="picture">Choose pictures</button></div>"""
HOW = """<div class="card"><h4>What happens</h4><small>The base stays frozen. Beside its layers grow pairs of small matrices that learn your
pictures under the word; pictures of the base itself are kept as they are without it. Above in the tray: with the word;
below: the same without. In any prompt, wear it under More, LoRAs, and say the word.</small></div>"""


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c = form.controls
    with gr.Row(elem_id="train-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            _, model, _ = tabs.choose_model(tab)
            gr.HTML(PILE)
            for name in FIRST:
                c[name].render()
            with gr.Accordion("More", open=False):
                for name in (name for name in c if name not in FIRST):
                    c[name].render()
                again = gr.Checkbox(False, label="New seed each time", elem_id="train-again")
                in_files = gr.Checkbox(True, label="Settings in files", info="A saved PNG carries what made it.")
            dropped = gr.File(elem_id="train-drop", visible="hidden", file_count="multiple")
            teach, stop = desk.act(tab, "Teach")
        with gr.Column(elem_classes="view"):
            shell = viewer.shell(tab).replace(
                "Write what you would like to see, then develop it.", "Give it pictures and a word, then teach."
            )
            shell = shell.replace("Prediction x̂<sub>0</sub>", "What it draws").replace(
                "State x<sub>t</sub>", "What it was given"
            )
            gr.HTML(shell, js_on_load="darkroom.ready('train')")
            queue = gr.HTML("", elem_id="train-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            inspector = (
                viewer.inspector(tab)
                .replace("How far the picture still moves", "Loss")
                .replace("|Δx̂<sub>0</sub>|", "mean of 50 updates")
            )
            gr.HTML(HOW + inspector)
    desk.wire(desktop, tab, form, model, again, in_files, dropped, teach, stop, queue)
