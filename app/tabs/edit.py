"""The Edit tab: a canvas, a mask, and four ways to change a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import gradio as gr
import numpy as np
from PIL import Image

from app import desk, tabs, viewer
from pipelines.core.registry import get_spec, in_tab
from pipelines.media import images as pictures

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = ["prompt", "source_prompt", "negative_prompt", "sampler", "seed", "steps", "guidance", "count"]
RARE = ["blend", "jump_length", "jump_n_sample"]  # inpainting's, under "More"
EXAMPLE = Path(__file__).parent.parent.parent / "assets" / "examples" / "avatar.png"
BOARD = """<div id="canvas" class="canvas" data-example="EXAMPLE"><canvas id="base"></canvas>
    <canvas id="mask" class="mask" aria-label="Paint here what should change"></canvas></div>"""
TOOLS = """<div id="tools" class="tools" role="toolbar" aria-label="Mask">
    <button type="button" data-tool="brush" class="on" aria-pressed="true">Brush</button>
    <button type="button" data-tool="eraser" aria-pressed="false">Eraser</button>
    <label>size <input id="size" type="range" min="1" max="40" value="12" aria-label="Brush size"></label>
    <button type="button" data-do="undo">Undo</button><button type="button" data-do="clear">Clear</button>
    <button type="button" data-op="invert">Invert</button><button type="button" data-op="grow">Grow</button>
    <button type="button" data-op="shrink">Shrink</button>
    <button type="button" data-do="open">Open mask</button><button type="button" data-do="save">Save mask</button>
  </div>"""
OPERATIONS = {
    "invert": lambda mask: 255 - mask,
    "grow": lambda mask: cv2.dilate(mask, disc(mask)),
    "shrink": lambda mask: cv2.erode(mask, disc(mask)),
}


def disc(mask: np.ndarray) -> np.ndarray:
    """A round brush of about a thirtieth of the picture."""
    size = 2 * max(1, max(mask.shape) // 60) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c, groups = form.controls, {}
    placed = {*FIRST, *RARE, *(field for spec in in_tab(tab) for field in spec.fields)}
    more = [name for name in c if name not in placed]

    with gr.Row(elem_id="edit-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            specs, model, hint = tabs.choose_model(tab)
            c["prompt"].render()
            with gr.Column(visible=False) as source:
                c["source_prompt"].render()
            for spec in specs:
                with gr.Column(visible=spec is specs[0]) as groups[spec.name]:
                    for field in spec.fields:
                        c[field].render()
            c["negative_prompt"].render()
            again = desk.sampling(tab, c)
            with gr.Accordion("More", open=False):
                with gr.Column() as rare:
                    for name in RARE:
                        c[name].render()
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(True, label="Settings in files", info="A saved PNG carries what made it.")
            dropped = gr.File(elem_id="edit-drop", visible="hidden")
            masked = gr.File(elem_id="edit-mask-file", visible="hidden")
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(
                viewer.shell(tab, BOARD.replace("EXAMPLE", pictures.to_url(Image.open(EXAMPLE))), TOOLS),
                js_on_load="darkroom.ready('edit')",
            )
            queue = gr.HTML("", elem_id="edit-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab) + desk.model_card(tabs.weights_of(tab)))

    shown = [hint, source, rare, *groups.values()]

    def choose(name: str) -> list[Any]:
        return [
            tabs.hint(get_spec(name)),
            gr.Column(visible=name == "edit-by-words"),
            gr.Column(visible=name == "inpainting"),
            *[gr.Column(visible=name == group) for group in groups],
        ]

    model.change(choose, model, shown, queue=False, **desk.PRIVATE)
    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)

    travelling = gr.Textbox(visible="hidden")
    for name, operation in OPERATIONS.items():

        def change(held: str, operation: Any = operation) -> str:
            if not held:
                return desktop.tell({"error": "There is no picture on the canvas yet: drop, paste or open one."})
            return desktop.tell(
                {
                    "canvas": {
                        "mask": pictures.to_url(
                            Image.fromarray(operation(pictures.from_url(pictures.mask_url(held, remote=True))))
                        )
                    }
                },
                tab,
            )

        gr.Button(name, elem_id=f"edit-op-{name}", visible="hidden").click(
            change, travelling, desktop.feed, js="() => [darkroom.get('edit', 'mask')]", queue=False, **desk.PRIVATE
        )

    def open_mask(path: str | None) -> list[Any]:
        if path is None:
            return [None, gr.skip()]
        try:
            return [None, desktop.tell({"canvas": {"mask": pictures.mask_url(path)}}, tab)]
        except ValueError as error:
            return [None, desktop.tell({"error": f"{str(error)[0].upper()}{str(error)[1:]}."})]

    masked.upload(open_mask, masked, [masked, desktop.feed], **desk.PRIVATE)
