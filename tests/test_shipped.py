"""The weights in the repository: whole, small enough for git, described, and of the shape of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

from pipelines import autoencoder, evaluation, weights
from pipelines.latent_diffusion import LatentDiffusion
from pipelines.nn.dit import Config
from pipelines.nn.reader import AttributeReader

FOLDER = Path(__file__).parent.parent / "assets" / "weights"
SHIPPED = {
    "autoencoder": lambda config: autoencoder.Autoencoder(autoencoder.Config(**config)),
    "latent-diffusion": lambda config: LatentDiffusion(Config(**config)),
    "reader": lambda config: AttributeReader(**config),
    "eye": lambda _: evaluation.build_eye(),
}


def test_nothing_lies_there_without_a_card_or_above_ten_megabytes() -> None:
    cards = [json.loads(path.read_text()) for path in FOLDER.glob("*.json")]
    assert {card["name"] for card in cards if "name" in card} == set(SHIPPED)
    assert {file for card in cards for file in card.get("files", {})} == {path.name for path in FOLDER.glob("*.safetensors")}
    assert all(path.stat().st_size <= 10_000_000 for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_bundle_fits_its_model_and_says_what_it_is(name: str) -> None:
    tensors, about = weights.read(name, FOLDER)  # checksums included
    model: nn.Module = SHIPPED[name](about["config"])
    frozen = {key: value for key, value in model.state_dict().items() if key.startswith("text.transformer.")}  # MiniLM lies in its own package
    weights.fill(model, frozen | tensors, name)
    assert {"data", "licence", "recipe", "steps", "seconds", "metrics", "parameters"} <= set(about)
    assert about["steps"] > 0
