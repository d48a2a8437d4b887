"""The one runner: a pipeline's frames to the browser, throttled, stale ones dropped, the last picture kept on a
stop."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import psutil

from app import viewer
from app.history import History
from pipelines import load
from pipelines.core.cards import WeightsError
from pipelines.core.contract import GenerationError
from pipelines.core.settings import Settings

EVERY = 0.1  # seconds between previews at the least; more often than the eye can follow helps nobody
SLOT = "model"  # one queue for everything heavy: concurrency_id of its events
THUMBNAIL = 96
STEP = threading.Lock()

log = logging.getLogger("darkroom")

try:
    import spaces

    gpu = spaces.GPU(duration=60)
except ImportError:  # not on a ZeroGPU Space

    def gpu(function: Any) -> Any:
        """Off ZeroGPU a run needs no ticket."""
        return function


if os.environ.get("SPACES_ZERO_GPU"):  # a worker inherits what lies on the GPU already, and loads nothing itself
    load("latent-diffusion")


@gpu
def frames(model: str, settings: dict[str, Any]) -> Iterator[Any]:
    """Frames of one run; on ZeroGPU this is what runs in the worker with the GPU."""
    yield from load(model).generate(**settings)


@functools.cache
def warm_up(model: str = "latent-diffusion") -> threading.Thread:
    """Load torch and the first model behind the page, once, so that the first picture need not wait for them."""

    def load_and_step() -> None:
        try:
            for _ in stepwise(load(model).generate(prompt="warm", steps=1)):
                pass
        except Exception:
            log.exception("the first model could not be loaded in advance; the first run will say why")

    thread = threading.Thread(target=load_and_step, name="warm-up", daemon=True)
    thread.start()
    return thread


def stepwise(source: Iterator[Any]) -> Iterator[Any]:
    """One step at a time in the whole program: a run that was cancelled may still be in its last step when the next one
    begins, and LoRAs that it wears are no business of the next."""
    while True:
        with STEP:
            frame = next(source, None)
        if frame is None:
            return
        yield frame


def memory() -> int:
    """Resident memory of the program in bytes."""
    return psutil.Process().memory_info().rss


def run(
    model: str, settings: Settings, owner: str | None, history: History, in_files: bool = True
) -> Iterator[dict[str, Any]]:
    """Messages for the viewer: {"frame": …} while it develops, at the end one {"done": …} with the steps of the film,
    those of its frames that were not sent yet, the last one among them, and the files.

    Without an owner nothing is kept. Closing this generator stops the run within one step. What goes wrong becomes one
    {"error": sentence}.
    """
    started = time.perf_counter()
    yield {"begin": {"steps": settings.steps}}
    steps: list[int] = []
    unsent: list[Any] = []
    spent, first, last_sent = 0.0, 0.0, 0.0
    source = frames(model, settings.model_dump())
    try:
        for frame in stepwise(source):
            now = time.perf_counter()
            wanted = frame.step in viewer.thinned(frame.steps)
            steps += [frame.step] if wanted else []
            if frame.result is None and now - last_sent >= EVERY:
                message, last_sent = viewer.frame_message(frame), now
                spent += time.perf_counter() - now
                first = first or time.perf_counter() - started
                yield {"frame": message}
            elif wanted:
                unsent.append(frame)
        seconds = time.perf_counter() - started
        results = frame.result if isinstance(frame.result, list) else [frame.result]
        cost = {
            "calls": frame.trace.get("calls"),
            "seconds": seconds,
            "previews": spent,
            "first": first or seconds,
            "memory": memory(),
        }
        files, warning = keep(results, owner, history, in_files)
        film = {"steps": steps, "frames": [viewer.frame_message(frame) for frame in unsent]}
        yield {"done": {**film, "files": files, "cost": cost, "seed": settings.seed, "warning": warning}}
    except Exception as error:
        log.exception("a run of %s failed", model)
        yield {"error": user_message(error)}
    finally:
        source.close()


def draw_once(model: str, settings: Settings) -> dict[str, str]:
    """One pass of a fast model outside the queue: what a stroke shows, and nothing that is kept."""
    try:
        *_, frame = frames(model, settings.model_dump())
    except Exception as error:
        log.exception("one pass of %s failed", model)
        return {"note": user_message(error)}
    return {"url": viewer.picture(frame.preview), "note": frame.note}


def user_message(error: Exception) -> str:
    """One sentence for whoever pressed Generate; the log has the rest."""
    if isinstance(error, (WeightsError, GenerationError)):
        return str(error)
    if isinstance(error, gr.Error):  # ZeroGPU's own: no quota, no queue place
        return str(error.message)
    if (
        isinstance(error, MemoryError)
        or "out of memory" in str(error).lower()
        or "can't allocate memory" in str(error).lower()
    ):
        return "There is not enough memory for this run: make fewer pictures at once, or close other programs."
    return f"The run failed ({type(error).__name__}); the log says more. Try other settings."


def keep(results: list[Any], owner: str | None, history: History, in_files: bool) -> tuple[list[dict[str, str]], str]:
    """Files to download and a warning: a history that cannot be written does not lose the pictures."""
    files, warning = [], ""
    for result in results:
        image = result.image
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        way = f"{result.settings['method']}-" if len(results) > 1 and "method" in result.settings else ""
        name = f"{result.model}-{way}{result.settings['seed']}"
        files += viewer.files(result, name, in_files)
        files += [
            {"name": path.name, "url": viewer.data_url(path.read_bytes(), "application/octet-stream")}
            for path in result.attachments
        ]
        if not owner:
            continue
        try:
            history.add(
                owner, result.model, result.settings, result.file("png", in_files), viewer.encoded(np.asarray(image))
            )
        except Exception:
            log.exception("the history could not be written")
            warning = (
                "The history could not be saved: free some disk space. Your picture is here; download it to keep it."
            )
    return files, warning
