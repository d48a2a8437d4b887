"""Distances between sets, and the eye's shape."""

from __future__ import annotations

import pytest
import torch

from pipelines.evaluation.metrics import (
    build_eye,
    frechet,
    kid,
    kid_over_subsets,
    nearest,
    precision_recall,
    trained_tensors,
)


def test_kid_of_a_set_with_its_like_is_about_zero_and_grows_with_distance() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(800, 16), torch.randn(800, 16)
    same, error = kid_over_subsets(a, b, size=400)
    assert abs(same) < 0.02
    assert error < 0.01
    assert kid(a, b + 0.5) > kid(a, b + 0.2) > 0.01


def test_kid_is_unbiased_and_frechet_is_biased_up_for_few_pictures() -> None:
    torch.manual_seed(0)
    pairs = [(torch.randn(40, 16), torch.randn(40, 16)) for _ in range(200)]
    found = torch.tensor([kid(a, b) for a, b in pairs])
    assert abs(found.mean()) < 3 * found.std() / 200**0.5
    assert sum(frechet(a, b) for a, b in pairs) / 200 > 2


def test_frechet_of_known_gaussians() -> None:
    torch.manual_seed(0)
    a = torch.randn(200_000, 3)
    b = torch.randn(200_000, 3) * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([1.0, 0.0, 0.0])
    assert frechet(a, b) == pytest.approx(1 + (2 - 1) ** 2 + (3 - 1) ** 2, rel=0.02)
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_refuses_too_few_pictures() -> None:
    with pytest.raises(ValueError, match="more than 16 pictures"):
        frechet(torch.randn(10, 16), torch.randn(100, 16))


def test_nearest_finds_a_copy() -> None:
    library = torch.nn.functional.normalize(torch.randn(50, 8), dim=1)
    index, cosine = nearest(library[[7, 3]], library)
    assert index.tolist() == [7, 3]
    assert torch.allclose(cosine, torch.ones(2))


def test_the_eye_is_open_clips_and_ours_are_its_own_tensors_only() -> None:
    eye = build_eye()
    assert type(eye).__module__.startswith("open_clip")
    assert eye.encode_image(torch.zeros(2, 3, 128, 128), normalize=True).shape == (2, 192)
    assert eye.encode_text(torch.tensor([[101, 4937, 102]]), normalize=True).norm(dim=1).item() == pytest.approx(
        1, abs=1e-5
    )
    assert {k.split(".")[0] for k in trained_tensors(eye)} == {"visual", "text", "logit_scale"}
    assert sum(v.numel() for v in trained_tensors(eye).values()) < 5_000_000


def test_precision_and_recall_tell_quality_from_diversity() -> None:
    """Against counts by hand: real points on a line a unit apart; k = 1, so that every ball has the radius 1."""
    real = torch.arange(10.0)[:, None]
    inside, outside = torch.tensor([[2.5], [3.2]]), torch.tensor([[30.0], [40.0]])
    precision, recall = precision_recall(torch.cat([inside, outside]), real, k=1)
    assert precision == 0.5
    # generated balls: 2.5 and 3.2 have the radius 0.7, 30 and 40 have 10: of the real ones only 2 and 3 are covered
    assert recall == 0.2
    assert precision_recall(real, real, k=1) == (1.0, 1.0)
