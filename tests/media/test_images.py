"""Everything that could be given as a picture or a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.media import images as pictures

COLOURS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def test_a_path_an_image_and_an_array_are_the_same_picture(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    forms = [COLOURS, Image.fromarray(COLOURS), tmp_path / "a.png", str(tmp_path / "a.png")]
    held = {pictures.image_url(form) for form in forms}
    assert len(held) == 1
    assert np.array_equal(pictures.from_url(held.pop()), COLOURS)
    assert pictures.image_url(pictures.image_url(COLOURS)) == pictures.image_url(
        COLOURS
    )  # what settings keep comes back


def test_alpha_lies_on_white_and_sixteen_bits_become_eight() -> None:
    alpha = np.dstack([COLOURS, np.zeros((12, 20), np.uint8)])
    assert (pictures.from_url(pictures.image_url(alpha)) == 255).all()
    deep = Image.fromarray(COLOURS[..., 0].astype(np.uint16) * 257)
    assert np.array_equal(pictures.from_url(pictures.image_url(deep))[..., 1], COLOURS[..., 0])


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    assert pictures.from_url(pictures.image_url(Image.fromarray(COLOURS).convert(mode))).shape == (12, 20, 3)


def test_a_phones_picture_is_turned_upright(tmp_path: Path) -> None:
    turned = Image.fromarray(COLOURS)
    turned.getexif()[0x0112] = 6  # rotated by a quarter
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)
    assert pictures.from_url(pictures.image_url(tmp_path / "a.png")).shape == (20, 12, 3)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert pictures.from_url(pictures.image_url(tmp_path / "a.gif"))[0, 0].tolist() == [255, 0, 0]


def test_a_large_picture_is_scaled_down() -> None:
    assert pictures.from_url(pictures.image_url(Image.new("RGB", (3000, 1500)))).shape == (512, 1024, 3)


def bad(folder: Path) -> dict[str, tuple[Any, str]]:
    Image.fromarray(COLOURS).resize((200, 200)).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:400])
    (folder / "text.png").write_text("I am text")
    Image.new("1", (12_000, 9_000)).save(folder / "huge.png")
    Image.new("RGB", (20, 20)).save(folder / "exif.png", exif=b"Exif\0\0no such block")
    return {
        "cut": (folder / "cut.png", "damaged or incomplete"),
        "exif": (folder / "exif.png", "damaged or incomplete"),
        "text": (folder / "text.png", "not a picture"),
        "huge": (folder / "huge.png", "12000 × 9000 pixels, which is too many"),
        "absent": (folder / "absent.png", "is not there"),
        "tiny": (Image.new("RGB", (1, 1)), "needs 8 a side"),
        "float": (np.zeros((9, 9, 3)), "uint8 array"),
        "number": (7, "must be a path"),
        "url": ("data:image/png;base64,!!!", "not a picture"),
    }


@pytest.mark.parametrize("name", ["cut", "exif", "text", "huge", "absent", "tiny", "float", "number", "url"])
def test_what_is_no_picture_is_one_sentence(name: str, tmp_path: Path) -> None:
    given, sentence = bad(tmp_path)[name]
    with pytest.raises(ValueError, match=sentence):
        pictures.image_url(given)


def test_a_mask_is_black_and_white_and_a_brushs_layer_is_one() -> None:
    grey = np.array([[0, 100, 200, 255]] * 8, np.uint8)
    assert pictures.from_url(pictures.mask_url(grey))[0].tolist() == [0, 0, 255, 255]
    layer = np.zeros((8, 8, 4), np.uint8)
    layer[2:4, 2:4] = (255, 255, 255, 255)
    assert (pictures.from_url(pictures.mask_url(layer)) > 0).sum() == 4
    indexed = Image.fromarray(layer[..., 0], "P")
    indexed.putpalette([255, 255, 255] * 256)
    indexed.info["transparency"] = 0
    assert (pictures.from_url(pictures.mask_url(indexed)) > 0).sum() == 4
