"""Masks: what OpenCV does to a painted one, and one out of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import gradio as gr
import numpy as np
from PIL import Image

from app import desk
from pipelines.media import images

if TYPE_CHECKING:
    from app.desktop import Desktop

OPERATIONS = {
    "invert": lambda mask: 255 - mask,
    "grow": lambda mask: cv2.dilate(mask, disc(mask)),
    "shrink": lambda mask: cv2.erode(mask, disc(mask)),
}


def disc(mask: np.ndarray) -> np.ndarray:
    """A round brush of about a thirtieth of the picture."""
    size = 2 * max(1, max(mask.shape) // 60) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def wire(desktop: Desktop, context: desk.TabContext) -> None:
    """Hidden buttons that the editor presses, and the file that it opens."""
    name = context.tab.name
    painted = gr.Textbox(visible="hidden")
    chosen = gr.File(elem_id=f"{name}-mask-file", visible="hidden")
    for operation, change in OPERATIONS.items():

        def apply(url: str, change: Any = change) -> str:
            if not url:
                return desktop.tell({"error": "There is no picture on the canvas yet: drop, paste or open one."})
            mask = change(images.from_url(images.mask_url(url, remote=True)))
            return desktop.tell({"input": {"mask": images.to_url(Image.fromarray(mask))}}, name)

        gr.Button(operation, elem_id=f"{name}-op-{operation}", visible="hidden").click(
            apply, painted, desktop.feed, js=desk.call(f"get('{name}', 'mask')", "[{}]"), queue=False, **desk.PRIVATE
        )

    def open_mask(path: str | None) -> list[Any]:
        if path is None:
            return [None, gr.skip()]
        try:
            url = images.mask_url(path)
            if not images.from_url(url).any():
                raise ValueError(
                    "the mask marks nothing: what should change must be white, or painted on transparency"
                )
            return [None, desktop.tell({"input": {"mask": url}}, name)]
        except ValueError as error:
            return [None, desktop.tell({"error": desk.sentence(error)})]

    chosen.upload(open_mask, chosen, [chosen, desktop.feed], **desk.PRIVATE)
