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
import pillow_heif
from jaxtyping import Bool, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BeforeValidator

SIDE = 1024  # pixels: what is larger is scaled down to it
MODEL_SIDE = 128  # pixels that the models draw
HEADER = 60_000_000  # pixels that are decoded at most: a larger file is refused by its header
BYTES = 100_000_000  # of a file that is opened at most
PREFIX = "data:image/png;base64,"
# no other of Pillow's is tried: some hand files to other programs
FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "QOI", "ICO", "PPM", "TGA", "DDS"]
STILL = {
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"mif1",
    b"avif",
}  # brands of pictures that lie in the container of films
NO_PICTURES = {
    b"<svg": "an SVG drawing; export it as PNG",
    b"<?xml": "an XML file, perhaps an SVG drawing; export it as PNG",
    b"%PDF": "a PDF; export the page as PNG",
    b"%!PS": "a PostScript file; export it as PNG",
    b"ID3": "a sound; choose a PNG, JPEG or WebP file",
    b"fLaC": "a sound; choose a PNG, JPEG or WebP file",
    b"OggS": "a sound; choose a PNG, JPEG or WebP file",
    b"RIFF": "a sound or a film that cannot be read; choose a PNG, JPEG or WebP file",
    b"glTF": "a 3D model; choose a PNG, JPEG or WebP file",
    b"ply": "a file of splats or points; choose a PNG, JPEG or WebP file",
    b"PK": "an archive; unpack it first",
}  # by how files begin
pillow_heif.register_heif_opener()

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
    in_memory = isinstance(given, bytes)  # of a file
    if not is_data_url and not in_memory and (remote or not isinstance(given, (str, Path))):
        raise ValueError(
            f"the {name} must be a data URL" if remote else f"the {name} must be a path, a PIL image or a uint8 array"
        )
    size = len(given) if in_memory else len(given) * 3 // 4 if is_data_url else file_size(given)
    if size > BYTES:
        raise ValueError(f"the {name}'s file is larger than {BYTES // 1_000_000} MB; choose a smaller one")
    try:
        if is_data_url:
            given = base64.b64decode(given.partition(",")[2], validate=True)
        source = io.BytesIO(given) if isinstance(given, bytes) else str(given)
    except binascii.Error:
        raise ValueError(f"the {name} is not a picture; choose a PNG, JPEG or WebP file") from None
    try:
        image = Image.open(source, formats=FORMATS)
        large = image.width * image.height > HEADER
        if not large:
            image.load()  # of an animation, the first frame
            image = ImageOps.exif_transpose(image)
    except Image.DecompressionBombError:
        raise ValueError(f"the {name} has too many pixels; scale it down to {SIDE} a side") from None
    except UnidentifiedImageError:
        frame = first_frame(source)
        if frame is None:
            raise ValueError(f"the {name} is {what_it_is(source)}") from None
        return frame
    except FileNotFoundError:
        raise ValueError(f"the {name} {given} is not there; check the path") from None
    except Exception:  # decoders of damaged files raise whatever they like
        raise ValueError(f"the {name} is damaged or incomplete; save it anew and try again") from None
    if large:
        raise ValueError(
            f"the {name} has {image.width} × {image.height} pixels, which is too many; scale it down to {SIDE} a side"
        )
    return image


def what_it_is(source: io.BytesIO | str) -> str:
    """What a file that is no picture seems to be, and what to do."""
    start = head(source).lstrip(b"\xef\xbb\xbf \t\r\n")
    return next(
        (text for magic, text in NO_PICTURES.items() if start.lower().startswith(magic.lower())),
        "not a picture; choose a PNG, JPEG or WebP file",
    )


def head(source: io.BytesIO | str, count: int = 64) -> bytes:
    """How a file begins."""
    if isinstance(source, io.BytesIO):
        return source.getvalue()[:count]
    with open(source, "rb") as file:
        return file.read(count)


def file_size(path: str | Path) -> int:
    """Bytes; 0 where there is no file, which is noticed when it is opened."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def first_frame(film: io.BytesIO | str) -> Image.Image | None:
    """Of a video file, upright; None where it is none, or larger than HEADER."""
    try:
        with open_video(film) as container:
            size = container.streams.video[0].codec_context
            if size.width * size.height > HEADER:
                return None
            frame = next(container.decode(video=0))
            return Image.fromarray(upright(frame.to_ndarray(format="rgb24"), display_matrix(frame)))
    except (av.FFmpegError, ValueError, AttributeError, LookupError, StopIteration):
        return None


def display_matrix(frame: av.VideoFrame) -> tuple[float, float, float, float]:
    """How a film's pixels are to be shown: x' = a x + c y, y' = b x + d y, as (a, b, c, d)."""
    found = [bytes(part) for part in frame.side_data if part.type.name == "DISPLAYMATRIX"]
    if not found:
        return 1.0, 0.0, 0.0, 1.0
    a, b, _, c, d, *_ = struct.unpack("<9i", found[0][:36])
    return a / 65536, b / 65536, c / 65536, d / 65536


