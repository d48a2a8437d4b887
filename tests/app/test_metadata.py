"""Settings in files and links, and everything that a stranger could drop."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import metadata, viewer
from app.desktop import Desktop
from app.history import History
from app.metadata import MetadataError, describe_differences, from_file, from_link, to_link
from pipelines.core.contract import AudioResult, ImageResult, VideoResult
from pipelines.core.registry import CATALOGUE
from pipelines.media.images import SIDE, image_url

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
        (json.dumps({"model": "latent-diffusion", "settings": {"prompt": "x" * 20_000_000}}), "broken"),
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


def test_whatever_is_saved_can_be_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    control, control2 = (image_url(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(2))
    words = "\x01é" * 1000  # what takes the most room in JSON
    settings = CATALOGUE["controlnet"].settings(
        control=control, kind="palette", control2=control2, prompt=words, negative_prompt=words
    )
    path = ImageResult(np.zeros((8, 8, 3), np.uint8), "controlnet", settings.model_dump()).save(tmp_path / "a.png")
    assert path.stat().st_size > 8_390_000
    assert from_file(path) == ("controlnet", settings)


HERE = {"darkroom": "0.1.0", "torch": "2.14.1", "device": "cpu", "dtype": "bfloat16", "weights": "01234567"}
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
CLIP = CATALOGUE["video"].settings(frames=16).model_dump()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Darkroom of those versions; the models that it loaded."""
    loaded: list[str] = []
    pipeline = SimpleNamespace(made_with=lambda _: HERE)
    monkeypatch.setattr(metadata, "load", lambda name: loaded.append(name) or pipeline)
    return loaded


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ({}, ""),
        (HERE, ""),
        (HERE | {"darkroom": "0.2.0", "moon": "full", "tides": [1, 2]}, ""),
        (
            HERE | {"torch": "2.9.0"},
            "Settings restored, but details may differ: made with torch 2.9.0; here is torch 2.14.1.",
        ),
        (
            {"device": "cuda", "dtype": "float32"},
            "Settings restored, but details may differ: made with cuda, float32; here is cpu, bfloat16.",
        ),
        (
            HERE | {"device": "<b>" + 90 * "x"},
            "Settings restored, but details may differ: made with <b>" + 37 * "x" + "; here is cpu.",
        ),
        (
            HERE | {"weights": "76543210", "torch": "2.9.0"},
            "Settings restored, but the model has other weights here: Generate makes something else of them.",
        ),
    ],
)
def test_what_may_differ_is_one_sentence(tmp_path: Path, here: list[str], there: dict, sentence: str) -> None:
    results = [
        ("png", ImageResult(PIXELS[0], "latent-diffusion", SETTINGS, made_with=there)),
        *[(kind, VideoResult(PIXELS, 8, "video", CLIP, made_with=there)) for kind in ("png", "mp4", "webp", "gif")],
        *[
            (kind, AudioResult(np.zeros(4000, np.float32), "audio-flow", {}, made_with=there))
            for kind in ("wav", "flac")
        ],
    ]
    for kind, result in results:
        path = result.save(tmp_path / f"a.{kind}")
        assert from_file(path)[0] == result.model
        assert describe_differences(path, result.model) == sentence
    assert bool(here) == bool(there)  # what a file does not say needs no model to compare with


@pytest.mark.parametrize(
    "there", ["null", "7", "[]", '"cpu"', '{"torch": 2, "device": null}', '{"torch": ' + "[" * 5000]
)
def test_whatever_else_a_newer_file_says_it_opens(tmp_path: Path, here: list[str], there: str) -> None:
    settings = json.dumps({"model": "latent-diffusion", "settings": SETTINGS, "made_by": {"who": 1}})
    path = png(tmp_path / "a.png", f'{settings[:-1]}, "made_with": {there}}}')
    if there.startswith('{"torch": ['):
        with pytest.raises(MetadataError, match="broken"):
            from_file(path)
    else:
        assert from_file(path)[1].model_dump(exclude_defaults=True) == SETTINGS
    assert describe_differences(path, "latent-diffusion") == ""


def test_files_of_an_older_result_say_what_it_was_made_with(tmp_path: Path, here: list[str]) -> None:
    result = VideoResult(PIXELS, 8, "video", CLIP, made_with=HERE | {"torch": "2.9.0"})
    files = viewer.restore(result.file("png"), "video", CATALOGUE["video"].settings(**CLIP))["files"]
    assert len(files) > 3
    for file in files:
        path = tmp_path / file["name"]
        path.write_bytes(base64.b64decode(file["url"].partition(",")[2]))
        if path.suffix != ".zip":
            assert "made with torch 2.9.0" in describe_differences(path, "video")


def test_the_page_says_what_may_differ(tmp_path: Path, here: list[str]) -> None:
    desktop, same = Desktop(History(tmp_path / "history.sqlite")), "Settings restored: Generate makes the same."
    for there, say in ((HERE, same), ({}, same), (HERE | {"torch": "2.9.0"}, "Settings restored, but details may")):
        path = ImageResult(PIXELS[0], "latent-diffusion", SETTINGS, made_with=there).save(tmp_path / "a.png")
        message = json.loads(desktop.restore(desktop.tabs["image"], str(path))[0])
        assert message["say"].startswith(say)


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
