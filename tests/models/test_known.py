"""Known parts: their tokens are clean and have time 0, whatever noise the state has there."""

from __future__ import annotations

import pytest
import torch

from pipelines import load
from pipelines.models.latent_diffusion.known import KnownTokens, grow_to_tokens, mask_tokens, mix_modulations


def test_a_token_is_drawn_where_any_of_its_cells_is() -> None:
    fresh = torch.zeros(2, 3, 1, 16, 16)
    fresh[0, 1, 0, 5, 3] = 1
    cells = grow_to_tokens(fresh, 2)
    assert cells.sum() == 4 and cells[0, 1, 0, 4:6, 2:4].all()
    tokens = mask_tokens(cells, 2)
    assert tokens.shape == (2, 3 * 64, 1) and tokens[0].nonzero()[:, 0].tolist() == [64 + 2 * 8 + 1]


@pytest.mark.parametrize("pair", [1, 2])
def test_noise_on_what_is_known_is_not_seen(pair: int) -> None:
    base = load("latent-diffusion-256", dtype="float32").transformer
    torch.manual_seed(0)
    z, fresh = torch.randn(1, 4, 16, 16), torch.zeros(1, 1, 16, 16)
    fresh[..., 4:12, 4:12] = 1
    words = base.text_kv(base.null[None]).repeat(pair)
    at = base.modulations(torch.full((pair,), 0.8), words.pooled)
    call = KnownTokens(base, z, fresh)
    with torch.no_grad():
        one = torch.randn(pair, 4, 16, 16)
        other = torch.where(fresh > 0, one, torch.randn_like(one))
        found = call(one, words, at, [], [])
        assert torch.equal(found, call(other, words, at, [], []))
        assert not torch.allclose(found, base(one, words, at))
        moved = torch.where(fresh > 0, torch.randn_like(one), one)
        assert not torch.allclose(found, call(moved, words, at, [], []))
        everything = KnownTokens(base, z, torch.ones_like(fresh))
        assert torch.allclose(everything(one, words, at, [], []), base(one, words, at), atol=1e-5)


def test_tokens_have_the_modulations_of_their_times() -> None:
    at, zero = [[torch.ones(1, 1, 4)]], [[torch.zeros(1, 1, 4)]]
    drawn = torch.tensor([[[1.0], [0.0]]])
    ((mixed,),) = mix_modulations(at, zero, drawn)
    assert mixed[0, 0].eq(1).all() and mixed[0, 1].eq(0).all()
