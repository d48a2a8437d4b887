"""An autoencoder of faces with a vector as its code: plain, or variational (Kingma and Welling 2014)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.nn.residual import Bottleneck

WIDTHS = (32, 64, 96, 128)  # at 32, 16, 8 and 4 places; at the finest, two by two pixels are one
SPREAD = 0.7  # the decoder's standard deviation: what of a picture is noise, in units of [-1, 1]


class Encoder(nn.Module):
    """Pictures to the mean and log variance of q(z | x)."""

    def __init__(self, code: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, WIDTHS[0], 3, padding=1)]
        for a, b in zip(WIDTHS, WIDTHS[1:], strict=False):
            layers += [Bottleneck(a), nn.SiLU(), nn.PixelUnshuffle(2), nn.Conv2d(4 * a, b, 3, padding=1)]
        self.layers = nn.Sequential(*layers, Bottleneck(WIDTHS[-1]), nn.SiLU())
        self.out = nn.Linear(16 * WIDTHS[-1], 2 * code)

    def forward(self, x: Float[Tensor, "b 3 64 64"]) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.out(self.layers(x).flatten(1)).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)


class Decoder(nn.Module):
    """A code to a picture in [-1, 1]."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.start = nn.Linear(code, 16 * WIDTHS[-1])
        layers: list[nn.Module] = []
        for a, b in zip(WIDTHS[::-1], (*WIDTHS[-2::-1], 3), strict=True):
            layers += [Bottleneck(a), nn.SiLU(), nn.Conv2d(a, 4 * b, 3, padding=1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b 3 64 64"]:
        return self.layers(self.start(z).unflatten(1, (WIDTHS[-1], 4, 4)))


class VAE(nn.Module):
    """Encoder and decoder; `beta` weighs the KL term (Higgins et al. 2017), and 0 makes it a plain autoencoder, whose
    code has no noise."""

    def __init__(self, code: int = 64, beta: float = 1.0) -> None:
        super().__init__()
        self.code, self.beta = code, beta
        self.encoder, self.decoder = Encoder(code), Decoder(code)
        # of the training set's codes, by dimension: a plain autoencoder has no other prior
        self.register_buffer("code_mean", torch.zeros(code))
        self.register_buffer("code_std", torch.ones(code))

    def encode(self, x: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The mean of q(z | x): the code of a picture."""
        return self.encoder(x)[0]

    def prior(self, noise: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """Standard noise as codes: N(0, 1), which a VAE's are drawn towards; of a plain autoencoder, a Gaussian with
        its codes' mean and standard deviation a dimension."""
        return noise * self.code_std + self.code_mean if self.beta == 0 else noise

    @torch.no_grad()
    def calibrate(self, x: Float[Tensor, "n 3 64 64"]) -> None:
        """Note the mean and standard deviation of these pictures' codes."""
        codes = torch.cat([self.encode(part) for part in x.split(64)]).float()
        self.code_mean.copy_(codes.mean(0))
        self.code_std.copy_(codes.std(0))

    def terms(self, x: Float[Tensor, "b 3 64 64"]) -> tuple[Tensor, Tensor]:
        """Reconstruction term in nats a picture (b,), without its constant, and KL a code dimension (b, d)."""
        mean, log_variance = self.encoder(x)
        z = mean if self.beta == 0 else mean + (log_variance / 2).exp() * torch.randn_like(mean)
        error = F.mse_loss(self.decoder(z).float(), x, reduction="none").sum((1, 2, 3))
        return error / (2 * SPREAD**2), kl_divergence(mean, log_variance)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z | x) || N(0, 1)) a dimension, in closed form (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
