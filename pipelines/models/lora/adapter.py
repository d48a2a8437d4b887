"""LoRA (Hu et al. 2022): W x + strength * (alpha / rank) * B (A x), beside the layers of a model and never merged into
them.

So the strength is live, several can be worn at once, and taking them off leaves the base as it was, bit for bit. Files
are safetensors in PEFT's key layout; kohya's is read too.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.core import cards
from pipelines.nn import weights

LAYERS = ("qkv", "out", "words", "up", "down")  # of every block
PEFT = "base_model.model."
WORD = f"{PEFT}trigger.trainable_tokens_delta"
KOHYA = "lora_unet_"


class LoRAError(cards.WeightsError):
    """A file is no LoRA of this model. The message is one sentence."""


def layers(model: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a transformer that a LoRA goes beside, by name."""
    return {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and name.rpartition(".")[2] in LAYERS and "blocks." in name
    }


class LoRA(nn.Module):
    """A pair (A, B) a layer: A random, B zero, so that it begins as the identity (Hu et al., section 4.1).

    It may have a word of its own, which is added to a caption that says its trigger (textual inversion; Gal et al.
    2023).
    """

    trigger = ""

    def __init__(self, model: nn.Module, rank: int = 8, alpha: float | None = None) -> None:
        super().__init__()
        self.rank, self.alpha = rank, alpha or float(rank)
        self.names = list(layers(model))
        self.down = nn.ParameterList(
            [nn.Parameter(torch.empty(rank, layer.in_features)) for layer in layers(model).values()]
        )
        self.up = nn.ParameterList(
            [nn.Parameter(torch.zeros(layer.out_features, rank)) for layer in layers(model).values()]
        )
        for a in self.down:
            nn.init.kaiming_uniform_(a, a=math.sqrt(5))
        self.word: nn.Parameter | None = None  # (q, w), as the resampler's tokens

    def forward(self, i: int, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b e"]:
        """What is added to the output of layer i for its input x, at strength 1."""
        return F.linear(F.linear(x, self.down[i].to(x.dtype)), self.up[i].to(x.dtype)) * (self.alpha / self.rank)

    def tensors(self) -> dict[str, Tensor]:
        """In PEFT's layout."""
        pairs = zip(self.names, self.down, self.up, strict=True)
        found = {
            f"{PEFT}{name}.lora_{side}.weight": p.detach() for name, a, b in pairs for side, p in (("A", a), ("B", b))
        }
        return found if self.word is None else {**found, WORD: self.word.detach()}

    def add_trigger(self, caption: str, read: Float[Tensor, "q w"], strength: float = 1.0) -> Float[Tensor, "q w"]:
        """A caption as the resampler reads it, with this LoRA's own word where the trigger is said."""
        called = (
            self.word is not None
            and self.trigger
            and re.search(rf"(?<!\w){re.escape(self.trigger)}(?!\w)", caption, re.IGNORECASE)
        )
        return read + strength * self.word.to(read) if called else read

    def save(self, path: Path, about: dict[str, str] | None = None) -> None:
        """Write a safetensors file in fp16, with alpha and what else is said in its metadata; a kill leaves the old
        one."""
        part = path.with_suffix(".part")
        save_file(
            {k: v.half().cpu().contiguous() for k, v in self.tensors().items()},
            part,
            {**(about or {}), "alpha": str(self.alpha)},
        )
        part.replace(path)


def load(path: Path, model: nn.Module) -> LoRA:
    """A LoRA from a file in PEFT's or kohya's layout. Raises LoRAError where it is no LoRA, or not of this model."""
    try:
        with safe_open(path, "pt") as file:
            tensors, about = {key: file.get_tensor(key).float() for key in file.keys()}, file.metadata() or {}  # noqa: SIM118 - it is no dict
    except (SafetensorError, OSError):
        raise LoRAError(f"{path.name} is not a safetensors file; choose a LoRA that was saved as one.") from None
    wanted = layers(model)
    flat = {name.replace(".", "_"): name for name in wanted}
    word = tensors.pop(WORD, None)
    found: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(PEFT) and key.endswith((".lora_A.weight", ".lora_B.weight")):
            name, side = key.removeprefix(PEFT).removesuffix(".weight").rsplit(".lora_", 1)
        elif key.startswith(KOHYA) and key.endswith((".lora_down.weight", ".lora_up.weight", ".alpha")):
            stem, _, side = key.removeprefix(KOHYA).partition(".")
            name, side = flat.get(stem, stem), {"lora_down.weight": "A", "lora_up.weight": "B"}.get(side, "alpha")
        else:
            raise LoRAError(f"{path.name} holds '{key[:60]}', which is no LoRA's; choose another file.")
        if name not in wanted:
            raise LoRAError(
                f"{path.name} is a LoRA of another model: it has a layer '{name[:60]}' that this one has not."
            )
        found.setdefault(name, {})[side] = value
    if not found:
        raise LoRAError(f"{path.name} is empty; choose another file.")
    rank = max(
        (pair["A"].shape[0] for pair in found.values() if pair.get("A") is not None and pair["A"].ndim == 2), default=0
    )
    try:
        alpha = float(about.get("alpha", rank)) or float(rank)
        own = {
            name: pair["alpha"].item() if "alpha" in pair else alpha for name, pair in found.items()
        }  # kohya has one a layer
    except (ValueError, RuntimeError):
        raise LoRAError(f"{path.name} has an alpha that is not a number; choose another file.") from None
    lora = LoRA(model, max(rank, 1), alpha)
    if word is not None:
        if word.shape != model.null.shape:
            raise LoRAError(f"{path.name} does not fit: its word has another shape.")
        lora.word, lora.trigger = nn.Parameter(word), cards.trigger(path)
    for i, name in enumerate(lora.names):
        lora.down[i].data.zero_()
        if name not in found:
            continue
        pair, layer = found[name], wanted[name]
        if (
            {"A", "B"} - set(pair)
            or pair["A"].shape != (rank, layer.in_features)
            or pair["B"].shape != (layer.out_features, rank)
        ):
            raise LoRAError(f"{path.name} does not fit: its matrices of '{name}' have another shape or rank.")
        lora.down[i].data.copy_(pair["A"])
        lora.up[i].data.copy_(pair["B"] * (own[name] / lora.alpha))
    return lora.eval().requires_grad_(False)


def load_named(name: str, model: nn.Module) -> LoRA:
    """A LoRA of the list, on the model's device. Raises LoRAError."""
    path = cards.loras().get(name)
    if path is None:
        raise LoRAError(
            f"There is no LoRA '{name}' here; choose one of: {', '.join(cards.loras()) or 'none is there yet'}."
        )
    device = next(model.parameters()).device
    return weights.cached(("lora", path, path.stat().st_mtime_ns, str(device)), lambda: load(path, model).to(device))


@contextlib.contextmanager
def applied(model: nn.Module, loras: list[tuple[LoRA, float]]) -> Iterator[None]:
    """Wear LoRAs, each at its strength, while the block lasts; then the model is as it was."""
    handles = []
    for lora, strength in loras:
        if not strength:
            continue
        for i, layer in enumerate(layers(model).values()):

            def add(
                _: nn.Module,
                inputs: tuple[Tensor],
                out: Tensor,
                lora: LoRA = lora,
                i: int = i,
                strength: float = strength,
            ) -> Tensor:
                return out + strength * lora(i, inputs[0])

            handles.append(layer.register_forward_hook(add))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
