"""Folders and zips that people bring: bombs, climbing paths, nonsense between pictures."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.evaluation import picture_sets
from pipelines.evaluation.picture_sets import PictureSet


def png(value: int, width: int = 40, height: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_folder_of_mixed_sizes_gives_squares_and_leaves_out_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(10))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.png").write_bytes(png(200, 300, 500))
    (tmp_path / "notes.txt").write_text("not a picture at all")
    (tmp_path / ".DS_Store").write_bytes(b"junk")
    found = PictureSet([tmp_path])
    assert found.count == 3
    pictures = [picture for picture in found.read(32) if picture is not None]
    assert [p.shape for p in pictures] == [(32, 32, 3)] * 2
    assert [int(p.mean()) for p in pictures] == [10, 200]
    assert found.left_out == {"is not a picture; choose a PNG, JPEG or WebP file": 1}


def test_a_zip_is_read_in_memory_and_paths_that_climb_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in" / "set.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped.png", png(50))
        archive.writestr("/absolute.png", png(60))
        archive.writestr("__MACOSX/._x.png", b"junk")
    assert len(list(PictureSet([path]).read(16))) == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "set.zip"]


def test_a_bomb_is_left_out_before_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_sets.images, "BYTES", 1_000_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", b"\0" * 50_000_000)
        archive.writestr("good.png", png(70))
    found = PictureSet([path])
    assert sum(picture is not None for picture in found.read(16)) == 1
    assert found.left_out == {"is larger than 1 MB": 1}


def test_a_damaged_and_an_encrypted_entry_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.png", png(1))
        archive.writestr("two.png", png(2))
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF  # the first's checksum is wrong now
    path.write_bytes(content)
    found = PictureSet([path])
    assert sum(picture is not None for picture in found.read(16)) == 1
    assert found.left_out == {"cannot be unpacked": 1}


@pytest.mark.parametrize(("make", "words"), [
    (lambda folder: [folder / "none"], "check the path"),
    (lambda folder: [folder], "no file in it"),
])  # fmt: skip
def test_nothing_is_a_sentence(tmp_path: Path, make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PictureSet(make(tmp_path))


def test_a_set_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_sets, "MOST", 5)
    for k in range(6):
        (tmp_path / f"{k}.png").write_bytes(b"")
    with pytest.raises(ValueError, match="more than 5 files"):
        PictureSet([tmp_path])
