"""LoRA files of other programs: key layouts, ranks and scales, DoRA, what is refused by its kind, and odd file
names."""

from __future__ import annotations

import json
import logging
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from app import forms
from pipelines.core import cards
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings
from pipelines.models.lora.adapter import LoRA, LoRAError, applied, layers, load
from pipelines.nn.dit import Config, DiT

torch.manual_seed(0)
NET = DiT(Config(width=32, depth=2, heads=2, words=16, convolution=True)).eval().requires_grad_(False)
RANKS = {"blocks.0.qkv": 2, "blocks.0.words": 4, "blocks.1.up": 1, "blocks.1.down": 3}  # they differ by layer
PAIRS = {
    name: (torch.randn(rank, layers(NET)[name].in_features), torch.randn(layers(NET)[name].out_features, rank))
    for name, rank in RANKS.items()
}
PEFT, KOHYA = "base_model.model.{}.lora_A.weight", "lora_unet_{}.lora_down.weight"  # the key of A; B's has its word
OUT_A, OUT_B = (f"base_model.model.blocks.0.out.lora_{side}.weight" for side in "AB")
FLAT = ("lora_unet", "lycoris")  # layouts whose layers have underscores


def in_layout(layout: str = PEFT) -> dict[str, Tensor]:
    """The pairs as tensors of a file."""
    other = layout.replace("lora_A", "lora_B").replace("down", "up")
    names = {name: name.replace(".", "_") if layout.startswith(FLAT) else name for name in PAIRS}
    return {
        form.format(names[name]): matrix
        for name, pair in PAIRS.items()
        for form, matrix in zip((layout, other), pair, strict=True)
    }


def write(folder: Path, tensors: dict[str, Tensor], about: dict[str, str] | None = None) -> Path:
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "lora-a.safetensors", about)
    return folder / "lora-a.safetensors"


def delta(lora: LoRA, name: str) -> Tensor:
    """What a LoRA adds to a layer's weight, at strength 1."""
    layer = layers(NET)[name]
    with applied(NET, [(lora, 1.0)]):
        on = layer(torch.eye(layer.in_features))
    return (on - layer(torch.eye(layer.in_features))).T


def assert_scaled(lora: LoRA, scales: dict[str, float]) -> None:
    for name, scale in scales.items():
        a, b = PAIRS[name]
        assert torch.allclose(delta(lora, name), scale * b @ a, atol=1e-4), name


@pytest.mark.parametrize(
    "layout",
    [
        PEFT,
        KOHYA,
        "base_model.model.{}.lora_A.default.weight",
        "base_model.model.transformer.{}.lora_A.weight",
        "transformer.{}.lora_A.weight",
        "transformer.{}.lora.down.weight",
        "unet.{}.lora_down.weight",
        "diffusion_model.{}.lora_A",
        "{}.lora_linear_layer.down.weight",
        "lycoris_{}.lora_down.weight",
    ],
)
def test_every_layout_is_read_and_ranks_may_differ_by_layer(layout: str, tmp_path: Path) -> None:
    lora = load(write(tmp_path, in_layout(layout)), NET)
    assert_scaled(lora, dict.fromkeys(PAIRS, 1.0))  # without alpha it is the rank
    assert not delta(lora, "blocks.0.out").any()  # a layer that the file has not
    lora.save(tmp_path / "lora-b.safetensors")
    again = load(tmp_path / "lora-b.safetensors", NET)
    assert all(torch.allclose(delta(again, name), delta(lora, name), atol=0.05) for name in PAIRS)


@pytest.mark.parametrize(
    ("about", "scales"),
    [
        ({"ss_network_alpha": "4.0"}, {name: 4 / rank for name, rank in RANKS.items()}),
        ({"ss_network_alpha": "Dynamic"}, dict.fromkeys(RANKS, 1.0)),
        ({"ss_network_alpha": "None"}, dict.fromkeys(RANKS, 1.0)),
        ({"alpha": "8.0"}, {name: 8 / rank for name, rank in RANKS.items()}),
        (
            {"lora_adapter_metadata": json.dumps({"text_encoder.lora_alpha": 99, "transformer.lora_alpha": 8})},
            {name: 8 / rank for name, rank in RANKS.items()},
        ),
        (
            {
                "adapter_config": json.dumps(
                    {"default": {"r": 4, "lora_alpha": 8, "alpha_pattern": {"blocks.0.qkv": 6}}}
                )
            },
            {"blocks.0.qkv": 3.0, "blocks.0.words": 2.0, "blocks.1.up": 8.0},
        ),
        (
            {
                "config": json.dumps(
                    {"lora_alpha": 8, "alpha_pattern": {"^transformer.blocks.0.qkv": 2, r".*1\.up": 5}}
                )
            },
            {"blocks.0.qkv": 1.0, "blocks.0.words": 2.0, "blocks.1.up": 5.0},
        ),
        ({"lora_alpha": "8", "use_rslora": "true"}, {name: 8 / math.sqrt(rank) for name, rank in RANKS.items()}),
    ],
)
def test_alpha_is_read_from_the_metadata(about: dict[str, str], scales: dict[str, float], tmp_path: Path) -> None:
    assert_scaled(load(write(tmp_path, in_layout(), about), NET), scales)


