"""The runner: messages, a stop within a step, failures as sentences."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app import live, viewer
from app.history import History
from pipelines.core.cards import WeightsError
from pipelines.core.contract import ImageResult
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings


def run(history: History, **settings: Any) -> list[dict[str, Any]]:
    return list(
        live.run("latent-diffusion", LatentDiffusionSettings(prompt="a cat", steps=6, **settings), "me", history)
    )


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "h.sqlite")


def test_a_run_begins_shows_frames_and_ends_with_film_and_files(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY", 0)
    messages = run(history, count=2)
    assert [next(iter(m)) for m in messages] == ["begin", *["frame"] * 6, "done"]
    done = messages[-1]["done"]
    assert done["steps"] == [1, 2, 3, 4, 5, 6]
    assert [f["step"] for f in done["frames"]] == [6]  # the browser has the others: nothing else is sent twice
    assert [f["name"] for f in done["files"]] == ["latent-diffusion-0.png", "latent-diffusion-1.png"]
    assert [e.settings["seed"] for e in history.recent("me")] == [1, 0]


def test_previews_are_throttled_but_the_film_is_whole(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 60)
    messages = run(history)
    assert [next(iter(m)) for m in messages] == ["begin", "frame", "frame", "done"]
    assert [m["frame"]["step"] for m in messages[1:3]] == [1, 6]
    assert messages[2]["frame"]["preview"].startswith("data:image/png")  # without loss, and before the film
    done = messages[-1]["done"]
    assert done["steps"] == [1, 2, 3, 4, 5, 6]
    assert [f["step"] for f in done["frames"]] == [2, 3, 4, 5, 6]


def test_a_format_that_cannot_be_written_does_not_lose_the_others(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ImageResult.file

    def file(self: ImageResult, kind: str = "png", with_settings: bool = True) -> bytes:
        if kind == "broken":
            raise OSError(kind)
        return whole(self, kind, with_settings)

    monkeypatch.setattr(ImageResult, "formats", ("broken", "png"))
    monkeypatch.setattr(ImageResult, "file", file)
    *_, done = run(history)
    assert [f["name"] for f in done["done"]["files"]] == ["latent-diffusion-0.png"]
    assert len(history.recent("me")) == 1


def test_a_long_film_is_thinned_but_keeps_its_ends() -> None:
    assert viewer.thinned(6) == {1, 2, 3, 4, 5, 6}
    assert viewer.thinned(1) == {1}
    assert len(viewer.thinned(200)) == viewer.FILM
    assert {1, 200} <= viewer.thinned(200)


def test_a_stop_takes_effect_within_a_step_and_leaves_no_thread(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    frame_message = viewer.frame_message
    monkeypatch.setattr(viewer, "frame_message", lambda frame: steps.append(frame.step) or frame_message(frame))
    run(history)  # warm: what starts threads of its own has started them
    steps.clear()
    before = set(threading.enumerate())
    messages = live.run("latent-diffusion", LatentDiffusionSettings(prompt="a cat", steps=100), "me", history)
    while "frame" not in next(messages):
        pass
    messages.close()
    assert steps == [1]  # the frame that was shown, and no other
    [kept, *_] = history.recent("me")
    assert kept.note == "stopped at step 1 of 100" and kept.settings["steps"] == 100
    assert set(threading.enumerate()) <= before  # other tests' threads may end meanwhile, none begins
    assert "done" in run(history)[-1]  # and the next run starts clean


@pytest.mark.parametrize("last", ["frame", "done"])
def test_a_stop_that_comes_too_late_keeps_the_whole_result_once(history: History, last: str) -> None:
    settings = LatentDiffusionSettings(prompt="a cat", steps=2)
    messages = live.run("latent-diffusion", settings, "me", history, number=f"late {last}")
    for message in messages:
        if last in message and (last == "done" or message["frame"]["step"] == 2):
            break
    messages.close()
    [item] = history.recent("me")
    assert item.note == ""
    assert [f["name"] for f in live.wait_for_end(f"late {last}").files] == ["latent-diffusion-0.png"]


def test_a_full_disk_loses_nothing_that_was_made(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(history, "add", full)
    *_, done, kept = run(history)
    assert "free some disk space" in kept["kept"]
    assert done["done"]["files"][0]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (WeightsError("The weights file a.safetensors is missing; restore it."), "a.safetensors is missing"),
        (ZeroDivisionError(), "The run failed (ZeroDivisionError)"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
            "not enough memory for this run: make fewer",
        ),
        (RuntimeError("shape '[3]' is invalid"), "The run failed (RuntimeError)"),
        (gr.Error("You have no GPU quota left."), "You have no GPU quota left."),
    ],
)
def test_failures_are_one_sentence(
    history: History, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def broken(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(live, "load", broken)
    assert sentence in run(history)[-1]["error"]


def test_the_first_model_is_loaded_behind_the_page_once() -> None:
    live.warm_up.cache_clear()
    thread = live.warm_up()
    assert live.warm_up() is thread
    thread.join(60)
    assert not thread.is_alive() and not live.STEP.locked()
