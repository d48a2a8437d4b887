"""What the browser is told of a run: frames as JPEG data URLs with the numbers that the inspector draws, and files.

The viewer itself is static/core/stage.js; it keeps the frames of a run, so scrubbing asks the server nothing.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from pipelines.core import provenance
from pipelines.core.contract import Frame
from pipelines.core.registry import get_spec, result_class
from pipelines.core.settings import Settings

log = logging.getLogger(__name__)

QUALITY = 85
TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "zip": "application/zip",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "csv": "text/csv",
    "json": "application/json",
    "glb": "model/gltf-binary",
}  # what is not listed is application/octet-stream
FILM = 60  # frames that the scrubber keeps at most

SYMBOLS = {  # the update as papers write it; x̂, n̂ and z are the estimate, the noise that it implies, and fresh noise
    "euler": "x<sub>s</sub> = x<sub>t</sub> + (s − t)(a′ x̂<sub>0</sub> + σ′ n̂)",
    "heun": "x<sub>s</sub> = x<sub>t</sub> + ½ (s − t)(d<sub>t</sub> + d<sub>s</sub>)",
    "ddim": "x<sub>s</sub> = a<sub>s</sub> x̂<sub>0</sub> + √(σ<sub>s</sub>² − η²σ̃²) n̂ + ησ̃ z",
    "ddpm": "x<sub>s</sub> = (a<sub>t|s</sub> σ<sub>s</sub>² x<sub>t</sub> "
    "+ a<sub>s</sub> σ<sub>t|s</sub>² x̂<sub>0</sub>) / σ<sub>t</sub>² + σ̃ z",
    "dpm-solver++": "x<sub>s</sub> = (σ<sub>s</sub> / σ<sub>t</sub>) x<sub>t</sub> + a<sub>s</sub> (1 − e<sup>−h</sup>) D̂",
}


def equation(trace: dict[str, Any]) -> str:
    """The sampler's update in symbols, and below it with this step's own numbers, in HTML."""
    if trace.get("sampler") not in SYMBOLS:
        return trace.get("equation", "")
    state, estimate, noise = trace["coefficients"]
    weight = trace["weight"]
    if not all(map(math.isfinite, (state, estimate, noise, trace["t"], trace["next"], weight))):
        return SYMBOLS[trace["sampler"]]
    what = {"dpm-solver++": "D̂", "heun": "x̂<sub>0</sub> <small>(first half)</small>"}.get(
        trace["sampler"], "x̂<sub>0</sub>"
    )
    numbers = (
        f"x<sub>{trace['next']:.2f}</sub> = {state:.3f} x<sub>{trace['t']:.2f}</sub> + {estimate:.3f} {what}"
        + (f" + {noise:.3f} z" if noise else "")
    )
    numbers = numbers.replace("+ -", "− ")
    guided = f"x̂<sub>0</sub> = u + {weight:g} (c − u)" if weight != 1 else "x̂<sub>0</sub> = c, without guidance"
    return f"{SYMBOLS[trace['sampler']]}<div>{numbers}</div><div>{guided}</div>"


def finite(value: Any) -> Any:
    """The same with null in place of numbers that are infinite or NaN, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(message: Any) -> str:
    """JSON as browsers read it."""
    try:
        return json.dumps(message, allow_nan=False)
    except ValueError:
        return json.dumps(finite(message), allow_nan=False)


def encoded(pixels: np.ndarray, kind: str = "jpeg") -> bytes:
    """uint8 (h, w, 3) as the bytes of a JPEG or PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": QUALITY} if kind == "jpeg" else {}))
    return buffer.getvalue()


def data_url(data: bytes, kind: str) -> str:
    """Bytes as a data URL: it leaves no file behind, unlike gr.Image's cache."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(pixels: np.ndarray, kind: str = "jpeg") -> str:
    """uint8 (h, w, 3) as a data URL."""
    return data_url(encoded(pixels, kind), f"image/{kind}")


def is_picture(value: Any) -> bool:
    """Whether a value of a trace is a picture: uint8 (h, w, 3)."""
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3


def frame_message(frame: Frame, lossless: bool = True) -> dict[str, Any]:
    """A frame as the browser wants it; the finished picture without loss, unless it is a draft."""
    return {
        "step": frame.step,
        "steps": frame.steps,
        "note": frame.note,
        "view": frame.view,
        "preview": picture(frame.preview, "png" if lossless and frame.result is not None else "jpeg"),
        "state": None if frame.state is None else picture(frame.state),
        **{key: picture(value) if is_picture(value) else value for key, value in frame.trace.items()},
        "equation": equation(frame.trace),
    }


def files(result: Any, name: str, in_files: bool) -> list[dict[str, str]]:
    """A result in each of its formats, to download; one that cannot be written does not lose the others."""
    found = []
    for ending in result.formats:
        try:
            kind = TYPES.get(ending, "application/octet-stream")
            found.append({"name": f"{name}.{ending}", "url": data_url(result.file(ending, in_files), kind)})
        except Exception:
            log.exception("%s.%s could not be written", name, ending)
    for path in result.attachments:
        found.append({"name": path.name, "url": data_url(path.read_bytes(), "application/octet-stream")})
    return found


def restore(png: bytes, model: str, settings: Settings) -> dict[str, Any]:
    """A result of the history as its run showed it at the end: the last frame, and the files; where the PNG holds no
    more than a picture, that alone."""
    kind, name = get_spec(model).result, f"{model}-{settings.seed}"
    message = picture_alone(png, model, settings.model_dump())
    if kind == "image":
        return message
    try:
        result = result_class(kind).from_png(png, model, settings.model_dump())
    except KeyError:  # splats that were fitted to a picture leave a picture
        return message
    with Image.open(io.BytesIO(png)) as image:
        made_with = provenance.read_environment(image.info.get(provenance.PNG_SETTINGS_KEY))
    result = replace(result, made_with=made_with)
    last = Frame(0, 0, result.preview, None, "", result, result.trace, result.view)
    return {**message, "frame": frame_message(last), "files": files(result, name, True)}


def picture_alone(png: bytes, model: str, settings: dict[str, Any]) -> dict[str, Any]:
    """An entry of the history as the picture that stands for it."""
    seed = settings.get("seed", 0)
    return {"name": f"{model}-{seed}.png", "url": data_url(png, "image/png"), "seed": seed}


def thinned(steps: int) -> set[int]:
    """The steps that the scrubber keeps: at most FILM, evenly picked, the first and the last among them."""
    return {1 + round(i * (steps - 1) / (FILM - 1)) for i in range(FILM)}