def test_a_layers_own_alpha_goes_before_the_metadatas(tmp_path: Path) -> None:
    tensors = in_layout(KOHYA) | {"lora_unet_blocks_0_qkv.alpha": torch.tensor(1.0)}
    lora = load(write(tmp_path, tensors, {"ss_network_alpha": "4"}), NET)
    assert_scaled(lora, {"blocks.0.qkv": 0.5, "blocks.0.words": 1.0, "blocks.1.down": 4 / 3})


@pytest.mark.parametrize(
    ("key", "shape", "axis"),
    [
        ("lora_unet_blocks_0_qkv.dora_scale", (96, 1), 1),
        ("lora_unet_blocks_0_qkv.dora_scale", (1, 32), 0),
        ("base_model.model.blocks.0.qkv.lora_magnitude_vector.default.weight", (96,), 1),
    ],
)
def test_a_dora_is_applied_as_in_its_paper(key: str, shape: tuple[int, ...], axis: int, tmp_path: Path) -> None:
    magnitude, weight, (a, b) = torch.rand(shape) + 0.5, NET.blocks[0].qkv.weight, PAIRS["blocks.0.qkv"]
    lora = load(write(tmp_path, in_layout(KOHYA) | {key: magnitude}, {"ss_network_alpha": "1"}), NET)
    v = weight + 0.5 * b @ a
    wanted = v / v.norm(dim=axis, keepdim=True) * (magnitude[:, None] if magnitude.ndim == 1 else magnitude)
    assert torch.allclose(weight + delta(lora, "blocks.0.qkv"), wanted, atol=1e-4)
    assert_scaled(lora, {"blocks.0.words": 0.25})


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"lora_unet_blocks_0_qkv.hada_w1_a": (96, 2)}, "is a LoHa"),
        ({"lora_unet_blocks_0_qkv.lokr_w1": (4, 4)}, "is a LoKr"),
        ({"lora_unet_blocks_0_qkv.oft_blocks": (4, 8, 8)}, "is an OFT"),
        ({"base_model.model.blocks.0.qkv.ia3_l": (96, 1)}, "is an IA3"),
        ({"lora_unet_blocks_0_qkv.weight": (96,), "lora_unet_blocks_0_qkv.on_input": ()}, "is an IA3"),
        ({"lora_unet_blocks_0_qkv.a1.weight": (96, 2)}, "is a GLoRA"),
        ({"base_model.model.blocks.0.qkv.lora_E.default": (2, 1)}, "is an AdaLoRA"),
        ({"base_model.model.blocks.0.qkv.vera_lambda_b": (96,)}, "is a VeRA"),
        ({"lora_unet_blocks_0_qkv.lora_mid.weight": (2, 2, 3, 3)}, "is a LoCon"),
        ({"lora_unet_blocks_0_convolution.lora_down.weight": (2, 1, 3, 3)}, "is a LoCon"),
        ({OUT_A: (2, 32, 3, 3), OUT_B: (32, 2, 1, 1)}, "is a LoCon"),
        ({"lora_unet_blocks_0_qkv.diff": (96, 32)}, "holds full differences of weights"),
        ({"diffusion_model.blocks.0.qkv.diff_b": (96,)}, "holds full differences of weights"),
        ({"base_model.model.blocks.0.qkv.lora_B.bias": (96,)}, "holds biases"),
        ({"bundle_emb.x.string_to_param.*": (1, 16)}, "holds an embedding of words"),
        ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (2, 8)}, "of a text encoder"),
        ({"lora_te1_text_model_encoder_layers_0_mlp_fc1.alpha": ()}, "of a text encoder"),
        ({"text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight": (2, 8)}, "of a text encoder"),
        ({"base_model.model.text_model.encoder.layers.0.mlp.fc1.lora_A.weight": (2, 8)}, "of a text encoder"),
        ({"unet.down_blocks.0.attn1.to_q.lora_A.weight": (2, 320)}, "made for another base model: it has a layer"),
        ({"unet.down_blocks.0.attn1.processor.to_q_lora.down.weight": (2, 320)}, "made for another base model"),
        ({OUT_A: (2, 64), OUT_B: (64, 2)}, "another shape"),
        ({OUT_A: (2, 32), OUT_B: ()}, "another shape"),
        ({PEFT.format("blocks.0.modulation"): (2, 32)}, "beside which no LoRA goes here: .* down, out, qkv, up, w"),
        ({OUT_A: (2, 32), "blocks.0.out.lora_A.b.weight": (2, 32)}, "holds several LoRAs"),
        ({OUT_B: (32, 2), "blocks.0.out.alpha": ()}, "is incomplete"),
        ({"blocks.0.qkv.alpha": (3,)}, "not a number"),
        ({"model.diffusion_model.out.weight": (2, 2)}, "which is no LoRA's"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_its_kind(
    tensors: dict[str, tuple[int, ...]], sentence: str, tmp_path: Path
) -> None:
    path = write(tmp_path, in_layout() | {key: torch.ones(shape) for key, shape in tensors.items()})
    with pytest.raises(LoRAError, match=sentence) as caught:
        load(path, NET)
    assert str(caught.value).startswith("lora-a.safetensors ") and str(caught.value).endswith(".")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", [OUT_A, "base_model.model.blocks.0.qkv.alpha"])
def test_numbers_that_are_not_finite_are_refused(value: float, key: str, tmp_path: Path) -> None:
    tensors = in_layout() | {OUT_A: torch.ones(2, 32), OUT_B: torch.ones(32, 2)}
    tensors[key] = tensors.get(key, torch.tensor(1.0)).clone().fill_(value)
    with pytest.raises(LoRAError, match=r"is damaged: it holds infinite numbers or NaNs.*download it again"):
        load(write(tmp_path, tensors), NET)
    with pytest.raises(LoRAError, match="an alpha that is not a number"):
        load(write(tmp_path, in_layout(), {"ss_network_alpha": str(value)}), NET)


def test_a_pattern_that_could_take_for_ever_is_refused(tmp_path: Path) -> None:
    for pattern in (r"((\w+)+)+x", "("):
        about = {"config": json.dumps({"lora_alpha": 8, "alpha_pattern": {pattern: 2}})}
        with pytest.raises(LoRAError, match="an alpha that is not a number"):
            load(write(tmp_path, in_layout(), about), NET)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one's own LoRAs."""
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path))
    (tmp_path / "loras").mkdir()
    return tmp_path / "loras"


