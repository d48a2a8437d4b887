"""Drawings: a picture traced onto the sheet, its lines for the pen, its colours for the brush."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import gradio as gr
from PIL import Image

from app import desk, live
from pipelines.core.registry import get_spec
from pipelines.media import control_maps, images

if TYPE_CHECKING:
    from app.desktop import Desktop


def wire(desktop: Desktop, context: desk.TabContext) -> None:
    """The hidden button that the editor presses when a picture was given to it."""
    name = context.tab.name
    picture = gr.Textbox(visible="hidden")

    def trace(url: str, kind: str, model: str) -> str:
        try:
            pixels = images.from_url(images.image_url(url, remote=True))
        except ValueError as error:
            return desktop.tell({"error": desk.sentence(error)})
        field = get_spec(model).settings.model_fields.get("kind")  # what is chosen may be another model's
        if field and kind in get_args(field.annotation) and kind not in control_maps.PREPROCESSORS:
            near, error = live.read_control(model, kind, pixels)
            return desktop.tell({"input": {"control": near}} if near else {"error": error}, name)
        lines = 255 - control_maps.control(kind if kind in ("edges", "scribble") else "edges", pixels)[..., 0]
        drawn = {"control": images.to_url(Image.fromarray(lines).convert("RGB"))}
        if control_maps.line_drawing(pixels) is None:
            drawn["control2"] = images.to_url(Image.fromarray(control_maps.control("palette", pixels)))
        return desktop.tell({"input": drawn}, name)

    gr.Button(elem_id=f"{name}-trace", visible="hidden").click(
        trace,
        [picture, context.form.controls["kind"], context.model],
        desktop.feed,
        js=f"async (_, ...rest) => [(await darkroom).get('{name}', 'image'), ...rest]",
        queue=False,
        **desk.PRIVATE,
    )
