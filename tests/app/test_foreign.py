"""What other programs wrote into their pictures, and what of ours cannot be read."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import foreign
from app.desktop import Desktop
from app.history import History
from pipelines.media import images
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings

PIXELS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))
A1111 = (
    "a cat, (fluffy:1.2),\nin a garden\nNegative prompt: dog, blurry\n"
    "Steps: 300, Sampler: Euler a, CFG scale: 7.5, Seed: 4294967301, Size: 512x512, Model: x"
)
COMFY = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 12, "steps": 9, "cfg": 6.5, "positive": ["10", 0],
                                               "negative": ["7", 0], "model": ["4", 0]}},
    "10": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "8": {"class_type": "String", "inputs": {"string": "a lighthouse"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "rain", "clip": ["4", 1]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}},
}  # fmt: skip
INVOKE = {"positive_prompt": "a fox", "negative_prompt": "snow", "seed": 5, "steps": 30, "cfg_scale": 5}
NOVEL = {"prompt": "a boat", "uc": "text", "seed": 8, "steps": 28, "scale": 11}


def png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value)
    PIXELS.save(path, pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"parameters": A1111}, ("a cat, (fluffy:1.2),\nin a garden", "dog, blurry", 5, 200, 7.5)),
        ({"parameters": "a cat\nSteps: 3, CFG scale: 2, Seed: 1"}, ("a cat", "", 1, 3, 2.0)),
        ({"prompt": json.dumps(COMFY), "workflow": "{}"}, ("a lighthouse", "rain", 12, 9, 6.5)),
        ({"invokeai_metadata": json.dumps(INVOKE)}, ("a fox", "snow", 5, 30, 5.0)),
        ({"Comment": json.dumps(NOVEL), "Description": "a boat"}, ("a boat", "text", 8, 28, 11.0)),
    ],
)
def test_settings_of_other_programs_come_in(texts: dict[str, str], wanted: tuple, tmp_path: Path) -> None:
    values = foreign.fit(foreign.read_settings(png(tmp_path / "a.png", **texts)), LatentDiffusionSettings)
    settings = LatentDiffusionSettings(**values)
    assert (settings.prompt, settings.negative_prompt, settings.seed, settings.steps, settings.guidance) == wanted


def test_a_jpeg_carries_them_in_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    PIXELS.save(tmp_path / "a.jpg", exif=exif)
    assert foreign.read_settings(tmp_path / "a.jpg")["prompt"].startswith("a cat")


@pytest.mark.parametrize(
    "texts",
    [
        {"prompt": "[1]"},
        {"prompt": '{"3": 4}'},
        {"parameters": ""},
        {"Comment": "null"},
        {"prompt": '{"1":{"inputs":{"seed":[1],"positive":["1",0]}}}'},
    ],
)
def test_what_is_none_is_left_out(texts: dict[str, str], tmp_path: Path) -> None:
    found = foreign.read_settings(png(tmp_path / "a.png", **texts))
    assert not foreign.fit(found, LatentDiffusionSettings).get("prompt")


def test_numbers_that_are_none_and_graphs_in_circles_are_left_out(tmp_path: Path) -> None:
    odd = {"prompt": "a", "seed": "random", "steps": "nan", "cfg_scale": float("inf")}
    assert foreign.fit(odd, LatentDiffusionSettings) == {"prompt": "a"}
    circle = {"1": {"inputs": {"seed": 1, "positive": ["2", 0]}}, "2": {"inputs": {k: ["2", 0] for k in "abcdefgh"}}}
    start = time.perf_counter()
    assert foreign.read_settings(png(tmp_path / "a.png", prompt=json.dumps(circle))) == {"seed": 1}
    assert time.perf_counter() - start < 1


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Desktop:
    return Desktop(History(tmp_path_factory.mktemp("home") / "history.sqlite"))


def drop(desktop: Desktop, tab: str, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message for the page, and the controls that are set."""
    context = desktop.tabs[tab]
    message, _, _, *values = desktop.restore(context, str(path))
    names = list(context.form.controls)
    return json.loads(message), {n: v for n, v in zip(names, values, strict=True) if not isinstance(v, dict)}


def test_a_picture_of_another_program_brings_its_words_and_says_so(desktop: Desktop, tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", parameters=A1111)
    message, values = drop(desktop, "image", path)
    assert values["prompt"].startswith("a cat") and values["seed"] == 5
    assert "another program's picture: prompt, negative prompt, steps, guidance, seed" in message["say"]
    assert "error" not in message
    message, values = drop(desktop, "edit", path)
    assert message["input"]["image"] and values["prompt"].startswith("a cat")


def test_settings_that_cannot_be_used_are_said_and_the_picture_is_taken(desktop: Desktop, tmp_path: Path) -> None:
    lost = {"model": "variation", "settings": {"prompt": "x", "loras": "gone:1", "image": images.to_url(PIXELS)}}
    message, _ = drop(desktop, "edit", png(tmp_path / "a.png", darkroom=json.dumps(lost)))
    assert message["input"]["image"] and "no LoRA 'gone' here" in message["error"]
    newer = {"model": "latent-diffusion", "settings": {"future_field": 1}}
    message, _ = drop(desktop, "image", png(tmp_path / "b.png", darkroom=json.dumps(newer)))
    assert "made by a newer Darkroom, which has 'future_field'" in message["error"]


@pytest.mark.parametrize("texts", [{"XML:com.adobe.xmp": "<x/>"}, {"comment": "my cat"}, {"darkness": "1"}])
def test_comments_of_others_are_no_broken_settings(desktop: Desktop, texts: dict[str, str], tmp_path: Path) -> None:
    message, _ = drop(desktop, "image", png(tmp_path / "a.png", **texts))
    assert "carries no Darkroom settings" in message["error"]


def test_an_entry_of_the_history_whose_settings_no_longer_hold_is_still_seen(desktop: Desktop) -> None:
    data = base64.b64decode(images.to_url(PIXELS).partition(",")[2])
    number = desktop.history.add("me", "latent-diffusion", {"prompt": "x", "loras": "gone:1"}, data, b"")

    class Click:
        _data = {"tab": "image", "id": number}  # noqa: RUF012

    message = json.loads(desktop.recall(desktop.tabs["image"], "me", Click())[0])
    assert message["restored"]["url"].startswith("data:image/png") and "gone" in message["error"]
