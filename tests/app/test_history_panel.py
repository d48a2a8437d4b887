"""What the page asks of the history and of a run's film, and that every answer to nonsense is a sentence."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import history_panel
from app.development import save_development
from app.history import UNDO, History
from pipelines.media import images


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "h.sqlite")


@pytest.fixture
def ask(history: History) -> Any:
    functions = {f.__name__: f for f in history_panel.functions(history)}
    return lambda name, *values: functions[name](list(values))


def add(history: History, prompt: str, owner: str = "me", **settings: Any) -> int:
    return history.add(owner, "latent-diffusion", {"prompt": prompt, "seed": 1, **settings}, b"png", b"jpeg")


def prompts(answer: dict[str, Any]) -> list[str]:
    return [entry["prompt"] for entry in answer["entries"]]


def test_pages_go_to_the_end(history: History, ask: Any) -> None:
    for k in range(history_panel.PAGE + 5):
        add(history, f"number {k}")
    first = ask("list_entries", "me", None, "", False)
    assert first["more"] and len(first["entries"]) == history_panel.PAGE
    rest = ask("list_entries", "me", first["entries"][-1]["id"], "", False)
    assert not rest["more"] and prompts(rest) == [f"number {k}" for k in range(4, -1, -1)]


def test_every_word_is_searched_in_whatever_case_and_signs_mean_themselves(history: History, ask: Any) -> None:
    for prompt in ("a RED fox", "a blue fox", "100 % red", "漢字"):
        add(history, prompt)
    for words, wanted in (("red fox", ["a RED fox"]), ("%", ["100 % red"]), ("漢", ["漢字"]), ("'; DROP", [])):
        assert prompts(ask("list_entries", "me", None, words, False)) == wanted


def test_what_is_deleted_can_be_had_back_for_a_while(
    history: History, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = add(history, "kept"), add(history, "gone")
    ask("delete_entry", "me", gone, False)
    assert prompts(ask("list_entries", "me", None, "", False)) == ["kept"]
    ask("delete_entry", "me", gone, True)
    assert prompts(ask("list_entries", "me", None, "", False)) == ["gone", "kept"]
    ask("delete_entry", "me", gone, False)
    monkeypatch.setattr("app.history.UNDO", -1)
    add(history, "a later one")
    assert history.find("me", gone) is None and history.find("me", kept) and UNDO > 60


def test_stars_are_the_last_to_make_room(history: History, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = add(history, "starred")
    ask("star_entry", "me", first, True)
    monkeypatch.setattr("app.history.KEPT", 3)
    for k in range(5):
        add(history, str(k))
    assert prompts(ask("list_entries", "me", None, "", False)) == ["4", "3", "starred"]
    assert prompts(ask("list_entries", "me", None, "", True)) == ["starred"]


def test_nobody_reaches_the_entries_of_others(history: History, ask: Any) -> None:
    number = add(history, "mine")
    assert ask("list_entries", "you", None, "", False)["entries"] == []
    assert "no longer" in ask("open_entry", "you", number)["error"]
    ask("delete_entry", "you", number, False)
    ask("star_entry", "you", number, True)
    assert [entry["starred"] for entry in ask("list_entries", "me", None, "", False)["entries"]] == [False]


def test_an_entry_comes_without_what_its_editor_held(history: History, ask: Any) -> None:
    number = history.add("me", "inpainting", {"prompt": "x", "image": "data:1", "mask": "data:2"}, b"png", b"")
    found = ask("open_entry", "me", number)
    assert found["settings"] == {"model": "inpainting", "prompt": "x"} and found["url"].startswith("data:image/png")


@pytest.mark.parametrize("values", [[], ["me"], [None, None, None, None], ["me", "x", {}, 3], "me", 7])
def test_nonsense_is_answered_by_a_sentence(history: History, values: Any) -> None:
    for function in history_panel.functions(history):
        answer = function(values)
        assert isinstance(answer, dict) and (answer.get("error", "x.").endswith(".") or "entries" in answer)


def film(n: int, side: int = 33) -> list[str]:
    rng = np.random.default_rng(0)
    return [images.to_url(Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8))) for _ in range(n)]


@pytest.mark.parametrize(("kind", "frames"), [("mp4", 12 + 4), ("gif", 12), ("png", 1)])
def test_a_development_is_one_file(kind: str, frames: int) -> None:
    """Its end stays for a second: in a GIF as one longer frame."""
    url = save_development([film(12), kind])["url"]
    data = io.BytesIO(base64.b64decode(url.partition(",")[2]))
    if kind == "mp4":
        from pipelines.media.images import open_video

        with open_video(data) as container:
            assert sum(1 for _ in container.decode(video=0)) == frames
    else:
        with Image.open(data) as image:
            assert getattr(image, "n_frames", 1) == frames
            assert image.size == ((128, 96) if kind == "png" else (32, 32))


@pytest.mark.parametrize("given", [[], [[], "mp4"], [["x"], "mp4"], [film(1), "exe"], [film(1) * 61, "gif"], None])
def test_what_is_no_film_is_refused_in_a_sentence(given: Any) -> None:
    assert save_development(given)["error"].startswith("The development could not be saved")
