"""Everything that could be given as a picture or a mask."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from pipelines.media import audio as sounds
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


STRIPES = np.zeros((32, 64, 3), np.uint8)
STRIPES[:16, :, 0], STRIPES[:, :32, 2] = 255, 255  # every corner has a colour of its own


def film(path: Path, kind: str, rotation: int = 0) -> Path:
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream("libx264" if kind != "webm" else "libvpx-vp9", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(STRIPES, format="rgb24")))
        container.mux(stream.encode())
    if rotation:  # into the movie's display matrix, as phones write it
        data = path.read_bytes()
        turned = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[rotation]
        upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        a, b, c, d = (65536 * value for value in turned)
        at = data.index(upright, data.index(b"tkhd"))
        path.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :])
    return path


@pytest.mark.parametrize("kind", ["mp4", "mov"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_phones_film_is_upright(kind: str, rotation: int, tmp_path: Path) -> None:
    picture = pictures.from_url(pictures.image_url(film(tmp_path / f"a.{kind}", kind, rotation)))
    wanted = np.rot90(STRIPES, -rotation // 90)
    assert picture.shape == wanted.shape and np.abs(picture.astype(int) - wanted).mean() < 30


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_heic_and_avif_are_pictures(mode: str, tmp_path: Path) -> None:
    for ending in ("heic", "avif"):
        Image.fromarray(STRIPES).convert(mode).save(tmp_path / f"a.{ending}", quality=90)
        assert pictures.from_url(pictures.image_url(tmp_path / f"a.{ending}")).shape == STRIPES.shape
        with pytest.raises(ValueError, match="picture"):
            pictures.open_video(str(tmp_path / f"a.{ending}"))


@pytest.mark.parametrize("white", [1.0, 255.0, 65_535.0, 900.0])
def test_grey_values_of_any_scale_keep_their_picture(white: float) -> None:
    grey = np.linspace(0, 1, 12 * 20).reshape(12, 20)
    deep = Image.fromarray((grey * white).astype(np.float32))
    expected = grey * (255 if white != 900 else 255 * 900 / 65_535)
    assert np.abs(pictures.from_url(pictures.image_url(deep))[..., 0] - expected).max() <= 1
    broken = np.full((12, 20), np.nan, np.float32)
    broken[0] = 1
    assert pictures.from_url(pictures.image_url(Image.fromarray(broken)))[..., 0].max() == 255


SQUARE = np.zeros((16, 24), np.uint8)
SQUARE[4:12, 6:18] = 1


def layer(colour: tuple[int, int, int]) -> np.ndarray:
    return np.dstack([np.full((16, 24, 3), colour, np.uint8) * SQUARE[..., None], SQUARE * 255])


PHOTO = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)
MASKS = {
    "0 and 1": SQUARE,
    "0 and 255": SQUARE * 255,
    "grey": SQUARE * 100,
    "16 bits": Image.fromarray(SQUARE.astype(np.uint16) * 65_535),
    "16 bits, 0 and 1": Image.fromarray(SQUARE.astype(np.uint16)),
    "floats": Image.fromarray(SQUARE.astype(np.float32)),
    "one bit": Image.fromarray(SQUARE * 255).convert("1"),
    "palette": Image.fromarray(SQUARE * 255).convert("P"),
    "red on black": np.dstack([SQUARE * 255, SQUARE * 0, SQUARE * 0]),
    "blue on black": np.dstack([SQUARE * 0, SQUARE * 0, SQUARE * 255]),
    "our own red": layer((255, 74, 46)),
    "white layer": layer((255, 255, 255)),
    "black layer": layer((0, 0, 0)),
    "opaque, with alpha": np.dstack([np.repeat(SQUARE[..., None] * 255, 3, 2), np.full((16, 24), 255, np.uint8)]),
    "a photograph with a hole": np.dstack([PHOTO, 255 - SQUARE * 255]),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_of_other_programs_mark_what_they_mark(name: str) -> None:
    assert np.array_equal(pictures.from_url(pictures.mask_url(MASKS[name])) > 0, SQUARE > 0)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing; export it as PNG"),
        (b"%PDF-1.4", "a PDF"),
        (b"ID3\x04", "a sound"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file"),
        (b"o thing\nv 0 0 0", "not a picture"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(data: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match=sentence):
        pictures.image_url(tmp_path / "a.png")


def test_a_thin_picture_is_called_by_its_own_size() -> None:
    with pytest.raises(ValueError, match="4000 × 20 pixels, which is too long and thin"):
        pictures.image_url(Image.new("RGB", (4000, 20)))


def test_a_file_may_be_large_for_splats_and_too_large_for_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(pictures.BYTES + 1)
    with pytest.raises(ValueError, match="the mask's file is larger than 100 MB; choose a smaller one"):
        pictures.mask_url(tmp_path / "large.png")
    with pytest.raises(ValueError, match="the sound's file is larger than 100 MB"):
        sounds.load_audio(tmp_path / "large.png")
    url = pictures.image_url(COLOURS)
    monkeypatch.setattr(pictures, "BYTES", 100)
    with pytest.raises(ValueError, match="the picture's file is larger"):
        pictures.image_url(url)
