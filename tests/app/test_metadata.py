"""Settings in files and links, and everything that a stranger could drop."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.metadata import MetadataError, from_file, from_link, to_link
from pipelines.core.contract import ImageResult

SETTINGS = {"prompt": "a woman, 漢字 🎉", "seed": 7, "steps": 12}


def png(path: Path, held: str | None, size: int = 8) -> Path:
    info = PngInfo()
    if held is not None:
        info.add_itxt("darkroom", held)
    Image.new("RGB", (size, size)).save(path, pnginfo=info)
    return path


def test_round_trip_through_a_png(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    model, settings = from_file(ImageResult(pixels, "latent-diffusion", SETTINGS).save(tmp_path / "a.png"))
    assert model == "latent-diffusion"
    assert settings.model_dump(exclude_defaults=True) == SETTINGS


def test_round_trip_through_a_link() -> None:
    model, settings = from_link(to_link("latent-diffusion", SETTINGS))
    assert (model, settings.model_dump(exclude_defaults=True)) == ("latent-diffusion", SETTINGS)


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (None, "carries no Darkroom settings"),
        ("{", "broken"),
        ("[]", "broken"),
        ('{"model": "latent-diffusion"}', "broken"),
        ('{"model": "latent-diffusion", "settings": 7}', "broken"),
        ('{"model": "magic", "settings": {}}', "'magic', which this Darkroom does not have"),
        ('{"model": ["x"], "settings": {}}', "does not have"),
        (
            '{"model": "latent-diffusion", "settings": {"steps": 100000}}',
            "Steps is 100000, but should be less than or equal to 200",
        ),
        ('{"model": "latent-diffusion", "settings": {"wings": 2}}', "newer Darkroom, which has 'wings'"),
        ("[" * 50_000, "broken"),
        (json.dumps({"model": "variation", "settings": {"image": __file__}}), "must be a data URL"),
        (json.dumps({"model": "latent-diffusion", "settings": {"prompt": "x" * 10_000_000}}), "broken"),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path: Path, held: str | None, sentence: str) -> None:
    with pytest.raises(MetadataError, match=sentence):
        from_file(png(tmp_path / "a.png", held))


def test_files_that_are_no_whole_png(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("I am text")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("RGB", (8, 8)).save(tmp_path / "jpeg.png", "JPEG")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "truncated.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    whole = png(
        tmp_path / "settings.png", json.dumps({"model": "latent-diffusion", "settings": SETTINGS}), 64
    ).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-30])  # its settings are whole, its pixels are not
    for name in ("text", "empty", "jpeg", "truncated", "cut"):
        with pytest.raises(MetadataError, match=f"{name}.png is not a whole PNG"):
            from_file(tmp_path / f"{name}.png")


def test_a_huge_picture_costs_nothing(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    (tmp_path / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    with pytest.raises(MetadataError, match=r"huge\.png"):
        from_file(tmp_path / "huge.png")


@pytest.mark.parametrize("text", ["", "!!!", "aGVsbG8", base64.urlsafe_b64encode(b"\xff\xfe").decode(), "漢字"])
def test_broken_links_are_one_sentence(text: str) -> None:
    with pytest.raises(MetadataError):
        from_link(text)
