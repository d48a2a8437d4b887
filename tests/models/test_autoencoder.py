"""The autoencoder's shapes, its normalisation and its preview map."""

from __future__ import annotations

import torch

from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder


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
