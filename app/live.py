"""The one runner: a pipeline's frames to the browser, throttled, stale ones dropped, the last picture kept on a
stop."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np
import psutil
from PIL import Image

from app import viewer
from app.history import History, explain
from pipelines import load
from pipelines.core.cards import WeightsError
from pipelines.core.contract import GenerationError, ImageResult
from pipelines.core.registry import CATALOGUE, result_class
from pipelines.core.settings import Settings
from pipelines.media import images

EVERY = 0.1  # seconds between previews at the least; more often than the eye can follow helps nobody
SLOT = "model"  # one queue for everything heavy: concurrency_id of its events
THUMBNAIL = 96
FORGOTTEN = 8  # endings of runs that are remembered
STEP = threading.Lock()
FIRST = next(iter(CATALOGUE))  # the model that the page opens with

log = logging.getLogger("darkroom")

try:
    import spaces

    gpu = spaces.GPU(duration=60)
except ImportError:  # not on a ZeroGPU Space

    def gpu(function: Any) -> Any:
        """Off ZeroGPU a run needs no ticket."""
        return function


if os.environ.get("SPACES_ZERO_GPU"):  # a worker inherits what lies on the GPU already, and loads nothing itself
    load(FIRST)


def frames_here(model: str, settings: dict[str, Any]) -> Generator[Any, Any, None]:
    """Frames of one run."""
    yield from load(model).generate(**settings)


frames = gpu(frames_here)  # on ZeroGPU this is what runs in the worker with the GPU


@gpu
def control_frames(model: str, kind: str, picture: np.ndarray) -> np.ndarray:
    """The control of a kind that a model reads by a network."""
    return load(model).extract_control(kind, picture)


@functools.cache
def warm_up(model: str = FIRST, delay: float = 0.0) -> threading.Thread:
    """Load torch and the first model behind the page, once, so that the first picture need not wait for them."""

    def load_and_step() -> None:
        time.sleep(delay)  # until the page is up: importing torch takes the processor that it needs
        try:
            for _ in stepwise(load(model).generate(prompt="warm", steps=1)):
                pass
        except Exception:
            log.exception("the first model could not be loaded in advance; the first run will say why")

    thread = threading.Thread(target=load_and_step, name="warm-up", daemon=True)
    thread.start()
    return thread


def stepwise(
    source: Generator[Any, Any, None], turned: Callable[[], Settings | None] = lambda: None
) -> Iterator[Any]:
    """One step at a time in the whole program: a run that was cancelled may still be in its last step when the next one
    begins, and LoRAs that it wears are no business of the next. Settings that were turned meanwhile go into it."""
    with STEP:
        frame = next(source, None)
    while frame is not None:
        yield frame
        if frame.wait:
            time.sleep(frame.wait)
        new = turned()
        with STEP:
            try:
                frame = next(source) if new is None else source.send(new)
            except StopIteration:
                return


def memory() -> int:
    """Resident memory of the program in bytes."""
    return psutil.Process().memory_info().rss


@dataclass
class Ending:
    """How a run that somebody may stop ended: `files` are those of what was there."""

    reached: threading.Event = field(default_factory=threading.Event)
    files: list[dict[str, str]] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)  # what of it is in the history
    turned: Settings | None = None  # what the next step is to go by

    def take(self) -> Settings | None:
        """What was turned since the last step."""
        new, self.turned = self.turned, None
        return new


RUNNING: dict[str, Ending] = {}  # by the number that the browser gave the run


def turn(number: str, settings: Settings) -> None:
    """Other settings for a run that is under way; one that is over has no use for them."""
    if number in RUNNING:
        RUNNING[number].turned = settings


def wait_for_end(number: str, seconds: float = 10) -> Ending:
    """How a run ended that was stopped, which takes one step: what was there."""
    ending = RUNNING.get(number)
    return ending if ending and ending.reached.wait(seconds) else Ending()


def run(
    model: str, settings: Settings, owner: str | None, history: History, in_files: bool = True, number: str = ""
) -> Iterator[dict[str, Any]]:
    """Messages for the viewer: {"frame": …} while it develops, at the end one {"done": …} with the steps of the
    film, those of its frames that were not sent yet and the last one, and the files; where it could
    not be kept, the same once more with {"kept": sentence}.

    Without an owner nothing is kept. Closing this generator stops the run within one step, and keeps what was there.
    What goes wrong becomes one {"error": sentence}.
    """
    ending = RUNNING.setdefault(number, Ending()) if number else Ending()
    started = time.perf_counter()
    steps: list[int] = []
    unsent: list[Any] = []
    spent, first, last_sent, frame, remembered = 0.0, 0.0, 0.0, None, False
    # what takes other settings meanwhile and is paused stays in this process
    source = (frames_here if CATALOGUE[model].turns else frames)(model, settings.model_dump())
    try:
        yield {"begin": {}}
        for frame in stepwise(source, ending.take):
            now = time.perf_counter()
            wanted = frame.step in viewer.thinned(frame.steps)
            steps += [frame.step] if wanted and frame.step not in steps[-1:] else []
            if frame.result is not None or now - last_sent >= EVERY:
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
        # the last one comes once more: where Gradio merges its message with this one, it must not be lost
        film = {"steps": steps, "frames": [*map(viewer.frame_message, unsent), message]}
        files = [file for result in results for file in viewer.files(result, name_of(result, results), in_files)]
        done = {"done": {**film, "files": files, "cost": cost, "seed": settings.seed}}
        ending.files = files  # of who stops it too late
        yield done
        if owner:
            remembered = True
            ending.entries, warning = remember(results, owner, history, in_files)
            if warning:
                yield {**done, "kept": warning}
    except GeneratorExit:
        if owner and frame is not None and not remembered:
            results, note, end = frame.result, "", ""
            if results is None:
                results, end = stopped_result(frame, model, settings), "-stopped"
                note = f"stopped at step {frame.step} of {frame.steps}"
            results = results if isinstance(results, list) else [results]
            ending.files = [f for r in results for f in viewer.files(r, name_of(r, results) + end, in_files)]
            ending.entries, _ = remember(results, owner, history, in_files, note)
        raise
    except Exception as error:
        log.exception("a run of %s failed", model)
        yield {"error": user_message(error)}
    finally:
        source.close()
        ending.reached.set()
        over = [number for number, ending in RUNNING.items() if ending.reached.is_set()]
        for old in over[:-FORGOTTEN]:  # they are waited for by nobody
            RUNNING.pop(old, None)


def stopped_result(frame: Any, model: str, settings: Settings) -> Any:
    """What a run's last frame showed, as a result of its kind, or at least as a picture."""
    about = settings.model_dump()
    try:
        return result_class(frame.view["kind"]).from_view(frame.preview, frame.view, model, about)
    except KeyError:
        return ImageResult(frame.preview, model, about)


