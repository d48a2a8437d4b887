"""Pictures and masks that people give: from a path, a PIL image, an array or a data URL, to one form that settings can
keep.

The form is a PNG data URL: it compares, travels inside a saved file and through HTTP, and holds exactly the 8-bit
pixels that the model sees. Nothing here imports torch.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import av
import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BeforeValidator

SIDE = 1024  # pixels: what is larger is scaled down to it
MODEL_SIDE = 128  # pixels that the models draw
HEADER = 60_000_000  # pixels that are decoded at most: a larger file is refused by its header
PREFIX = "data:image/png;base64,"


UNTRUSTED = {
    "remote": True
}  # the validation context of what came over the network or out of a file: no paths of this machine


def load_image(given: Any, name: str, remote: bool = False) -> Image.Image:
    """A PIL image of what was given, decoded and upright. Raises ValueError with one sentence.

    A `remote` one is no path.
    """
    if given is None or (isinstance(given, str) and not given):
        raise ValueError(f"there is no {name} yet; give one")
    if isinstance(given, Image.Image):
        return ImageOps.exif_transpose(given)
    if isinstance(given, np.ndarray):
        if (
            given.dtype != np.uint8
            or given.ndim not in (2, 3)
            or (given.ndim == 3 and given.shape[2] not in (3, 4))
            or 0 in given.shape
        ):
            raise ValueError(f"the {name} must be a uint8 array of height × width, with 3 or 4 channels or none")
        return Image.fromarray(given)
    is_data_url = isinstance(given, str) and given.startswith("data:")
    if not is_data_url and (remote or not isinstance(given, (str, Path))):
        raise ValueError(
            f"the {name} must be a data URL" if remote else f"the {name} must be a path, a PIL image or a uint8 array"
        )
    try:
        source = io.BytesIO(base64.b64decode(given.partition(",")[2], validate=True)) if is_data_url else str(given)
    except binascii.Error:
        raise ValueError(f"the {name} is not a picture; choose a PNG, JPEG or WebP file") from None
    try:
        image = Image.open(source)
        large = image.width * image.height > HEADER
        if not large:
            image.load()  # of an animation, the first frame
            image = ImageOps.exif_transpose(image)
    except Image.DecompressionBombError:
        raise ValueError(f"the {name} has too many pixels; scale it down to {SIDE} a side") from None
    except UnidentifiedImageError:
        frame = first_frame(source)
        if frame is None:
            raise ValueError(f"the {name} is not a picture; choose a PNG, JPEG or WebP file") from None
        return frame
    except FileNotFoundError:
        raise ValueError(f"the {name} {given} is not there; check the path") from None
    except (
        OSError,
        SyntaxError,
        EOFError,
        RuntimeError,
        ValueError,
        struct.error,
    ):  # each of them comes out of some damaged file
        raise ValueError(f"the {name} is damaged or incomplete; save it anew and try again") from None
    if large:
        raise ValueError(
            f"the {name} has {image.width} × {image.height} pixels, which is too many; scale it down to {SIDE} a side"
        )
    return image


def first_frame(film: io.BytesIO | str) -> Image.Image | None:
    """Of a video file; None where it is none, or larger than HEADER."""
    try:
        with open_video(film) as container:
            size = container.streams.video[0].codec_context
            return next(container.decode(video=0)).to_image() if size.width * size.height <= HEADER else None
    except (av.FFmpegError, ValueError, AttributeError, LookupError, StopIteration):
        return None


def open_video(film: io.BytesIO | str) -> Any:
    """An MP4, QuickTime or WebM file, opened. Raises av.FFmpegError or ValueError where it is none.

    A stranger may have sent it: no other of FFmpeg's formats is tried, since some of them open further files and
    addresses.
    """
    for kind in ("mov", "matroska"):
        if isinstance(film, io.BytesIO):
            film.seek(0)
        with contextlib.suppress(av.FFmpegError):
            return av.open(film, format=kind, metadata_errors="replace", timeout=5)
    raise ValueError("this is no film")


def to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB, transparent parts on white, at most SIDE a side."""
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel, whichever way PIL names it
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def to_url(image: Image.Image) -> str:
    """A PNG data URL."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return PREFIX + base64.b64encode(buffer.getvalue()).decode()


def image_url(given: Any, remote: bool = False) -> str:
    """Whatever was given, as the data URL of an 8-bit RGB PNG. Raises ValueError."""
    image = to_rgb(load_image(given, "picture", remote))
    if min(image.size) < 8:
        raise ValueError(f"the picture is {image.width} × {image.height} pixels; it needs 8 a side at least")
    return to_url(image)


def mask_url(given: Any, remote: bool = False) -> str:
    """A mask, white where to change, as the data URL of a black and white PNG. Raises ValueError.

    Where it has an alpha channel, as a brush's layer has, what is opaque and not black is white.
    """
    image = load_image(given, "mask", remote)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    image = to_rgb(image).convert("L").point(lambda value: 255 * (value >= 128))
    return to_url(image)


def from_url(data_url: str) -> np.ndarray:
    """The pixels of what `picture` (h, w, 3) or `mask` (h, w) made: uint8."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data_url.removeprefix(PREFIX)))))


def center_crop(picture: np.ndarray) -> np.ndarray:
    """The middle square of a picture (h, w, 3), at the models' size."""
    (height, width), side = picture.shape[:2], min(picture.shape[:2])
    top, left = (height - side) // 2, (width - side) // 2
    return resized(picture[top : top + side, left : left + side], MODEL_SIDE)


def resized(picture: np.ndarray, side: int) -> np.ndarray:
    """A square picture at another size."""
    if picture.shape[0] == side:
        return picture
    return cv2.resize(
        picture, (side, side), interpolation=cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_CUBIC
    )


def _given(given: Any, info: Any) -> str:
    """What a settings' field holds of a picture, in the words of its name."""
    try:
        return image_url(given, _remote(info))
    except ValueError as error:
        raise ValueError(
            str(error).replace("picture", "drawing") if info.field_name == "control" else str(error)
        ) from None


def _remote(info: Any) -> bool:
    return bool(info.context and info.context.get("remote"))


@dataclass(frozen=True)
class FromEditor:
    """Marks a settings field that an input editor of the page gives (a canvas, a sketch, a stack of files), not a
    control."""

    accepts: str  # "image" or "audio"


ImageInput = Annotated[str, BeforeValidator(_given), FromEditor("image")]
MaskInput = Annotated[str, BeforeValidator(lambda given, info: mask_url(given, _remote(info))), FromEditor("image")]
OptionalImageInput = Annotated[
    str,
    BeforeValidator(
        lambda given, info: (
            "" if given is None or (isinstance(given, str) and not given) else image_url(given, _remote(info))
        )
    ),
    FromEditor("image"),
]
