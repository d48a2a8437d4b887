"""Distances between sets, and the eye's shape."""

from __future__ import annotations

import pytest
import torch

from pipelines.evaluation.metrics import (
    build_eye,
    cmmd,
    frechet,
    kid,
    kid_over_subsets,
    memorised,
    nearest,
    neighbours,
    stretched,
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


def test_few_pictures_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="needs two pictures a side; there are 1 and 100"):
        frechet(torch.randn(1, 16), torch.randn(100, 16))
    with pytest.raises(ValueError, match="more than 3 pictures a side; there are 3 and 10"):
        neighbours(torch.randn(3, 16), torch.randn(10, 16))


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
    found = neighbours(torch.tensor([[2.5], [3.2], [30.0], [40.0]]), real, k=1)
    assert found["precision"] == 0.5
    # generated balls: 2.5 and 3.2 have the radius 0.7, 30 and 40 have 10: of the real ones only 2 and 3 are covered
    assert found["recall"] == 0.2
    same = neighbours(real, real, k=1)
    assert same["precision"] == same["recall"] == same["coverage"] == 1.0


def test_the_same_features_give_what_reference_implementations_give(capsys: pytest.CaptureFixture) -> None:
    from prdc import compute_prdc
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kernel_mmd

    torch.manual_seed(0)
    a, b = torch.randn(300, 24).double(), torch.randn(400, 24).double() * 1.2 + 0.3
    theirs = fid_statistics_to_metric(fid_features_to_statistics(a), fid_features_to_statistics(b), verbose=False)
    assert frechet(a, b) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    mine, yours = a[:200], b[:200]  # the same subset
    assert kid(mine, yours) == pytest.approx(kernel_mmd(mine.numpy(), yours.numpy(), verbose=False), abs=1e-6)
    reference = compute_prdc(real_features=b.numpy(), fake_features=a.numpy(), nearest_k=3)
    assert neighbours(a, b, k=3) == pytest.approx({k: float(v) for k, v in reference.items()}, abs=1e-9)


def test_cmmd_is_that_of_its_formula_and_zero_for_the_same() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(40, 8), torch.randn(50, 8) + 1

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return sum(float(torch.exp(-(p - q).square().sum() / 200)) for p in x for q in y) / (len(x) * len(y))

    assert cmmd(a, b) == pytest.approx(1000 * (kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)), rel=1e-3)
    assert cmmd(a, a) == pytest.approx(0, abs=1e-9)


def test_copies_of_training_pictures_are_told_from_new_ones() -> None:
    torch.manual_seed(0)
    train, held_out, new = torch.randn(1000, 16), torch.randn(400, 16), torch.randn(400, 16)
    assert memorised(train[::3] + 0.01 * torch.randn(334, 16), train, held_out) == 1
    assert memorised(new, train, held_out) == pytest.approx(0.05, abs=0.03)


def test_features_of_unit_length_are_stretched_or_kid_sees_their_mean_alone() -> None:
    torch.manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(500, 64), dim=1)
    doubled = torch.cat([unit, -unit])  # the mean is zero for both, and so is what an almost linear kernel sees
    line = torch.nn.functional.normalize(torch.randn(500, 1) * torch.ones(1, 64), dim=1)
    line = torch.cat([line, -line])
    assert kid(doubled, line) < 1e-3 < kid(stretched(doubled), stretched(line))
