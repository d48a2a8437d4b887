"""The history survives, belongs to its browser, and stays bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import history
from app.history import History


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
