"""The film of a run as one file: the previews that the browser has, as MP4, GIF or a contact sheet."""

from __future__ import annotations

import cv2
import numpy as np

from app import viewer
from pipelines.core.contract import ImageResult, VideoResult, tile
from pipelines.media import images

LONGEST = 3  # seconds that the development takes; the finished picture then stays for one


def save_development(given: list) -> dict[str, str]:
    """A run's previews, as data URLs in their order, in one file: {"url": …}, or {"error": sentence}.

    Given are the previews and a kind: "mp4", "gif", or "png" for a contact sheet.
    """
    try:
        pictures, kind = given
        if kind not in ("mp4", "gif", "png") or not 0 < len(pictures) <= viewer.FILM:
            raise ValueError(f"a development has 1 to {viewer.FILM} pictures, and is saved as mp4, gif or png")
        frames = [images.from_url(images.image_url(url, remote=True)) for url in pictures]
    except (TypeError, ValueError) as error:
        return {"error": f"The development could not be saved: {error}."}
    size = frames[-1].shape[1] // 2 * 2, frames[-1].shape[0] // 2 * 2  # H.264 wants even sides
    frames = np.stack([cv2.resize(frame, size) for frame in frames])
    if kind == "png":
        return {"url": viewer.data_url(ImageResult(tile(frames), "", {}).file("png", False), "image/png")}
    fps = max(4, round(len(frames) / LONGEST))
    film = np.concatenate([frames, np.repeat(frames[-1:], fps, 0)])
    return {"url": viewer.data_url(VideoResult(film, fps, "", {}).file(kind, False), viewer.TYPES[kind])}
