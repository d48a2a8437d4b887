"""Mutated files of every kind that is taken, and random values for every setting: no uncaught exception, and no
refusal without a sentence. Bounded to about half a minute; DARKROOM_FUZZ multiplies it."""

from __future__ import annotations

import io
import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image
from pydantic import ValidationError

from app import foreign, metadata
from app.desktop import Desktop
from app.history import History
from pipelines.core.contract import AudioResult, ImageResult, PointsResult, VideoResult
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import format_error
from pipelines.media import audio, images, points
from pipelines.media.images import UNTRUSTED
from pipelines.models.gaussian_splatting import files as gaussian_files
from pipelines.models.gaussian_splatting.rasterize import Gaussians3D
from pipelines.models.lora import adapter
from pipelines.nn.dit import Config, DiT

ROUNDS = 60 * int(os.environ.get("DARKROOM_FUZZ", "1"))
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
TONE = np.sin(np.arange(4000) / 5).astype(np.float32)


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind)
    return buffer.getvalue()


def splats() -> Gaussians3D:
    import torch

    torch.manual_seed(0)
    return Gaussians3D(torch.randn(20, 3) * 0.3, torch.rand(20, 3), 0.05)


NET = DiT(Config(width=32, depth=1, heads=2, words=16))


def lora() -> bytes:
    """A LoRA of a small network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lora.safetensors"
        adapter.LoRA(NET, 2).save(path, {"trigger": "zorb"})
        return path.read_bytes()


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of decoders of damaged files

FILES: dict[str, Any] = {
    "a.png": lambda: ImageResult(PIXELS, "latent-diffusion", {"prompt": "x"}).file(),
    "a.csv.png": lambda: PointsResult(RNG.normal(size=(9, 2)).astype(np.float32), "toy", {}).file(),
    "clip.mp4": lambda: VideoResult(np.stack([PIXELS] * 3), 8, "video", {}).file("mp4"),
    "clip.webp": lambda: VideoResult(np.stack([PIXELS] * 3), 8, "video", {}).file("webp"),
    "a.wav": lambda: AudioResult(TONE, "audio-flow", {}).file("wav"),
    "a.flac": lambda: AudioResult(TONE, "audio-flow", {}).file("flac"),
    **{
        f"a.{kind}": (lambda kind=kind: picture(kind))
        for kind in ("jpeg", "gif", "bmp", "tiff", "avif", "heif", "qoi")
    },
    "a.ply": lambda: gaussian_files.to_ply(splats()),
    "a.splat": lambda: gaussian_files.to_splat(splats()),
    "a.safetensors": lora,
    "points.csv": lambda: "".join(f"{x:.3f},{y:.3f}\n" for x, y in RNG.normal(size=(30, 2))).encode(),
    "plane.json": lambda: json.dumps({"model": "plane", "settings": {"turns": "5:beta=2"}}).encode(),
}


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled, or the end cut off."""
    bytes_ = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at, kind = rng.randrange(len(bytes_)), rng.randrange(5)
        if kind <= 1:
            bytes_[at] = rng.randrange(256)
        elif kind == 2:
            del bytes_[at : at + rng.randrange(1, 40)]
        elif kind == 3:
            bytes_[at:at] = bytes_[at : at + rng.randrange(1, 40)]
        else:
            del bytes_[at:]
        bytes_ = bytes_ or bytearray(b"\0")
    return bytes(bytes_)


def readers(path: Path) -> list[Any]:
    """What may be done with a file that somebody drops, or puts into the folder of LoRAs."""
    if path.suffix == ".safetensors":
        return [lambda: adapter.load(path, NET)]
    return [
        lambda: images.image_url(path),
        lambda: images.mask_url(path),
        lambda: audio.audio_url(path),
        lambda: metadata.from_file(path),
        lambda: points.load_points(path),
        lambda: foreign.read_settings(path),
        lambda: gaussian_files.load_gaussians(path),
    ]


@pytest.mark.parametrize("name", FILES)
def test_mutated_files_are_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    rng, whole = random.Random(name), FILES[name]()
    for k in range(ROUNDS):
        path = tmp_path / name
        path.write_bytes(mutate(whole, rng) if k else whole)
        for read in readers(path):
            try:
                read()
            except (ValueError, gaussian_files.SceneError, adapter.LoRAError) as error:
                assert len(str(error)) > 12 and "Traceback" not in str(error)


VALUES = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(),
    strategies.text(max_size=40),
    strategies.sampled_from(["", "data:image/png;base64,", "data:,", "../../etc/passwd", "flat:1", "euler", "joint"]),
    strategies.lists(strategies.integers(), max_size=3),
    strategies.dictionaries(strategies.text(max_size=4), strategies.integers(), max_size=2),
)


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=ROUNDS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(source=strategies.data())
def test_random_settings_are_taken_or_refused_in_a_sentence(name: str, source: strategies.DataObject) -> None:
    model = CATALOGUE[name].settings
    chosen = source.draw(
        strategies.lists(strategies.sampled_from(sorted(model.model_fields)), max_size=4, unique=True)
    )
    values = {field: source.draw(VALUES) for field in chosen}
    try:
        made = model.model_validate(values, context=UNTRUSTED)
    except ValidationError as error:
        sentence = format_error(error)
        assert sentence.endswith(".") and not sentence[0].islower() and len(sentence) < 2000
    else:
        json.dumps(made.model_dump())


def test_a_dropped_mutation_is_answered_in_every_tab(tmp_path: Path) -> None:
    desktop = Desktop(History(tmp_path / "history.sqlite"))
    rng = random.Random(0)
    for name, whole in FILES.items():
        path = tmp_path / name
        path.write_bytes(mutate(whole(), rng))
        for context in desktop.tabs.values():
            message = json.loads(desktop.restore(context, str(path))[0])
            assert {"error", "input", "say", "still"} & set(message)
