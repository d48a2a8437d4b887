"""LoRA: the identity at the start and at strength 0, live strengths, files of both layouts, and the base as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

import pipelines
from pipelines.core import cards
from pipelines.models.lora.adapter import WORD, LoRA, LoRAError, applied, layers, load
from pipelines.nn.dit import Config, DiT

torch.manual_seed(0)
NET = DiT(Config(width=32, depth=2, heads=2, words=16)).eval().requires_grad_(False)
for p in NET.parameters():
    if not p.any():
        torch.nn.init.normal_(p, std=0.1)
Z, WORDS = torch.randn(2, 8, 16, 16), torch.randn(2, 16, 16)


def run() -> Tensor:
    words = NET.text_kv(WORDS)
    return NET(Z, words, NET.modulations(torch.full((2,), 0.5), words.pooled))


def learnt(seed: int = 1, rank: int = 4) -> LoRA:
    torch.manual_seed(seed)
    lora = LoRA(NET, rank)
    for b in lora.up:
        torch.nn.init.normal_(b, std=0.05)
    return lora.eval().requires_grad_(False)


def test_a_new_one_changes_nothing_and_covers_every_block() -> None:
    base = run()
    with applied(NET, [(LoRA(NET), 1.0)]):
        assert torch.equal(run(), base)
    assert len(layers(NET)) == 2 * 5


def test_strength_is_live_and_the_base_comes_back_bit_for_bit() -> None:
    base, lora = run(), learnt()
    moved = []
    for strength in (0.0, 0.5, 1.0):
        with applied(NET, [(lora, strength)]):
            moved.append((run() - base).abs().mean().item())
        assert torch.equal(run(), base)
    assert moved[0] == 0 < moved[1] < moved[2]
    with pytest.raises(ZeroDivisionError), applied(NET, [(lora, 1.0)]):
        raise ZeroDivisionError
    assert torch.equal(run(), base)


def test_several_add_up_in_a_layer() -> None:
    one, two = learnt(1), learnt(2)
    layer, x = NET.blocks[0].up, torch.randn(3, 32)
    with applied(NET, [(one, 0.5), (two, 2.0)]):
        out = layer(x)
    i = one.names.index("blocks.0.up")
    assert torch.allclose(out, layer(x) + 0.5 * one(i, x) + 2 * two(i, x), atol=1e-5)


def test_it_is_the_low_rank_product_of_the_paper() -> None:
    lora, x = LoRA(NET, 4, alpha=8.0), torch.randn(3, 32)
    torch.nn.init.normal_(lora.up[0])
    assert torch.allclose(lora(0, x), 2 * x @ (lora.up[0] @ lora.down[0]).T, atol=1e-4)


def test_round_trip_and_kohyas_layout(tmp_path: Path) -> None:
    lora = learnt()
    lora.save(tmp_path / "a.safetensors", {"trigger": "zork"})
    assert "base_model.model.blocks.0.qkv.lora_A.weight" in load_file(tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors", NET)
    with applied(NET, [(lora, 1.0)]):
        wanted = run()
    with applied(NET, [(again, 1.0)]):
        assert torch.allclose(run(), wanted, atol=1e-2)
    kohya = {}
    for name, a, b in zip(lora.names, lora.down, lora.up, strict=True):
        stem = "lora_unet_" + name.replace(".", "_")
        kohya |= {
            f"{stem}.lora_down.weight": a.data,
            f"{stem}.lora_up.weight": b.data,
            f"{stem}.alpha": torch.tensor(4.0),
        }
    kohya["lora_unet_blocks_0_qkv.alpha"] *= 2  # each layer has its own
    kohya["lora_unet_blocks_0_qkv.lora_up.weight"] = kohya["lora_unet_blocks_0_qkv.lora_up.weight"] / 2
    save_file(kohya, tmp_path / "k.safetensors")
    with applied(NET, [(load(tmp_path / "k.safetensors", NET), 1.0)]):
        assert torch.allclose(run(), wanted, atol=1e-5)


def test_its_own_word_is_heard_where_the_trigger_is_said(tmp_path: Path) -> None:
    lora, read = learnt(), torch.zeros(16, 16)
    lora.trigger, lora.word = "zork", torch.nn.Parameter(torch.ones(16, 16), requires_grad=False)
    lora.save(tmp_path / "a.safetensors", {"trigger": "zork"})
    again = load(tmp_path / "a.safetensors", NET)
    for said, heard in (("a cat, Zork style", 0.5), ("zork", 0.5), ("a cat", 0), ("zorks", 0), ("", 0)):
        assert torch.equal(again.add_trigger(said, read, 0.5), torch.full_like(read, heard))
    assert torch.equal(learnt().add_trigger("zork", read), read)  # one without a word
    again.trigger = ""
    assert torch.equal(again.add_trigger("a cat, smiling", read), read)  # one that does not say what calls it
    save_file({**lora.tensors(), WORD: torch.zeros(3, 16)}, tmp_path / "b.safetensors")
    with pytest.raises(LoRAError, match="its word has another shape"):
        load(tmp_path / "b.safetensors", NET)


def test_files_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    good = learnt().tensors()
    key = "base_model.model.blocks.0.qkv.lora_A.weight"
    bad = {
        "foreign": ({"unet.conv.weight": torch.zeros(2)}, "is no LoRA's"),
        "other": (
            {"base_model.model.blocks.99.qkv.lora_A.weight": torch.zeros(4, 32)},
            "made for another base model",
        ),
        "rank": ({**good, key: torch.zeros(3, 32)}, "different ranks"),
        "half": ({k: v for k, v in good.items() if k != key}, "is incomplete"),
        "empty": ({}, "is empty"),
    }
    for name, (tensors, sentence) in bad.items():
        save_file(tensors, tmp_path / f"{name}.safetensors")
        with pytest.raises(LoRAError, match=sentence):
            load(tmp_path / f"{name}.safetensors", NET)
    for name, about in (("alpha", {"alpha": "eight"}), ("config", {"config": "[1]"})):
        save_file(good, tmp_path / f"{name}.safetensors", about)
    with pytest.raises(LoRAError, match="an alpha that is not a number"):
        load(tmp_path / "alpha.safetensors", NET)
    assert cards.trigger(tmp_path / "config.safetensors") == ""
    (tmp_path / "text.safetensors").write_text("I am text")
    for name in ("text", "absent"):
        with pytest.raises(LoRAError, match="not a safetensors file"):
            load(tmp_path / f"{name}.safetensors", NET)


def test_settings_name_loras_and_their_strengths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path))
    pipe = pipelines.load("latent-diffusion")
    mine = LoRA(pipe.transformer, rank=2)
    for up in mine.up:
        torch.nn.init.normal_(up, std=0.5)
    (tmp_path / "loras").mkdir()
    mine.save(tmp_path / "loras" / "lora-mine.safetensors")

    def picture(loras: str) -> np.ndarray:
        *_, last = pipe.generate(prompt="a cat", steps=3, loras=loras)
        return last.result.pixels

    base = picture("")
    assert np.array_equal(picture("mine:0"), base)
    assert not np.array_equal(picture("mine"), base)
    assert not np.array_equal(picture("mine:0.5"), picture("mine:1"))
    assert np.array_equal(picture(""), base)  # and off again, bit for bit
    for bad, said in (
        ("other", "there is no LoRA 'other' here; choose one of: mine"),
        ("mine:much", "write a number"),
        ("mine:9", "it can be -2 to 2"),
        ("mine, mine:2", "mine is named twice"),
    ):
        with pytest.raises(ValidationError, match=said):
            picture(bad)
