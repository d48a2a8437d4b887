"""The autoencoder's shapes, its normalisation and its preview map."""

from __future__ import annotations

import pytest
import torch

from pipelines.models.latent_diffusion import autoencoder as autoencoder_256
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion.recipe_decoder import grow


def test_shapes_and_normalisation() -> None:
    model = autoencoder.load()
    x = torch.rand(2, 3, 128, 128) * 2 - 1
    z = model.encode(x)
    assert z.shape == (2, 8, 16, 16)
    mean, _ = model.posterior(x)
    assert torch.allclose(z * model.scale[:, None, None] + model.mean[:, None, None], mean, atol=1e-5)
    assert model.decode(z).shape == x.shape
    assert model.decode_uint8(z).dtype == model.decode_preview(z).dtype == torch.uint8
    assert model.decode_uint8(z).shape == model.decode_preview(z).shape == (2, 128, 128, 3)


def test_it_works_on_other_sizes() -> None:
    model = autoencoder.load()
    assert model.decode(model.encode(torch.zeros(1, 3, 256, 192))).shape == (1, 3, 256, 192)


def test_the_preview_map_is_local_and_linear() -> None:
    model = autoencoder.Autoencoder(autoencoder.Config(fine=16, coarse=16, fine_blocks=1, coarse_blocks=1))
    torch.nn.init.normal_(model.preview, std=0.1)
    z = torch.zeros(1, 8, 16, 16)
    touched = z.clone()
    touched[..., 8, 8] = 1
    changed = (model.decode_preview(z).int() - model.decode_preview(touched).int()).abs().sum(-1)[0] > 0
    assert changed.any()
    rows, columns = changed.nonzero(as_tuple=True)
    assert rows.min() >= 56 and rows.max() < 80 and columns.min() >= 56 and columns.max() < 80


def test_a_decoder_that_grows_draws_the_same_until_it_learns() -> None:
    old = autoencoder_256.Autoencoder(
        autoencoder_256.Config(channels=4, widths=(32, 16, 16, 16), decoder_blocks=(2, 1, 1, 1))
    )
    for p in old.parameters():
        torch.nn.init.normal_(p, std=0.05)
    old.mean.fill_(0.5)
    new = grow(old, (3, 2, 2, 2))
    z = torch.randn(2, 4, 4, 4)
    assert torch.allclose(old.decode(z), new.decode(z), atol=1e-6) and old.decode(z).std() > 0
    count = [sum(p.numel() for p in model.decoder.parameters()) for model in (old, new)]
    assert count[1] > count[0]
    assert new.config.decoder_blocks == (3, 2, 2, 2)


@pytest.mark.parametrize("side", [64, 256])
def test_the_256_pixel_autoencoder_has_latents_of_a_sixteenth_and_previews_of_half(side: int) -> None:
    model = autoencoder_256.Autoencoder(autoencoder_256.Config(widths=(16, 16, 16, 16)))
    z = model.encode(torch.rand(1, 3, side, side) * 2 - 1)
    assert z.shape == (1, 8, side // 16, side // 16)
    assert model.decode_uint8(z).shape == (1, side, side, 3)
    assert model.decode_preview(z).shape == (1, side // 2, side // 2, 3)


def test_the_256_pixel_config_travels_through_its_card() -> None:
    model = autoencoder_256.Autoencoder(autoencoder_256.Config(channels=12))
    assert autoencoder_256.config_from(autoencoder_256.config_of(model)) == model.config
