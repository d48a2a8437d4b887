"""The weights in the repository: whole, small enough for git, described, and of the shape of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from torch import nn

from pipelines.core import cards
from pipelines.core.registry import CATALOGUE
from pipelines.evaluation import metrics as evaluation
from pipelines.evaluation.attribute_classifier import AttributeClassifier
from pipelines.evaluation.instrument_classifier import Listener
from pipelines.evaluation.scene_reader import SceneReader
from pipelines.media.control_maps import CHANNELS
from pipelines.models.audio import codec as audio
from pipelines.models.audio.flow import AudioDiT
from pipelines.models.audio.flow import Config as FlowConfig
from pipelines.models.audio.tokens import CodeLM
from pipelines.models.audio.tokens import Config as WriterConfig
from pipelines.models.controlnet import depth
from pipelines.models.controlnet.pipeline import ControlNet
from pipelines.models.ddpm.network import UNet as DenoisingUNet
from pipelines.models.editing.pipeline import MaskAdapter
from pipelines.models.gan.network import Generator
from pipelines.models.latent_diffusion import autoencoder as autoencoder_256
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion.layout import build_writer
from pipelines.models.latent_diffusion.pipeline import LatentDiffusion
from pipelines.models.lora import adapter as lora
from pipelines.models.multiview.pipeline import MultiView
from pipelines.models.next_scale.pipeline import build
from pipelines.models.pix2pix.pipeline import UNet
from pipelines.models.stylegan.network import StyleGAN
from pipelines.models.vae.network import VAE
from pipelines.models.vae.spec import BUNDLES
from pipelines.models.video import network as video
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT
from pipelines.text import Resampler

FOLDER = Path(__file__).parent.parent / "assets" / "weights"
SHIPPED = {
    "autoencoder": lambda config: autoencoder.Autoencoder(autoencoder.Config(**config)),
    "autoencoder-256": lambda config: autoencoder_256.Autoencoder(autoencoder_256.config_from(config)),
    "latent-diffusion": lambda config: LatentDiffusion(Config(**config)),
    "latent-diffusion-256": lambda config: LatentDiffusion(Config(**config)),
    "layout": build_writer,
    "depth": depth.build,
    "reflow": lambda config: lora.LoRA(base("latent-diffusion-256"), **config),
    "scene-reader": lambda config: SceneReader(**config),
    "next-scale": build,
    "inpainting-256": lambda config: MaskAdapter(base("latent-diffusion-256"), **config),
    "reader": lambda config: AttributeClassifier(**config),
    "eye": lambda _: evaluation.build_eye(),
    **{name: lambda config: MaskAdapter(base(), **config) for name in ("inpainting", "outpainting")},
    **dict.fromkeys(("video", "video-256"), video.build),
    "listener": lambda config: Listener(config["families"]),
    "audio-codec": lambda config: audio.Codec(audio.Config(**config)),
    "audio-flow": lambda config: AudioDiT(FlowConfig(**config)),
    "audio-tokens": lambda config: CodeLM(WriterConfig(**config)),
    "multiview": lambda config: MultiView(Config(**config)),
    **{name: lambda _: Resampler() for name in ("audio-words", "toy-words")},
    "pix2pix": lambda config: UNet(tuple(config["widths"])),
    **{
        f"controlnet-{kind}": lambda config: ControlNet(Config(**config["config"]), config["channels"])
        for kind in (*CHANNELS, "256")
    },
    **{name: lambda config: VAE(config["code"], config["beta"]) for name in BUNDLES},
    **{name: lambda config: Generator(config["sizes"]) for name in ("gan", "gan-collapse", "conditional-gan")},
    "stylegan": lambda config: StyleGAN(config["directions"]),
    "ddpm": lambda config: DenoisingUNet(tuple(config["widths"])),
}
LORAS = {"lora-flat", "lora-lines", "lora-pixels"}


def base(name: str = "latent-diffusion") -> DiT:
    return DiT(Config(**weights.card(name, FOLDER)["config"]))


def test_nothing_lies_there_without_a_card_or_above_ten_megabytes() -> None:
    cards = [json.loads(path.read_text()) for path in FOLDER.glob("*.json")]
    assert {card["name"] for card in cards if "name" in card} == set(SHIPPED) | LORAS
    assert {file for card in cards for file in card.get("files", {})} == {
        path.name for path in FOLDER.glob("*.safetensors")
    }
    assert all(path.stat().st_size <= 10_000_000 for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_bundle_fits_its_model_and_says_what_it_is(name: str) -> None:
    tensors, about = weights.load_bundle(name, FOLDER)  # checksums included
    model: nn.Module = SHIPPED[name](about["config"])
    frozen = {
        key: value for key, value in model.state_dict().items() if key.startswith("text.transformer.")
    }  # MiniLM lies in its own package
    weights.load_into(model, frozen | tensors, name)
    assert {"data", "licence", "recipe", "steps", "seconds", "metrics", "parameters"} <= set(about)
    assert about["steps"] > 0


@pytest.mark.parametrize("name", sorted(LORAS))
def test_a_bundled_lora_fits_the_base_and_says_its_word(name: str) -> None:
    path = FOLDER / f"{name}.safetensors"
    about = weights.load_bundle(name, FOLDER)[1]
    assert cards.trigger(path) == about["config"]["trigger"] != ""
    assert lora.load(path, base(cards.lora_base(path))).rank == about["config"]["rank"]
    assert {"data", "licence", "recipe", "steps", "seconds"} <= set(about)


def test_the_replay_has_a_row_of_pictures_a_look() -> None:
    told = weights.card("controlnet-edges", FOLDER)["replay"]
    with Image.open(FOLDER.parent / "replay" / "controlnet-edges.jpg") as strip:
        assert strip.height == 128 * (1 + len(told["step"]))
    assert told["agreement"][-1] > 2 * max(told["agreement"][:3])


def test_every_starter_has_its_picture_and_valid_settings() -> None:
    for spec in CATALOGUE.values():
        for k, settings in enumerate(spec.starters.values()):
            spec.settings(**settings)
            assert (FOLDER.parent / "starters" / f"{spec.name}-{k}.jpg").exists()
