"""Faces: the avatars at 64 pixels, which the classic families learn: small enough to lie in memory."""

from __future__ import annotations

import cv2
import numpy as np

from pipelines import datasets as data

SIZE = 64


def build() -> None:
    """Make every avatar small (a minute)."""
    avatars = data.load("avatars")
    images = np.empty((len(avatars.rows), SIZE, SIZE, 3), np.uint8)
    for i, picture in enumerate(avatars.images):
        images[i] = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    data.save("faces", images, avatars.rows)
    print(f"{len(images)} faces of {SIZE} pixels")
