"""The film of a run as one file: the previews that the browser has, as MP4, GIF or a contact sheet."""

from __future__ import annotations

import base64
import io
import logging
import threading

import cv2
import numpy as np
from PIL import Image

from app import viewer
from pipelines.core.contract import ImageResult, VideoResult, tile

LONGEST = 3  # seconds that the development takes; the finished picture then stays for one
SIDE = 1024  # pixels of a preview a side at most
ONE = threading.Semaphore(1)  # at a time: these calls do not wait in the queue of runs

log = logging.getLogger("darkroom")


def save_development(given: list) -> dict[str, str]:
    """A run's previews, as data URLs in their order, in one file: {"url": …}, or {"error": sentence}.

    Given are the previews and a kind: "mp4", "gif", or "png" for a contact sheet.
    """
    try:
        pictures, kind = given
        if kind not in ("mp4", "gif", "png") or not 0 < len(pictures) <= viewer.FILM:
            raise ValueError(f"a development has 1 to {viewer.FILM} pictures, and is saved as mp4, gif or png")
        with ONE:
            data = write([read_preview(url) for url in pictures], kind)
    except Exception as error:  # of decoders and encoders, too
        log.info("a development was refused", exc_info=True)
        reason = str(error) if isinstance(error, ValueError) else "it could not be read or written"
        return {"error": f"The development could not be saved: {reason}."}
    return {"url": viewer.data_url(data, viewer.TYPES[kind])}


def read_preview(url: str) -> np.ndarray:
    """uint8 (h, w, 3). Raises ValueError where it is no picture, or a large one: its header says so."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])), formats=["PNG", "JPEG"]) as image:
        if max(image.size) > SIDE:
            raise ValueError(f"a preview has at most {SIDE} pixels a side")
        return np.asarray(image.convert("RGB"))


def write(frames: list[np.ndarray], kind: str) -> bytes:
    """The frames, at the last one's size, as one file."""
    size = frames[-1].shape[1] // 2 * 2, frames[-1].shape[0] // 2 * 2  # H.264 wants even sides
    film = np.stack([cv2.resize(frame, size) for frame in frames])
    if kind == "png":
        return ImageResult(tile(film), "", {}).file("png", False)
    fps = max(4, round(len(film) / LONGEST))
    return VideoResult(np.concatenate([film, np.repeat(film[-1:], fps, 0)]), fps, "", {}).file(kind, False)