def name_of(result: Any, results: list[Any]) -> str:
    """What a result's files are called; of several ways of making one, each has its own."""
    way = f"{result.settings['method']}-" if len(results) > 1 and "method" in result.settings else ""
    return f"{result.model}-{way}{result.settings['seed']}"


def draw_once(model: str, settings: Settings) -> tuple[Any, str]:
    """A whole run at once, and nothing of it is kept: what a stroke of a fast model shows, or one of a variation. Its
    last frame and that one's note; or None, and what went wrong."""
    try:
        *_, frame = stepwise(frames(model, settings.model_dump()))
    except Exception as error:
        log.exception("one pass of %s failed", model)
        return None, user_message(error)
    return frame, frame.note


def read_control(model: str, kind: str, picture: np.ndarray) -> tuple[str, str]:
    """What a model would follow of a picture, as a data URL; or "", and what went wrong."""
    try:
        with STEP:
            return images.to_url(Image.fromarray(control_frames(model, kind, picture)[..., 0])), ""
    except Exception as error:
        log.exception("%s could not read a picture's %s", model, kind)
        return "", user_message(error)


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


def remember(
    results: list[Any], owner: str, history: History, in_files: bool, note: str = ""
) -> tuple[list[int], str]:
    """Results into the history: their ids there, and a sentence where that is not possible; what was made is not lost
    with it."""
    ids = []
    try:
        for result in results:
            image = result.image
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            png, small = result.file("png", in_files), viewer.encoded(np.asarray(image))
            ids.append(history.add(owner, result.model, result.settings, png, small, note))
    except Exception as error:
        log.exception("the history could not be written")
        return ids, explain(error)
    return ids, ""
