"""What the browser's viewer is told: frames as JPEG data URLs with the numbers that the inspector draws.

The viewer itself is markup and static/darkroom.js; it keeps the frames of a run, so scrubbing asks the server nothing.
"""

from __future__ import annotations

import base64
import io
import logging
from typing import Any

import numpy as np
from PIL import Image

from pipelines.core.contract import AudioResult, Frame, VideoResult, frame_differences, tile
from pipelines.media import audio as sounds

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
}
TYPES |= {"ply": "application/octet-stream", "splat": "application/octet-stream", "glb": "model/gltf-binary"}
FILM = 60  # frames that the scrubber keeps at most

SYMBOLS = {  # the update as papers write it; x̂, n̂ and z are the estimate, the noise that it implies, and fresh noise
    "euler": "x<sub>s</sub> = x<sub>t</sub> + (s − t)(a′ x̂<sub>0</sub> + σ′ n̂)",
    "heun": "x<sub>s</sub> = x<sub>t</sub> + ½ (s − t)(d<sub>t</sub> + d<sub>s</sub>)",
    "ddim": "x<sub>s</sub> = a<sub>s</sub> x̂<sub>0</sub> + √(σ<sub>s</sub>² − η²σ̃²) n̂ + ησ̃ z",
    "ddpm": "x<sub>s</sub> = (a<sub>t|s</sub> σ<sub>s</sub>² x<sub>t</sub> + a<sub>s</sub> σ<sub>t|s</sub>² x̂<sub>0</sub>) / σ<sub>t</sub>² + σ̃ z",
    "dpm-solver++": "x<sub>s</sub> = (σ<sub>s</sub> / σ<sub>t</sub>) x<sub>t</sub> + a<sub>s</sub> (1 − e<sup>−h</sup>) D̂",
}


def equation(detail: dict[str, Any]) -> str:
    """The sampler's update in symbols, and below it with this step's own numbers, in HTML."""
    if detail.get("sampler") not in SYMBOLS:
        return ""
    state, estimate, fresh = detail["coefficients"]
    what = {"dpm-solver++": "D̂", "heun": "x̂<sub>0</sub> <small>(first half)</small>"}.get(
        detail["sampler"], "x̂<sub>0</sub>"
    )
    numbers = (
        f"x<sub>{detail['next']:.2f}</sub> = {state:.3f} x<sub>{detail['t']:.2f}</sub> + {estimate:.3f} {what}"
        + (f" + {fresh:.3f} z" if fresh else "")
    )
    numbers = numbers.replace("+ -", "− ")
    weight = detail["weight"]
    guided = f"x̂<sub>0</sub> = u + {weight:g} (c − u)" if weight != 1 else "x̂<sub>0</sub> = c, without guidance"
    return f"{SYMBOLS[detail['sampler']]}<div>{numbers}</div><div>{guided}</div>"


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


def frame_message(frame: Any) -> dict[str, Any]:
    """A frame as the browser wants it; the finished picture without loss."""
    return {
        "step": frame.step,
        "steps": frame.steps,
        "note": frame.note,
        "preview": picture(frame.preview, "jpeg" if frame.result is None else "png"),
        "state": None if frame.state is None else picture(frame.state),
        "equation": equation(frame.trace),
        **frame.trace,
    }


def files(result: Any, name: str, in_files: bool) -> list[dict[str, str]]:
    """A picture, clip, sound or thing in each of its formats, to download; one that cannot be written does not lose the
    others."""
    found = []
    for kind in result.formats:
        try:
            found.append({"name": f"{name}.{kind}", "url": data_url(result.file(kind, in_files), TYPES[kind])})
        except Exception:
            log.exception("%s.%s could not be written", name, kind)
    return found


def reel(png: bytes, model: str, settings: Any) -> dict[str, Any]:
    """A clip of the history as its run told it at the end: its last frame, and the files."""
    clip = VideoResult.from_png(png, settings.fps, model, settings.model_dump())
    count = len(clip.frames)
    detail = {
        "clip": {"frames": count, "of": count, "fps": clip.fps, "across": 1},
        "changes": [frame_differences(clip.frames, settings.loop)],
        "ways": [settings.method],
    }
    frame = Frame(
        settings.steps,
        settings.steps,
        tile(clip.frames),
        None,
        "from the history; Generate develops it again",
        clip,
        detail,
    )
    return {"frame": frame_message(frame), "files": files(clip, f"{model}-{settings.seed}", True)}


