"""The Sketch tab: a sheet of paper whose lines and colours steer the model, or become a picture at every stroke."""

from __future__ import annotations

import contextlib
import html
import json
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image
from pydantic import ValidationError

from app import desk, live, tabs, viewer
from pipelines.core.cards import BUNDLED, WeightsError, card
from pipelines.core.registry import get_spec
from pipelines.core.settings import format_error
from pipelines.media import control_maps as controls
from pipelines.media import images as pictures

if TYPE_CHECKING:
    from app.desktop import Desktop

FIRST = [
    "prompt",
    "style",
    "kind",
    "control_weight",
    "control2_weight",
    "negative_prompt",
    "sampler",
    "seed",
    "steps",
    "guidance",
    "count",
]
BOARD = """<div id="canvas" class="canvas sheet"><canvas id="colours" width="256" height="256"></canvas>
    <canvas id="lines" width="256" height="256" aria-label="Draw here"></canvas></div>"""
TOOLS = """<div id="tools" class="tools" role="toolbar" aria-label="Drawing">
    <button type="button" data-tool="pen" class="on" aria-pressed="true">Pen</button>
    <button type="button" data-tool="colour" aria-pressed="false">Colour</button>
    <input id="hue" type="color" value="#b5432e" aria-label="Colour of the brush">
    <button type="button" data-tool="eraser" aria-pressed="false">Eraser</button>
    <label>size <input id="size" type="range" min="1" max="16" value="5" aria-label="Pen size"></label>
    <button type="button" data-do="undo">Undo</button><button type="button" data-do="clear">Clear</button>
    <button type="button" data-do="picture">Trace a picture</button>
  </div>"""


def replay(kind: str) -> str:
    """How the training of a control went: the looks of the recipe, to scrub through. "" where there is none."""
    strip, told = BUNDLED.parent / "replay" / f"controlnet-{kind}.jpg", {}
    with contextlib.suppress(WeightsError):
        told = card(f"controlnet-{kind}").get("replay", {})
    if not told or not strip.exists():
        return ""
    gr.set_static_paths([strip.parent])
    last = len(told["step"]) - 1
    said = f"after {told['step'][last]} steps · agreement with the control {told['agreement'][last]:.2f}"
    shown = f"--strip: url('gradio_api/file={strip}'); --tall: {100 * (last + 2)}%"
    return f"""<div class="card replay" style="{shown}" data-told="{html.escape(json.dumps(told))}">
      <h4>The training replayed: when {kind} {"takes" if kind == "palette" else "take"}</h4><div></div><div class="made"></div>
      <input type="range" min="0" max="{last}" value="{last}" aria-label="Look of the training"><small>{said}</small></div>"""


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    form = tabs.form_of(tab, FIRST)
    c = form.controls
    steered = [
        name
        for name in c
        if name not in get_spec("pix2pix").settings.model_fields and name not in (*FIRST, "control2_kind")
    ]

    with gr.Row(elem_id="sketch-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            _, model, hint = tabs.choose_model(tab)
            with gr.Column(visible=False) as drawn:
                c["style"].render()
            with gr.Column() as words:
                for name in FIRST:
                    if name not in ("style", "sampler", "seed", "steps", "guidance", "count"):
                        c[name].render()
                again = desk.sampling(tab, c)
                with gr.Accordion("More", open=False):
                    for name in (*steered, "control2_kind"):
                        c[name].render()
            in_files = gr.Checkbox(True, label="Settings in files", info="A saved PNG carries what made it.")
            dropped = gr.File(elem_id="sketch-drop", visible="hidden")
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(tab, BOARD, TOOLS, beside=True), js_on_load="darkroom.ready('sketch')")
            queue = gr.HTML("", elem_id="sketch-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab) + replay("edges") + replay("palette") + desk.model_card(tabs.weights_of(tab)))

    def choose(name: str) -> list[Any]:
        return [
            tabs.hint(get_spec(name)),
            gr.Column(visible=name == "pix2pix"),
            gr.Column(visible=name == "controlnet"),
        ]

    chosen = model.change(choose, model, [hint, drawn, words], queue=False, **desk.PRIVATE)
    chosen.then(None, None, None, js="() => darkroom.redraw('sketch')")
    c["style"].change(None, None, None, js="() => darkroom.redraw('sketch')")
    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)

    travelling = gr.Textbox(visible="hidden")

    def redraw(lines: str, style: str) -> str:
        if not lines:
            return desktop.tell({"live": {"note": ""}}, tab)
        try:
            settings = get_spec("pix2pix").settings.model_validate(
                {"control": lines, "style": style}, context=pictures.UNTRUSTED
            )
        except ValidationError as error:
            return desktop.tell({"live": {"note": format_error(error)}}, tab)
        return desktop.tell({"live": live.glimpse("pix2pix", settings)}, tab)

    # "once" would lose the last stroke; the page asks again only after an answer
    gr.Button(elem_id="sketch-live", visible="hidden").click(
        redraw, [travelling, c["style"]], desktop.feed, js="(_, style) => [darkroom.get('sketch', 'control'), style]",
        queue=False, trigger_mode="multiple", **desk.PRIVATE,
    )  # fmt: skip

    def trace(picture: str, kind: str) -> str:
        try:
            pixels = pictures.from_url(pictures.image_url(picture, remote=True))
        except ValueError as error:
            return desktop.tell({"error": f"{str(error)[0].upper()}{str(error)[1:]}."})
        lines = 255 - controls.control(kind if kind in ("edges", "scribble") else "edges", pixels)[..., 0]
        laid = {"control": pictures.to_url(Image.fromarray(lines).convert("RGB"))}
        if controls.line_drawing(pixels) is None:
            laid["control2"] = pictures.to_url(Image.fromarray(controls.control("palette", pixels)))
        return desktop.tell({"canvas": laid}, tab)

    gr.Button(elem_id="sketch-trace", visible="hidden").click(
        trace,
        [travelling, c["kind"]],
        desktop.feed,
        js="(_, kind) => [darkroom.waiting('sketch'), kind]",
        queue=False,
        **desk.PRIVATE,
    )
