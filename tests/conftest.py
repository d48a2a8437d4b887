"""Tests run with small random weights of the same shape of code, in fresh folders, on one thread."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
FOLDER = Path(tempfile.mkdtemp(prefix="darkroom-tests-"))
BUNDLED = Path(__file__).parent.parent / "assets" / "weights"
os.environ["DARKROOM_WEIGHTS"] = str(FOLDER / "weights")
os.environ["DARKROOM_HOME"] = str(FOLDER / "home")
(FOLDER / "weights").mkdir()
for part in ("eye.json", "eye.safetensors"):  # what measures is the real one: the references were seen by it
    shutil.copy(BUNDLED / part, FOLDER / "weights")
import torch

torch.set_num_threads(1)

from jaxtyping import install_import_hook

hook = install_import_hook("pipelines", "beartype.beartype")  # shapes in signatures are checked in every test

from pipelines import text
from pipelines.media.control_maps import CHANNELS
from pipelines.models.audio import codec as audio
from pipelines.models.audio import flow as audio_flow
from pipelines.models.audio import tokens as audio_tokens
from pipelines.models.controlnet import pipeline as controlnet
from pipelines.models.controlnet.depth import DepthReader
from pipelines.models.controlnet.pipeline import ControlNet
from pipelines.models.ddpm.network import UNet
from pipelines.models.editing.pipeline import MaskAdapter
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.gan.network import Generator
from pipelines.models.latent_diffusion import autoencoder as autoencoder_256
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import layout
from pipelines.models.latent_diffusion.pipeline import LatentDiffusion
from pipelines.models.lora.adapter import LoRA
from pipelines.models.multiview.pipeline import MultiView
from pipelines.models.next_scale.network import NextScale
from pipelines.models.pix2pix import pipeline as pix2pix
from pipelines.models.stylegan.network import StyleGAN
from pipelines.models.vae.network import VAE
from pipelines.models.video.movement import FEATURES
from pipelines.models.video.network import AMOUNT, VideoDiT
from pipelines.nn import weights
from pipelines.nn.dit import Config


def random_bundles(folder: Path) -> None:
    """An autoencoder and a latent diffusion of a few thousand parameters, with nothing left at zero."""
    torch.manual_seed(0)
    small = autoencoder.Autoencoder(autoencoder.Config(fine=16, coarse=16, fine_blocks=1, coarse_blocks=1))
    model = LatentDiffusion(Config(width=64, depth=2, heads=2, words=64))
    for parameter in [*small.parameters(), *model.parameters()]:
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    torch.nn.init.normal_(small.preview, std=0.02)
    about = {"seconds": 0, "steps": 0, "licence": "MIT", "metrics": {}}
    small_256 = autoencoder_256.Autoencoder(
        autoencoder_256.Config(4, (16, 16, 16, 16), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1, 1, 1))
    )
    names = layout.Vocabulary(("dog", "car"), ("", "red"), ("", "left", "right"), ("", "man", "woman"), ("", "dark"))
    writer = layout.LayoutWriter(names.sizes, words=64, width=32, depth=1, heads=2)
    model_256 = LatentDiffusion(
        Config(channels=4, width=64, depth=2, heads=2, words=64, convolution=True, layout=tuple(names.sizes))
    )
    for parameter in [*small_256.parameters(), *model_256.parameters()]:
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    torch.nn.init.normal_(small_256.preview, std=0.02)
    scales = NextScale(model_256.transformer.config)
    for parameter in scales.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    scales.quantizer.fit(torch.randn(64, 4, 16, 16))
    weights.save("next-scale", scales, asdict(scales.config) | {"levels": scales.levels}, about, folder)
    sizes = {"sizes": names.sizes, "words": 64, "width": 32, "depth": 1, "heads": 2}
    called = {"dog": "dog", "puppy": "dog", "car": "car", "sports car": "car"}
    weights.save("layout", writer, sizes | {"vocabulary": asdict(names), "names": called}, about, folder)
    weights.save("autoencoder-256", small_256, autoencoder_256.config_of(small_256), about, folder)
    weights.save("latent-diffusion-256", model_256, asdict(model_256.transformer.config), about, folder)
    weights.save("autoencoder", small, autoencoder.config_of(small), about, folder)
    weights.save("latent-diffusion", model, asdict(model.transformer.config), about, folder)
    for kind, channels in CHANNELS.items():
        net = ControlNet(model.transformer.config, channels)
        for gate in net.gates:
            torch.nn.init.normal_(gate.weight, std=0.2)
        weights.save(f"controlnet-{kind}", net, {"config": asdict(net.config), "channels": channels}, about, folder)
    straight = LoRA(model_256.transformer, 2)
    for parameter in straight.up:
        torch.nn.init.normal_(parameter, std=0.05)
    weights.save("reflow", straight, {"rank": 2}, about, folder)
    union = ControlNet(model_256.transformer.config, controlnet.CHANNELS)
    for gate in union.gates:
        torch.nn.init.normal_(gate.weight, std=0.2)
    union_config = {"config": asdict(union.config), "channels": union.channels}
    weights.save("controlnet-256", union, union_config, about, folder)
    depth = {"channels": 4, "width": 16, "blocks": 1}
    reader = DepthReader(**depth)
    torch.nn.init.normal_(reader.leave[-1].weight, std=2.0)  # near and far
    weights.save("depth", reader, depth, about, folder)
    for names, base, clean in (
        (("inpainting", "outpainting"), model, False), (("inpainting-256",), model_256, True)
    ):  # fmt: skip
        adapter = MaskAdapter(base.transformer, 2, clean)
        for parameter in [*adapter.enter.parameters(), *adapter.lora.up]:
            torch.nn.init.normal_(parameter, std=0.2)
        for name in names:
            weights.save(name, adapter, {"rank": 2, "clean": clean}, about, folder)
    for name, base, features in (("video", model, AMOUNT), ("video-256", model_256, FEATURES)):
        motion = VideoDiT(base.transformer.config, features=features)
        for parameter in motion.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)
        own = {"real": 6.0, "gains": None, "features": features}
        weights.save(name, motion, asdict(motion.config) | own, about, folder)
    kept = {"latent": 16, "width": 32, "depth": 1, "heads": 2}
    sounding = {
        "audio-words": (text.Resampler(), {}),
        "audio-codec": (codec := audio.Codec(audio.Config(16, 16, 1, 1, 16, 6, 32)), asdict(codec.config)),
        "audio-flow": (audio_flow.AudioDiT(audio_flow.Config(**kept)), kept),
        "audio-tokens": (writer := audio_tokens.CodeLM(audio_tokens.Config(32, 1, 2, 6, 32)), asdict(writer.config)),
    }
    for name, (made, config) in sounding.items():
        for parameter in made.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)
        weights.save(name, made, config, about, folder)
    views = MultiView(model.transformer.config)
    for parameter in views.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    weights.save("multiview", views, asdict(views.config), about, folder)
    weights.save("toy-words", text.Resampler(64), {}, about, folder)
    weights.save("pix2pix", pix2pix.UNet((16, 16, 16)), {"widths": (16, 16, 16)}, about, folder)
    random_classics(about, folder)


def random_classics(about: dict, folder: Path) -> None:
    """Untrained networks of the classic families: every code gives a picture of its own."""
    for kind, code, beta in (
        ("plain", 64, 0.0),
        ("low", 64, 0.2),
        ("mid", 64, 1.0),
        ("high", 64, 5.0),
        ("map", 2, 1.0),
    ):
        weights.save(f"vae-{kind}", VAE(code, beta), {"code": code, "beta": beta}, about | {"kl": [2.0, 1.0]}, folder)
    sizes = [len(values) for values in CONDITIONS.values()]
    for name in ("gan", "gan-collapse"):
        weights.save(name, Generator(), {"sizes": []}, about, folder)
    weights.save("conditional-gan", Generator(sizes), {"sizes": sizes}, about, folder)
    styles = StyleGAN(6)
    torch.nn.init.normal_(styles.directions)
    for layer in styles.synthesis.layers:
        torch.nn.init.constant_(layer.strength, 0.3)
    weights.save("stylegan", styles, {"directions": 6}, about, folder)
    net = UNet((16, 32, 48, 64))
    torch.nn.init.normal_(net.last[-1].weight, std=0.05)
    weights.save("ddpm", net, {"widths": (16, 32, 48, 64)}, about | {"levels": [[0.5, 0.1, 0.1, 0.1]]}, folder)


random_bundles(FOLDER / "weights")

from pages import browser, page, painted
from served import served
