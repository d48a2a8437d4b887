"""The autoencoder: 256 x 256 pixels to a latent of 16 x 16 and back, regularised towards a Gaussian.

Read top to bottom: the two halves, the posterior (Kingma & Welling 2014, eq. 10), then what the other families need of
it: latents normalised to zero mean and unit variance a channel, pictures from latents, and a linear preview map.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8
from pipelines.nn.residual import Bottleneck

STRIDE = 16  # pixels a latent
PREVIEW = 8  # pixels a latent in a preview


@dataclass(frozen=True)
class Config:
    """Channels of the latent; widths at 16, 32, 64 and 128 pixels; residual blocks there, of the encoder (it has none
    at 128 pixels) and of the decoder."""

    channels: int = 8
    widths: tuple[int, int, int, int] = (192, 96, 48, 24)
    encoder_blocks: tuple[int, int, int] = (3, 2, 1)
    decoder_blocks: tuple[int, int, int, int] = (4, 4, 3, 2)


class Autoencoder(nn.Module):
    """Strided convolutions down, pixel shuffles up (Shi et al. 2016).

    The buffers hold what was measured after training: the latents' mean and scale a channel, and the preview map, a
    least-squares fit from 3 x 3 normalised latents to the 8 x 8 pixels of the middle one, at half the size.
    """

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        w16, w32, w64, w128 = c.widths
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, w64, 3, padding=1),
            *[Bottleneck(w64) for _ in range(c.encoder_blocks[2])],
            nn.Conv2d(w64, w32, 2, stride=2),
            *[Bottleneck(w32) for _ in range(c.encoder_blocks[1])],
            nn.Conv2d(w32, w16, 2, stride=2),
            *[Bottleneck(w16) for _ in range(c.encoder_blocks[0])],
            nn.GroupNorm(8, w16),
            nn.SiLU(),
            nn.Conv2d(w16, 2 * c.channels, 1),
        )
        layers: list[nn.Module] = [nn.Conv2d(c.channels, w16, 3, padding=1)]
        for width, blocks, finer in zip(c.widths, c.decoder_blocks, c.widths[1:], strict=False):
            layers += [Bottleneck(width) for _ in range(blocks)]
            layers += [nn.Conv2d(width, 4 * finer, 1), nn.PixelShuffle(2)]
        layers += [Bottleneck(w128) for _ in range(c.decoder_blocks[3])]
        self.decoder = nn.Sequential(
            *layers, nn.GroupNorm(8, w128), nn.SiLU(), nn.Conv2d(w128, 12, 3, padding=1), nn.PixelShuffle(2)
        )
        self.register_buffer("mean", torch.zeros(c.channels))
        self.register_buffer("scale", torch.ones(c.channels))
        self.register_buffer("preview", torch.zeros(9 * c.channels + 1, 3 * PREVIEW**2))

    def posterior(self, x: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), each (b, channels, h/16, w/16); pixels lie in [-1, 1]."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=1)
        return mean, logvar.clamp(-12, 4)

    def encode(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h16 w16"]:
        """The posterior's mean, normalised to zero mean and unit variance a channel."""
        mean, _ = self.posterior(x)
        return (mean - self.mean[:, None, None]) / self.scale[:, None, None]

    def decode(self, z: Float[Tensor, "b c h16 w16"]) -> Float[Tensor, "b 3 h w"]:
        """Pixels in about [-1, 1] from normalised latents."""
        z = z * self.scale[:, None, None] + self.mean[:, None, None]
        return self.decoder(z.to(self.decoder[0].weight.dtype)).float()

    def decode_preview(self, z: Float[Tensor, "b c h16 w16"]) -> UInt8[Tensor, "b h w 3"]:
        """The picture at half its size through the linear preview map: a hundredth of the decoder's cost."""
        (b, _, h, w), patches = z.shape, F.unfold(z.float(), 3, padding=1).transpose(1, 2)
        rows = to_uint8(torch.addmm(self.preview[-1], patches.flatten(0, 1), self.preview[:-1]))
        rows = rows.view(b, h, w, 3, PREVIEW, PREVIEW).permute(0, 1, 4, 2, 5, 3)
        return rows.reshape(b, PREVIEW * h, PREVIEW * w, 3)

    def decode_uint8(self, z: Float[Tensor, "b c h16 w16"]) -> UInt8[Tensor, "b h w 3"]:
        """The full picture."""
        return to_uint8(self.decode(z).permute(0, 2, 3, 1))


def load(
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    folder: Path | None = None,
    name: str = "autoencoder",
) -> Autoencoder:
    """A bundled autoencoder, or that of another folder. Raises weights.WeightsError."""

    def build() -> Autoencoder:
        model = weights.open_bundle(name, lambda config: Autoencoder(config_from(config)), folder)
        model = model.to(device, dtype, memory_format=torch.channels_last)
        for buffer in ("mean", "scale", "preview"):
            setattr(model, buffer, getattr(model, buffer).float())
        return model

    return weights.cached((name, device, dtype, folder), build)


def config_of(model: Autoencoder) -> dict:
    """What the card keeps, so that `load` can build the same model."""
    return json.loads(json.dumps(asdict(model.config)))


def config_from(card: dict) -> Config:
    """The inverse."""
    return Config(**{key: tuple(value) if isinstance(value, list) else value for key, value in card.items()})
