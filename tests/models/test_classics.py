"""The networks and recipes of the classic families on a handful of faces: shapes, gradients, one batch learnt by
heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipelines.models.ddpm import recipe as ddpm
from pipelines.models.ddpm.network import UNet
from pipelines.models.gan import recipe as gan
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.gan.recipe import augment
from pipelines.models.stylegan import recipe as stylegan
from pipelines.models.stylegan.network import CODE, LAYERS, ModulatedConv, StyleGAN
from pipelines.models.stylegan.recipe_directions import regress
from pipelines.models.vae import recipe as vae
from pipelines.models.vae.network import VAE, kl_divergence
from pipelines.training import packs
from pipelines.training.faces import Faces
from pipelines.training.loop import optimisers


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A pack of 32 faces: flat grounds with a disc."""
    rng, y, x = np.random.default_rng(0), *np.mgrid[:64, :64]
    images = np.zeros((32, 64, 64, 3), np.uint8)
    for image in images:
        image[:] = rng.integers(60, 255, 3)
        image[np.hypot(x - 32, y - rng.integers(24, 40)) < 16] = rng.integers(0, 200, 3)
    labels = np.stack([rng.integers(len(v), size=32) for v in CONDITIONS.values()], 1)
    packs.write_pack(tmp_path, {"images": images, "labels": labels, "held_out": images[:16]})
    return tmp_path


def train(recipe: object, steps: int, one_batch: bool = False) -> tuple[nn.Module, list[float]]:
    """Some steps of a recipe, and the losses; of one batch with one noise, again and again, or of many."""
    torch.manual_seed(0)
    model, losses = recipe.build(), []
    opts = optimisers(model, recipe.lr, 0.0, betas=getattr(recipe, "betas", (0.9, 0.98)))
    for k in range(steps):
        torch.manual_seed(0 if one_batch else k)
        loss, _ = recipe.loss(model, np.random.default_rng(0 if one_batch else k))
        loss.backward()
        for optimiser in opts:
            optimiser.step()
        model.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return model, losses


RECIPES = {
    "vae-plain": lambda pack: vae.Recipe("plain", pack=pack), "vae-map": lambda pack: vae.Recipe("map", pack=pack),
    "gan": lambda pack: gan.Recipe(pack=pack), "gan-collapse": lambda pack: gan.Recipe("collapse", pack=pack),
    "conditional-gan": lambda pack: gan.Recipe("conditional", pack=pack),
    "stylegan": lambda pack: stylegan.Recipe(pack=pack), "ddpm": lambda pack: ddpm.Recipe(pack=pack),
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_looks_and_is_finite(
    name: str, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ddpm, "UNet", lambda: UNet((16, 32, 48, 64)))
    recipe = RECIPES[name](faces)
    recipe.batch = 4
    if hasattr(recipe, "decoding"):
        recipe.decoding.steps = 2  # of thousands
    assert recipe.name == name
    model, losses = train(recipe, 2)
    assert np.isfinite(losses).all()
    assert all(torch.isfinite(p).all() for p in model.parameters())
    recipe.evaluate(model.eval(), tmp_path, 2)
    assert (tmp_path / "sheet-000002.png").stat().st_size > 500


@pytest.mark.parametrize("name", ["vae-plain", "ddpm"])
def test_one_batch_is_learnt_by_heart(name: str, faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ddpm, "UNet", lambda: UNet((16, 32, 48, 64)))
    recipe = RECIPES[name](faces)
    recipe.batch, recipe.lr = 4, 2e-3
    _, losses = train(recipe, 60, one_batch=True)
    assert losses[-1] < 0.75 * losses[0]


def test_a_pack_of_faces_is_read_as_it_was_written(faces: Path, tmp_path: Path) -> None:
    before = Faces(faces)
    before.pack(tmp_path / "again")
    after = Faces(tmp_path / "again")
    assert np.array_equal(before.images, after.images) and np.array_equal(before.labels, after.labels)


def test_the_kl_divergence_is_the_integrals() -> None:
    mean, log_variance = torch.tensor([0.7]), torch.tensor([-1.2])
    q = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert kl_divergence(mean, log_variance) == pytest.approx(expected)


def test_a_plain_autoencoder_has_no_noise_and_a_vae_has() -> None:
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    plain, noisy = VAE(8, 0.0), VAE(8, 1.0)
    assert torch.equal(plain.terms(x)[0], plain.terms(x)[0])
    assert not torch.equal(noisy.terms(x)[0], noisy.terms(x)[0])


def test_a_modulated_convolution_is_the_papers() -> None:
    """Scaling the maps is the same as scaling and demodulating the kernels (eqs. 1 and 3)."""
    torch.manual_seed(0)
    conv, x, w = ModulatedConv(6, 4), torch.randn(2, 6, 8, 8), torch.randn(2, CODE)
    for k in range(2):
        kernel = conv.weight / (6 * 9) ** 0.5 * conv.style(w)[k][None, :, None, None]
        kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = torch.nn.functional.conv2d(x[k : k + 1], kernel, padding=1)
        assert torch.allclose(conv(x, w)[k : k + 1], expected, atol=1e-5)


def test_truncation_leads_to_the_mean_and_later_layers_can_have_another_style() -> None:
    torch.manual_seed(0)
    model = StyleGAN()
    z = torch.randn(3, CODE)
    assert torch.allclose(model.style(z, 0.0)[:, 0], model.mean_w.expand(3, -1))
    noises, w = model.noise(1), model.style(z[:1])
    mixed = torch.where(torch.arange(LAYERS)[None, :, None] < LAYERS - 1, w, model.style(z[1:2]))
    one, other = model.synthesis(w, noises), model.synthesis(mixed, noises)
    assert one.shape == (1, 3, 64, 64) and not torch.equal(one, other)
    assert [layer.strength.item() for layer in model.synthesis.layers] == [0.0] * LAYERS


def test_a_direction_moves_its_own_feature_by_one_and_no_other() -> None:
    torch.manual_seed(0)
    w, truth = torch.randn(2000, CODE) @ torch.diag(torch.linspace(0.2, 2, CODE)), torch.randn(3, CODE)
    truth[1] = 0.8 * truth[0] + 0.6 * truth[1]  # two features that go together
    y = w @ truth.T
    found = regress(w, y / y.std(0))
    moved = (found @ truth.T) / y.std(0)
    assert torch.allclose(moved, torch.diag(torch.diag(moved)), atol=0.12)
    assert ((torch.diag(moved) > 0.9) & (torch.diag(moved) < 1.6)).all()


def test_augmentation_lets_gradients_through_and_is_the_same_for_the_same_seed() -> None:
    x = torch.rand(4, 3, 64, 64, requires_grad=True)

    def apply(seed: int) -> Tensor:
        return augment(x, torch.Generator().manual_seed(seed))

    assert torch.equal(apply(1), apply(1)) and not torch.equal(apply(1), apply(2))
    apply(1).sum().backward()
    assert (x.grad != 0).float().mean() > 0.5