def upright(pixels: np.ndarray, matrix: tuple[float, float, float, float]) -> np.ndarray:
    """Pixels turned and mirrored by a display matrix, to the nearest quarter."""
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def open_video(film: io.BytesIO | str) -> Any:
    """An MP4, QuickTime or WebM file, opened. Raises av.FFmpegError or ValueError where it is none.

    A stranger may have sent it: no other of FFmpeg's formats is tried, since some of them open further files and
    addresses.
    """
    if head(film, 12)[8:] in STILL:
        raise ValueError("this is a picture")
    for kind in ("mov", "matroska"):
        if isinstance(film, io.BytesIO):
            film.seek(0)
        with contextlib.suppress(av.FFmpegError):
            return av.open(film, format=kind, metadata_errors="replace", timeout=5)
    raise ValueError("this is no film")


def to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB, transparent parts on white, at most SIDE a side."""
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(eight_bits(np.asarray(image), image.mode.startswith("F")))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def eight_bits(values: np.ndarray, floats: bool) -> UInt8[np.ndarray, "h w"]:
    """Grey values of 16 or 32 bits, or floats, as 8 bits. Their white follows from the largest: 1 of floats, 255, that
    of 16 bits, that of 32 bits; beyond 1, floats that are no round scale are taken down to their largest."""
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    largest = values.max(initial=0.0)
    scales = [1.0, 255.0, 65_535.0, 2.0**32 - 1] if floats else [255.0, 65_535.0, 2.0**32 - 1]
    white = next((scale for scale in scales if largest <= scale), largest)
    return (values * (255 / white)).clip(0, 255).round().astype(np.uint8)


def to_url(image: Image.Image) -> str:
    """A PNG data URL."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return PREFIX + base64.b64encode(buffer.getvalue()).decode()


def image_url(given: Any, remote: bool = False) -> str:
    """Whatever was given, as the data URL of an 8-bit RGB PNG. Raises ValueError."""
    source = load_image(given, "picture", remote)
    image = to_rgb(source)
    if min(image.size) < 8:
        size = f"{source.width} × {source.height} pixels"
        if min(source.size) < 8:
            raise ValueError(f"the picture is {size}; it needs 8 a side at least")
        raise ValueError(f"the picture is {size}, which is too long and thin; cut it to at most 128 times its width")
    return to_url(image)


def mask_url(given: Any, remote: bool = False) -> str:
    """A mask, white where to change, as the data URL of a black and white PNG. Raises ValueError."""
    image = load_image(given, "mask", remote)
    marked = Image.fromarray(np.uint8(255) * mark(image))
    if max(marked.size) > SIDE:
        marked.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        marked = marked.point(lambda value: 255 * (value >= 128))
    return to_url(marked)


def mark(image: Image.Image) -> Bool[np.ndarray, "h w"]:
    """What a mask of whichever program marks.

    Without transparency: what is at least half as bright, in its brightest channel, as the brightest there, so that 0
    and 1, a grey, or a colour on black all do. A layer that was painted on, partly transparent: what is opaque,
    without its black where it has other colours. A whole picture with holes: the holes.
    """
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    pixels = np.asarray(image.convert("RGBA")) if has_alpha else None
    if pixels is None or (pixels[..., 3] >= 128).all():
        deep = image.mode.startswith(("I", "F"))
        values = (
            eight_bits(np.asarray(image), image.mode[0] == "F") if deep else np.asarray(image.convert("RGB")).max(2)
        )
        return values >= max(1, -(-int(values.max(initial=0)) // 2))
    colours, opaque = pixels[..., :3], pixels[..., 3] >= 128
    if len(np.unique(colours[opaque] // 32, axis=0)) > 8:
        return ~opaque
    bright = opaque & (colours.max(2) >= 64)
    return bright if bright.any() else opaque


def from_url(data_url: str) -> np.ndarray:
    """The pixels of what `image_url` (h, w, 3) or `mask_url` (h, w) made: uint8."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data_url.removeprefix(PREFIX)))))


def center_crop(picture: np.ndarray, to: int = MODEL_SIDE) -> np.ndarray:
    """The middle square of a picture (h, w, 3), at a model's size."""
    (height, width), side = picture.shape[:2], min(picture.shape[:2])
    top, left = (height - side) // 2, (width - side) // 2
    return resized(picture[top : top + side, left : left + side], to)


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

    accepts: str  # "image", "audio", "points"; "plane" for a place on it, "run" for what a run goes on from


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
