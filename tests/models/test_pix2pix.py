"""pix2pix: one pass, the same lines give the same picture, and the style is heard."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines.models.pix2pix.pipeline import STYLES, PatchGAN, Pix2PixPipeline, UNet

DRAWING = np.full((256, 256, 3), 255, np.uint8)
DRAWING[60:66, 60:200] = DRAWING[60:200, 60:66] = 0


def draw(**more: object) -> np.ndarray:
    (frame,) = Pix2PixPipeline().generate(**{"control": DRAWING, **more})
    assert (frame.step, frame.steps) == (1, 1)
    assert frame.state.shape == (128, 128, 3)
    return frame.result.pixels


def test_one_pass_draws_the_same_twice_and_hears_style_and_lines() -> None:
    first = draw()
    assert first.shape == (128, 128, 3)
    assert np.array_equal(draw(), first)
    assert not np.array_equal(draw(style="avatar"), first)
    assert not np.array_equal(draw(control=DRAWING[::-1].copy()), first)
    assert np.array_equal(draw(control=255 - DRAWING), first)  # white on black is the same drawing


def test_a_skip_carries_each_line_to_its_place() -> None:
    torch.manual_seed(0)
    net, style = UNet((16, 16, 16)), torch.eye(len(STYLES))[:1]
    lines = torch.zeros(1, 1, 128, 128)
    lines[..., 20:24, 20:24] = 1
    moved = (net(lines, style) - net(torch.zeros_like(lines), style)).abs().mean(1)[0]
    assert moved[16:28, 16:28].mean() > 3 * moved.mean()


def test_the_discriminator_gives_a_logit_a_patch_and_one_patch_does_not_see_another() -> None:
    torch.manual_seed(0)
    discriminator = PatchGAN((8, 16, 16)).eval()
    for layer in discriminator.modules():  # normalisation a picture would carry the change everywhere
        if isinstance(layer, torch.nn.GroupNorm):
            layer.forward = lambda x: x  # type: ignore[method-assign]
    picture, lines, style = torch.randn(1, 3, 128, 128), torch.zeros(1, 1, 128, 128), torch.eye(len(STYLES))[:1]
    other = picture.clone()
    other[..., :16, :16] += 1
    changed = (discriminator(other, lines, style) != discriminator(picture, lines, style))[0, 0]
    assert changed[0, 0] and not changed[6:, 6:].any()


def test_an_empty_drawing_is_one_sentence() -> None:
    with pytest.raises(ValidationError, match="there is no drawing yet; give one"):
        draw(control="")