def test_odd_file_names_are_listed_under_safe_names(home: Path) -> None:
    weights = write(home, in_layout(), {"trigger": "<i>zork</i>"}).read_bytes()
    (home / "lora-a.safetensors").unlink()
    names = {
        "a, b": "a- b", "c:d": "c-d", '"e"': "-e-", "<img src=x onerror=alert(1)>": "-img src=x onerror=alert(1)-",
        " f ": "f", "g\nh\u202e": "g-h-", "grandma's": "grandma's", "画 1 (v2)": "画 1 (v2)",
        os.fsdecode(b"\xff"): "-",
    }  # fmt: skip
    for name in names:
        (home / f"lora-{name}.safetensors").write_bytes(weights)
    assert set(names.values()) == {name for name, path in cards.loras().items() if path.parent == home}
    for name in names.values():
        assert cards.parse_loras(f"{name}:0.5, other:1") == [(name, 0.5), ("other", 1.0)]
        assert LatentDiffusionSettings(loras=name).loras == name
        assert forms.lora_url(name).startswith("data:")
    rows = {name: word for name, word, _ in forms.list_loras()}
    assert rows["c-d"] == "&lt;i&gt;zork&lt;/i&gt;"
    assert not any(set('<>"') & set(name + word) for name, word in rows.items())


def test_what_cannot_be_listed_is_in_the_log_once(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a-b", "a,b", "a:b", ""):
        (home / f"lora-{name}.safetensors").write_bytes(b"")
    (home / "lora-folder.safetensors").mkdir()
    (home / "lora-gone.safetensors").symlink_to(home / "nowhere")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert cards.loras()["a-b"] == home / "lora-a-b.safetensors"
            assert not {"", "folder", "gone"} & set(cards.loras())
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 5
    assert sum("another LoRA is called a-b; rename the file" in message for message in messages) == 2


def test_metadata_that_is_no_text_breaks_no_list(home: Path) -> None:
    path = write(home, in_layout(), {"config": "[" * 100_000})
    assert cards.trigger(path) == ""
    path = write(home, in_layout(), {"config": json.dumps({"trigger": "a\ud800\n"})})
    assert cards.trigger(path).isprintable()
