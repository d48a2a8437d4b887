"""ControlNet: nothing changes at first, and each control is what it says."""

from __future__ import annotations

import numpy as np
import torch

from pipelines.controlnet import CHANNELS, PREPROCESSORS, ControlNet, edges, palette, scribble
from pipelines.nn.dit import Config, Transformer

CONFIG = Config(width=32, depth=4, heads=2, words=16)
SQUARE = np.full((128, 128, 3), 255, np.uint8)
SQUARE[40:90, 40:90] = (200, 30, 30)


def test_a_new_one_is_the_identity_and_a_learnt_one_is_not() -> None:
    torch.manual_seed(0)
    base = Transformer(CONFIG)
    for p in base.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.1)
    net = ControlNet(CONFIG, 1)
    net.copy(base)
    z, t, words = torch.randn(2, 8, 16, 16), torch.full((2,), 0.5), base.read(torch.randn(2, 16, 16))
    seen, modulations = net.see(torch.rand(2, 1, 128, 128)), base.modulations(t, words.pooled)
    own = net.modulations(base, t, words)
    assert len(own) == 3
    assert torch.equal(own[0][0], modulations[0][0])
    plain = base(z, words, modulations)
    assert torch.equal(base(z, words, modulations, hints=net(base, z, seen, words.keysvalues[:3], own)), plain)
    torch.nn.init.normal_(net.gates[1].weight, std=0.1)
    assert not torch.equal(base(z, words, modulations, hints=net(base, z, seen, words.keysvalues[:3], own)), plain)


def test_edges_lie_on_the_edge_and_scribbles_around_it() -> None:
    line = edges(SQUARE) > 0
    ring = np.zeros((128, 128), bool)
    ring[38:92, 38:92] = True
    ring[43:87, 43:87] = False
    assert line.any() and not line[~ring].any()
    assert (scribble(SQUARE) > 0).sum() > 2 * line.sum()
    first, second = (scribble(SQUARE, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_a_palette_keeps_colours_and_loses_lines() -> None:
    coarse = palette(SQUARE)
    assert len(np.unique(coarse.reshape(-1, 3), axis=0)) <= 64
    assert np.abs(coarse.mean((0, 1)) - SQUARE.mean((0, 1))).max() < 2


def test_every_control_has_its_channels() -> None:
    for name, make in PREPROCESSORS.items():
        assert np.atleast_3d(make(SQUARE)).shape == (128, 128, CHANNELS[name])
