"""The codec on phrases: log-mel distances at six scales, the spectrum's shape, the waveform a little, and the
quantiser's own loss.

Half of the samples hear fewer codebooks than there are (quantiser dropout; Zeghidour et al. 2021), so that the bitrate
is a choice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipelines.datasets import notes
from pipelines.media.audio import HOP, log_mel, mel_filters, spectrogram_image
from pipelines.models.audio.codec import STRIDE, Codec
from pipelines.nn import weights

CROP = 64 * STRIDE  # samples: 1.28 s
SCALES = (64, 128, 256, 512, 1024, 2048)


def spectrum(wave: Tensor, size: int) -> Tensor:
    """Magnitudes (b, n, size/2 + 1) of windows a quarter of their length apart."""
    windows = F.pad(wave, (size // 2, size // 2)).unfold(1, size, size // 4) * torch.hann_window(
        size, device=wave.device
    )
    return (torch.fft.rfft(windows).abs() / size**0.5).clamp_min(1e-6)


def distances(decoded: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute difference of log10 mel spectra over all scales (b,), and of the magnitudes, compressed by a root
    (b,)."""
    logs, sizes = [], []
    for size in SCALES:
        a, b = spectrum(decoded, size), spectrum(real, size)
        sizes.append((a.sqrt() - b.sqrt()).abs().mean((1, 2)))
        bands = torch.from_numpy(mel_filters(size, min(80, size // 8))).to(a.device)
        logs.append(((a @ bands).clamp_min(1e-4).log10() - (b @ bands).clamp_min(1e-4).log10()).abs().mean((1, 2)))
    return torch.stack(logs).mean(0), torch.stack(sizes).mean(0)


class Recipe:
    name = "audio-codec"
    steps, lr, ema, batch = 6000, 1e-3, 0.998, 20
    look_every, warmup, weight_decay = 420, 200, 0.0

    def __init__(self) -> None:
        self.sounds, rows = notes.load()
        self.train, self.validation = (
            [i for i, row in enumerate(rows) if row["split"] == split] for split in ("train", "validation")
        )

    def build(self) -> Codec:
        return Codec()

    def crops(self, rng: np.random.Generator) -> Tensor:
        """Parts of phrases, louder or softer than they are; now and then silence."""
        begin = rng.integers(0, self.sounds.shape[1] - CROP, self.batch)
        waves = np.stack(
            [self.sounds[i, b : b + CROP] for i, b in zip(rng.choice(self.train, self.batch), begin, strict=True)]
        ).astype(np.float32)
        peak = np.abs(waves).max(1, keepdims=True) + 1
        gain = np.minimum(10 ** rng.uniform(-0.3, 0.7, (self.batch, 1)), 32_000 / peak) * (
            rng.random((self.batch, 1)) > 0.02
        )
        return torch.from_numpy((waves * gain / 32_768).astype(np.float32))

    def loss(self, codec: Codec, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(codec.parameters()).device
        wave, books = self.crops(rng).to(device), codec.config.books
        stages = torch.from_numpy(
            np.where(rng.random(self.batch) < 0.5, books, rng.integers(1, books + 1, self.batch))
        ).to(device)
        codec.train()
        with torch.autocast(device.type, enabled=False):  # spectra are not for half precision
            decoded, _, missed, _ = codec(wave, stages)
            (logs, sizes), samples = distances(decoded, wave), (decoded - wave).abs().mean()
        loss = 3 * logs.mean() + 6 * sizes.mean() + samples + missed
        return loss, {
            "mel": logs.mean().item(),
            "size": sizes.mean().item(),
            "wave": samples.item(),
            "code": missed.item(),
        }

    @torch.no_grad()
    def evaluate(self, codec: Codec, folder: Path, step: int) -> dict[str, float]:
        """Held-out phrases: mel distance and use of codes by number of codebooks; spectrograms, sounds to listen to."""
        codec, books = codec.eval(), codec.config.books
        wave = torch.from_numpy(self.sounds[self.validation[:48]].astype(np.float32) / 32_768).to(
            next(codec.parameters()).device
        )
        z = codec.encode(wave)
        _, indices, _ = codec.quantizer(z)
        found = {"used": [round(indices[..., k].unique().numel() / codec.config.codes, 2) for k in range(books)]}
        decoded = {k: codec.decode(codec.quantizer.decode(indices[..., :k])) for k in (1, 2, books)}
        found["mel"] = {k: round(distances(one, wave)[0].mean().item(), 3) for k, one in decoded.items()}
        rows = [
            np.concatenate([spectrogram_image(log_mel(wave)) for wave in one[:6].cpu().numpy()], 1)
            for one in (wave, *decoded.values())
        ]
        Image.fromarray(np.concatenate(rows)).save(folder / f"sheet-{step:06d}.png")
        np.save(folder / "heard.npy", torch.stack([wave[:12], *(one[:12] for one in decoded.values())]).cpu().numpy())
        return found

    @torch.no_grad()
    def export(self, codec: Codec, record: dict) -> None:
        """With the latents' mean and scale, and a linear map from three of them to the log-mel rows of the middle one,
        all measured on training phrases."""
        sounds = torch.from_numpy(self.sounds[self.train[:400]].astype(np.float32) / 32_768)
        z = torch.cat([codec.quantizer(codec.encode(part))[0] for part in sounds.split(20)])
        codec.mean.copy_(z.mean((0, 1)))
        codec.scale.copy_(z.std((0, 1)))
        wanted = (
            torch.from_numpy(np.stack([log_mel(wave) for wave in sounds.numpy()]))
            .unflatten(1, (-1, STRIDE // HOP))
            .flatten(2)
        )
        neighbours = codec.with_neighbours((z - codec.mean) / codec.scale)
        codec.preview.copy_(torch.linalg.lstsq(neighbours.flatten(0, 1), wanted.flatten(0, 1)).solution)
        weights.save(self.name, codec, vars(codec.config), {
            "data": "phrases composed by this project, played by FluidSynth with FluidR3 GM (MIT); training split",
            "licence": "MIT",
            **record,
        })  # fmt: skip
