"""The history survives, belongs to its browser, and stays bounded."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from app import history
from app.history import History, explain


def test_it_survives_a_restart_and_each_browser_sees_its_own(tmp_path: Path) -> None:
    first = History(tmp_path / "deep" / "h.sqlite")
    number = first.add("me", "latent-diffusion", {"prompt": "漢字", "seed": 1}, b"png", b"jpeg")
    first.add("you", "latent-diffusion", {"seed": 2}, b"other", b"jpeg")
    again = History(tmp_path / "deep" / "h.sqlite")
    assert [(e.id, e.settings, e.png) for e in again.recent("me")] == [(number, {"prompt": "漢字", "seed": 1}, b"")]
    assert again.find("you", number) is None
    assert (again.find("me", number).png, again.find("me", number).thumbnail) == (b"png", b"jpeg")


def test_a_list_leaves_pictures_out(tmp_path: Path) -> None:
    kept = History(tmp_path / "h.sqlite")
    number = kept.add("me", "inpainting", {"prompt": "x", "image": "data:1", "mask": "data:2"}, b"png", b"")
    assert kept.recent("me")[0].settings == {"prompt": "x"}
    assert kept.find("me", number).settings["mask"] == "data:2"


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    kept = History(tmp_path / "h.sqlite")
    for seed in range(5):
        kept.add("me", "m", {"seed": seed}, b"", b"")
    kept.add("you", "m", {"seed": 9}, b"", b"")
    assert [e.settings["seed"] for e in kept.recent("me")] == [4, 3, 2]
    assert len(kept.recent("you")) == 1
    monkeypatch.setattr(history, "KEPT_IN_ALL", 2)
    kept.add("third", "m", {"seed": 10}, b"", b"")
    assert [len(kept.recent(owner)) for owner in ("me", "you", "third")] == [0, 1, 1]


def test_the_oldest_go_where_all_are_too_large_but_never_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BYTES", 1_000_000)
    kept = History(tmp_path / "h.sqlite")
    for seed in range(30):
        kept.add("me", "m", {"seed": seed}, bytes(100_000), b"")
    left = [e.settings["seed"] for e in kept.recent("me")]
    assert left == list(range(29, 29 - len(left), -1))
    assert 0 < len(left) < 10
    kept.add("me", "m", {"seed": 30}, bytes(2_000_000), b"")
    assert [e.settings["seed"] for e in kept.recent("me")] == [30]
    assert kept.path.stat().st_size < 4_000_000


def test_a_history_that_another_program_holds_does_not_hold_up_anybody(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    history.add("me", "latent-diffusion", {}, b"", b"")
    other = sqlite3.connect(history.path)
    other.execute("BEGIN EXCLUSIVE")
    start = time.perf_counter()
    with pytest.raises(sqlite3.Error) as caught:
        history.add("me", "latent-diffusion", {}, b"", b"")
    assert time.perf_counter() - start < 3
    assert "in use by another program" in explain(caught.value)
    other.rollback()
    assert history.add("me", "latent-diffusion", {}, b"", b"")


def test_a_damaged_history_is_put_aside(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    history.path.write_bytes(b"no database at all" * 100)
    assert history.recent("me") == []
    assert history.add("me", "latent-diffusion", {"prompt": "anew"}, b"", b"")
    [aside] = tmp_path.glob("h.damaged-*")
    assert aside.read_bytes().startswith(b"no database")


def test_a_history_of_an_older_version_gets_its_notes(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "h.sqlite") as db:
        db.execute(
            "CREATE TABLE pictures (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, made REAL NOT NULL, "
            "model TEXT NOT NULL, settings TEXT NOT NULL, png BLOB NOT NULL, thumbnail BLOB NOT NULL)"
        )
        db.execute("INSERT INTO pictures VALUES (1, 'me', 0, 'latent-diffusion', '{}', x'', x'')")
    history = History(tmp_path / "h.sqlite")
    history.add("me", "latent-diffusion", {}, b"", b"", "stopped at step 2 of 9")
    assert [item.note for item in history.recent("me")] == ["stopped at step 2 of 9", ""]