def record(png: bytes, model: str, settings: Any) -> dict[str, Any]:
    """A sound of the history as its run told it at the end."""
    sound = AudioResult.from_png(png, model, settings.model_dump())
    detail = {"sound": {"url": sounds.url(sound.samples), "seconds": len(sound.samples) / sounds.RATE}}
    frame = Frame(
        settings.steps,
        settings.steps,
        np.asarray(sound.image),
        None,
        "from the history; Generate develops it again",
        sound,
        detail,
    )
    return {"frame": frame_message(frame), "files": files(sound, f"{model}-{settings.seed}", True)}


def turntable(png: bytes, model: str, settings: Any) -> dict[str, Any]:
    """A thing of the history as its run told it at the end; nothing of it where splats were fitted to a picture."""
    from pipelines.models.gaussian_splatting.files import PNG_GAUSSIANS_KEY, GaussianResult, splat_url

    with Image.open(io.BytesIO(png)) as image:
        image.load()
        if PNG_GAUSSIANS_KEY not in image.info:
            return {}
    shape = GaussianResult.from_png(png, model, settings.model_dump())
    detail = {"splats": {"url": splat_url(shape.splats), "count": len(shape.splats)}}
    frame = Frame(
        settings.steps,
        settings.steps,
        np.asarray(shape.image),
        None,
        "from the history; Generate develops it again",
        shape,
        detail,
    )
    return {"frame": frame_message(frame), "files": files(shape, f"{model}-{settings.seed}", True)}


RESTORE = {"video": reel, "audio": record, "gaussians": turntable}  # by kind of result


def restore(kind: str, png: bytes, model: str, settings: Any) -> dict[str, Any]:
    """What a result of the history shows besides its picture."""
    return RESTORE[kind](png, model, settings) if kind in RESTORE else {}


def thinned(steps: int) -> set[int]:
    """The steps that the scrubber keeps: at most FILM, evenly picked, the first and the last among them."""
    return {1 + round(i * (steps - 1) / (FILM - 1)) for i in range(FILM)}


def shell(
    tab: str,
    board: str = "",
    tools: str = "",
    beside: bool = False,
    clip: bool = False,
    sound: bool = False,
    shape: bool = False,
) -> str:
    """The viewer's markup; the ids begin with the tab's name. A board to paint on takes the picture's place, or stands
    beside it; a clip is played and a thing turned on a canvas of its own, a sound below its spectrogram."""
    sheet = (
        SHELL.replace("<!-- board -->", board)
        .replace("<!-- tools -->", CLIP_TOOLS if clip else SOUND_TOOLS if sound else SHAPE_TOOLS if shape else tools)
        .replace("<!-- clip -->", CLIP if clip else SHAPE if shape else "")
    )
    if sound:
        sheet = sheet.replace(
            "what you would like to see, then develop it", "what you would like to hear, then develop it"
        )
    if shape:
        sheet = sheet.replace("State x<sub>t</sub>", "State x<sub>t</sub>, then error").replace(
            "what you would like to see, then", "what toy you would like, then"
        )
    if beside:
        sheet = sheet.replace('class="tray"', 'class="tray beside"').replace(
            "Write what you would like to see, then develop it.", "Draw on the paper."
        )
    elif board:
        sheet = sheet.replace('data-show="preview" class="on" aria-pressed="true">', 'data-show="preview">').replace(
            "<!-- choice -->", CHOICE
        )
        sheet = sheet.replace('id="empty" class="empty"', 'id="empty" class="empty" hidden')
    return sheet.replace('id="', f'id="{tab}-')


def inspector(tab: str, clip: bool = False, sound: bool = False, shape: bool = False) -> str:
    """The inspector's markup, likewise."""
    sheet = INSPECTOR.replace("the picture still moves", "the sound still moves") if sound else INSPECTOR
    if shape:
        sheet = sheet.replace('<div class="card">', '<div class="card" hidden>', 1).replace(
            "How far the picture still moves", "How far the views still move; then the loss of the fit"
        )
    return ((CLIP_INSPECTOR if clip else SOUND_INSPECTOR if sound else "") + sheet).replace('id="', f'id="{tab}-')


