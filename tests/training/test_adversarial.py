"""The game of GANs: one pass backwards that teaches both players what two would, the penalty, and the start as
decoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.models.gan.network import NOISE
from pipelines.models.gan.recipe import Adversarial, Decoding, augment, gradient_penalty, teach_both
from pipelines.training.faces import Faces


@pytest.fixture
def players() -> tuple[Adversarial, Tensor, Tensor]:
    """Both, noise, and real faces (noise, too)."""
    torch.manual_seed(0)
    return Adversarial(()), torch.randn(6, NOISE), torch.rand(6, 3, 64, 64) * 2 - 1


@pytest.mark.parametrize("relativistic", [True, False])
def test_one_pass_backwards_teaches_both_players(players: tuple, relativistic: bool) -> None:
    both, z, real = players

    def play() -> tuple[Tensor, Tensor, Tensor]:
        fake = both.model(z)
        seen = augment(torch.cat([real, fake]), torch.Generator().manual_seed(5))
        return fake, *both.discriminator(seen).chunk(2)

    def losses(d_real: Tensor, d_fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        lead = d_real - d_fake if relativistic else -d_fake
        rest = 0 if relativistic else F.softplus(-d_real).mean()
        return F.softplus(-lead).mean() + rest, F.softplus(lead).mean(), lead

    fake, *scores = play()
    d_loss, _, lead = losses(*scores)
    teach_both(fake, lead)
    d_loss.backward()
    once = {name: p.grad for name, p in both.named_parameters() if p.grad is not None}
    _, *scores = play()
    d_loss, g_loss, _ = losses(*scores)
    for player, loss in ((both.discriminator, d_loss), (both.model, g_loss)):
        named = dict(player.named_parameters())
        wanted = torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True)
        prefix = "discriminator" if player is both.discriminator else "model"
        for name, slope in zip(named, wanted, strict=True):
            if slope is not None:
                assert torch.allclose(once[f"{prefix}.{name}"], slope, rtol=1e-4, atol=1e-7), name


def test_the_penalty_is_the_squared_slope_of_every_other_picture() -> None:
    class Linear(nn.Module):
        def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
            return (x * torch.arange(1.0, 5).view(-1, 1, 1, 1)[: len(x)]).sum((1, 2, 3))

    x = torch.randn(4, 3, 2, 2)
    # slopes of 1 and 2, of 12 numbers each
    assert gradient_penalty(Linear(), x).item() == pytest.approx(12 * (1 + 4) / 2)


def test_real_and_made_pictures_are_changed_within_bounds_and_differentiably() -> None:
    x = torch.full((8, 3, 64, 64), 0.5, requires_grad=True)
    y = augment(x, torch.Generator().manual_seed(0), odds=1.0)
    assert y.shape == x.shape and not torch.equal(y, x)
    assert y.max() <= 0.5 + 0.3 + 1e-5 and y.min() >= 0, "brightness changes by 0.3; holes are 0"
    y.sum().backward()
    assert x.grad.abs().sum() > 0
    assert torch.equal(augment(x, torch.Generator().manual_seed(0), odds=0.0), x)


def test_a_generator_begins_as_a_decoder() -> None:
    torch.manual_seed(0)
    both, faces = Adversarial(()), Faces.__new__(Faces)  # without a data set: a dark grey
    faces.images = np.full((64, 64, 64, 3), 20, np.uint8)
    faces.labels, faces.train = np.zeros((64, 5), np.int64), np.arange(64)
    images, labels = faces.draw(64, np.random.default_rng(0))
    decoding = Decoding(steps=30)
    before = decoding.error(both.model, images, labels).item()
    decoding.teach(both.model, both.model, faces)
    assert decoding.error(both.model, images, labels).item() < 0.8 * before
    assert all(p.grad is None for p in both.parameters())
