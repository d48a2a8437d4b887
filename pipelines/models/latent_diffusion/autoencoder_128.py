"""The autoencoder: 128 x 128 pixels to a 16 x 16 x 8 latent and back, regularised towards a Gaussian.

Read top to bottom: the blocks, the posterior (Kingma & Welling 2014, eq. 10), then what the other families need of it:
latents normalised to zero mean and unit variance a channel, pictures from latents, and a linear preview map.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8
from pipelines.nn.residual import Bottleneck


@dataclass(frozen=True)
class Config:
    """Widths at 32 and 16 pixels, residual blocks there (of the decoder: `last_blocks` at 32 pixels, one more at 16),
    and the latent's channels."""

    fine: int = 64
    coarse: int = 160
    fine_blocks: int = 2
    coarse_blocks: int = 3
    channels: int = 8
    last_blocks: int = 3


class Autoencoder(nn.Module):
    """Pixel-unshuffled stem, residual convolutions at 32 and 16 pixels, pixel-shuffled decoder.

    The buffers hold what was measured after training: the latents' mean and scale a channel, and the preview map, a
    least-squares fit from 3 x 3 normalised latents to the 8 x 8 pixels of the middle one.
    """

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, c.fine, 3, padding=1),
            *[Bottleneck(c.fine) for _ in range(c.fine_blocks)],
            nn.Conv2d(c.fine, c.coarse, 2, stride=2),
            *[Bottleneck(c.coarse) for _ in range(c.coarse_blocks)],
            nn.GroupNorm(8, c.coarse),
            nn.SiLU(),
            nn.Conv2d(c.coarse, 2 * c.channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(c.channels, c.coarse, 3, padding=1),
            *[Bottleneck(c.coarse) for _ in range(c.coarse_blocks + 1)],
            nn.Conv2d(c.coarse, 4 * c.fine, 1),
            nn.PixelShuffle(2),
            *[Bottleneck(c.fine) for _ in range(c.last_blocks)],
            nn.GroupNorm(8, c.fine),
            nn.SiLU(),
            nn.Conv2d(c.fine, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )
        self.register_buffer("mean", torch.zeros(c.channels))
        self.register_buffer("scale", torch.ones(c.channels))
        self.register_buffer("preview", torch.zeros(9 * c.channels + 1, 192))

    def posterior(self, x: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), each (b, channels, h/8, w/8); pixels lie in [-1, 1]."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=1)
        return mean, logvar.clamp(-12, 4)

    def encode(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h8 w8"]:
        """The posterior's mean, normalised to zero mean and unit variance a channel."""
        mean, _ = self.posterior(x)
        return (mean - self.mean[:, None, None]) / self.scale[:, None, None]

    def decode(self, z: Float[Tensor, "b c h8 w8"]) -> Float[Tensor, "b 3 h w"]:
        """Pixels in about [-1, 1] from normalised latents."""
        z = z * self.scale[:, None, None] + self.mean[:, None, None]
        return self.decoder(z.to(self.decoder[0].weight.dtype)).float()

    def decode_preview(self, z: Float[Tensor, "b c h8 w8"]) -> UInt8[Tensor, "b h w 3"]:
        """The picture through the linear preview map: a hundredth of the decoder's cost, what a step can afford to
        show."""
        (b, _, h, w), patches = z.shape, F.unfold(z.float(), 3, padding=1).transpose(1, 2)
        rows = to_uint8(torch.addmm(self.preview[-1], patches.flatten(0, 1), self.preview[:-1]))
        return rows.view(b, h, w, 3, 8, 8).permute(0, 1, 4, 2, 5, 3).reshape(b, 8 * h, 8 * w, 3)

    def decode_uint8(self, z: Float[Tensor, "b c h8 w8"]) -> UInt8[Tensor, "b h w 3"]:
        """The full picture."""
        return to_uint8(self.decode(z).permute(0, 2, 3, 1))


def load(device: str = "cpu", dtype: torch.dtype = torch.float32) -> Autoencoder:
    """The bundled autoencoder. Raises weights.WeightsError."""

    def build() -> Autoencoder:
        model = weights.open_bundle("autoencoder", lambda config: Autoencoder(Config(**config)))
        model = model.to(device, dtype, memory_format=torch.channels_last)
        for name in ("mean", "scale", "preview"):
            setattr(model, name, getattr(model, name).float())
        return model

    return weights.cached(("autoencoder", device, dtype), build)


def config_of(model: Autoencoder) -> dict:
    """What the card keeps, so that `load` can build the same model."""
    return json.loads(json.dumps(asdict(model.config)))