SHELL = """
<section class="viewer" aria-label="Viewer">
  <div class="tray">
    <!-- board -->
    <div class="print">
      <img id="now" alt="The picture comes up here" hidden>
      <canvas id="heat" class="heat" aria-hidden="true" hidden></canvas>
      <!-- clip -->
      <div id="empty" class="empty"><b>The tray is empty</b><span>Write what you would like to see, then develop it.</span></div>
    </div>
  </div>
  <!-- tools -->
  <div id="film" class="film" role="listbox" aria-label="Steps of the run"></div>
  <input id="scrub" class="scrub" type="range" min="1" max="1" value="1" disabled aria-label="Step">
  <div class="cap">
    <div id="seg" class="seg" role="group" aria-label="What to show">
      <!-- choice --><button type="button" data-show="preview" class="on" aria-pressed="true">Prediction x̂<sub>0</sub></button>
      <button type="button" data-show="state" aria-pressed="false">State x<sub>t</sub></button>
    </div>
    <span id="where" aria-live="polite"></span>
    <span id="downloads"></span>
    <span id="send" hidden><button type="button" class="send" data-to="edit">Edit this</button>
      <button type="button" class="send" data-to="sketch">Sketch this</button>
      <button type="button" class="send" data-to="video">Animate this</button>
      <button type="button" class="send" data-to="shape">Make it 3D</button>
      <button type="button" class="send" data-to="audio">Go on from this</button></span>
  </div>
</section>
"""

CLIP = '<canvas id="clip" class="clip" role="img" aria-label="The clip" hidden></canvas>'
SHAPE = """<canvas id="orbit" class="orbit" tabindex="0" role="img" hidden
        aria-label="The thing; drag or use the arrow keys to turn it, the wheel or two fingers to come nearer"></canvas>"""
SHAPE_TOOLS = """<div id="tools" class="tools reel" hidden><button type="button" data-do="spin" aria-pressed="true">Hold still</button>
    <button type="button" data-do="solid" aria-pressed="false">Ellipsoids</button><button type="button" data-do="front">Front</button></div>"""
CLIP_TOOLS = """<div id="tools" class="tools reel"><button type="button" data-do="play" aria-pressed="true">Pause</button>
    <input id="frame" class="own" type="range" min="1" max="1" value="1" aria-label="Frame"><output id="at">–</output></div>"""
CLIP_INSPECTOR = """
<div class="card">
  <h4>One column of pixels through time</h4>
  <canvas id="slice" class="slice" role="img" aria-label="The column under the line, frame by frame from left to right"></canvas>
  <input id="column" class="own" type="range" min="0" max="127" value="64" aria-label="Column">
</div>
<div class="card">
  <h4>Change from each frame to the next</h4>
  <svg id="changes" viewBox="0 0 262 92" role="img" aria-label="Mean absolute difference of neighbouring frames"></svg>
  <small id="flicker"></small>
</div>
"""

SOUND_TOOLS = """<div id="tools" class="tools player"><div id="player" hidden>
    <div class="track"><canvas id="wave" height="64" role="img" aria-label="The waveform; a click plays from there"></canvas><i id="now-line"></i></div>
    <audio id="audio" controls></audio></div>
    <label><input id="aloud" type="checkbox" checked> play it while it is written</label><output id="factor"></output></div>"""
SOUND_INSPECTOR = """
<div class="card" hidden>
  <h4>The codes, each codebook a step later than the one above</h4>
  <canvas id="codes" class="slice codes" role="img" aria-label="Codes by time and codebook"></canvas>
</div>
<div class="card" hidden><h4>The sound by number of codebooks</h4><table id="stages"></table></div>
"""

CHOICE = '<button type="button" data-show="canvas" class="on" aria-pressed="true">Canvas</button>'

INSPECTOR = """
<div class="card">
  <h4>Words and where they look</h4>
  <div id="words" class="words"><small>Each word's attention appears here as the picture develops.</small></div>
</div>
<div class="card">
  <h4>This step</h4>
  <div id="equation" class="eq"><small>The sampler's update, with the step's own numbers.</small></div>
</div>
<div class="card">
  <h4>How far the picture still moves</h4>
  <svg id="curve" viewBox="0 0 262 92" role="img" aria-label="Change of the estimate and noise level, by step"></svg>
  <div class="legend"><i class="moved"></i><span>|Δx̂<sub>0</sub>|</span><i class="noise"></i><span>noise σ / (a + σ)</span></div>
</div>
<div class="card">
  <h4>Cost</h4>
  <table id="cost"><tr><td>calls of the network<td>–<tr><td>time<td>–<tr><td>of it previews<td>–<tr><td>first preview<td>–<tr><td>memory<td>–</table>
</div>
"""
