"""LoRA (Hu et al. 2022): W x + strength * (alpha / rank) * B (A x), beside the layers of a model and never merged into
them.

So the strength is live, several can be worn at once, and taking them off leaves the base as it was, bit for bit. Files
are safetensors in PEFT's key layout; formats.py reads those of other programs too.
"""

from __future__ import annotations

import contextlib
import copy
import math
import re
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.core import cards
from pipelines.models.lora import formats
from pipelines.models.lora.formats import WORD, LoRAError
from pipelines.nn import weights

LAYERS = ("qkv", "out", "words", "up", "down")  # of every block
PEFT = "base_model.model."


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
        """In PEFT's layout, with the scale in B: so each layer's alpha is its rank, which is what no alpha means."""
        pairs = zip(self.names, self.down, self.up, strict=True)
        found = {
            f"{PEFT}{name}.lora_{side}.weight": p.detach()
            for name, a, b in pairs
            for side, p in (("A", a), ("B", b * (self.alpha / self.rank)))
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
        """Write a safetensors file in fp16, with what is known about it in its metadata; a kill leaves the old one."""
        part = path.with_suffix(".part")
        save_file(
            {k: v.half().cpu().contiguous() for k, v in self.tensors().items()},
            part,
            about,
        )
        part.replace(path)


@torch.no_grad()
def merge(model: nn.Module, lora: LoRA) -> nn.Module:
    """A copy of a transformer whose weights are W + (alpha / rank) B A, so that it costs what the base does."""
    merged = copy.deepcopy(model)
    linear = layers(merged)
    for name, a, b in zip(lora.names, lora.down, lora.up, strict=True):
        weight = linear[name].weight
        weight += (b @ a * (lora.alpha / lora.rank)).to(weight)
    return merged


@torch.no_grad()
def factorise(model: nn.Module, tuned: nn.Module, rank: int) -> LoRA:
    """The LoRA of a rank that is nearest to what was tuned of a transformer: a truncated singular value decomposition
    of each weight's difference."""
    lora, before, after = LoRA(model, rank), layers(model), layers(tuned)
    for name, down, up in zip(lora.names, lora.down, lora.up, strict=True):
        u, s, v = torch.linalg.svd((after[name].weight - before[name].weight).float().cpu(), full_matrices=False)
        root = s[:rank].sqrt()
        down.copy_(root[:, None] * v[:rank])
        up.copy_(u[:, :rank] * root)
    return lora


def load(path: Path, model: nn.Module) -> LoRA:
    """A LoRA from a file: beside the layers that the file has, each at its own rank and scale.

    Raises LoRAError where it is no LoRA, not one of this model, or of a kind that cannot be applied.
    """
    linear = layers(model)
    pairs, word = formats.read(path, model, linear)
    lora = LoRA(model, max(len(pair.A) for pair in pairs.values()))
    if word is not None:
        if word.shape != model.null.shape:
            raise LoRAError(f"{cards.printable(path.name)[:80]} does not fit: its word has another shape.")
        lora.word, lora.trigger = nn.Parameter(word), cards.trigger(path)
    factors = [pair.factors(linear[name].weight.detach().float().cpu()) for name, pair in pairs.items()]
    lora.names = list(pairs)
    lora.down = nn.ParameterList([nn.Parameter(a) for a, _ in factors])
    lora.up = nn.ParameterList([nn.Parameter(b) for _, b in factors])
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
    handles, linear = [], layers(model)
    for lora, strength in loras:
        if not strength:
            continue
        for i, name in enumerate(lora.names):

            def add(
                _: nn.Module,
                inputs: tuple[Tensor],
                out: Tensor,
                lora: LoRA = lora,
                i: int = i,
                strength: float = strength,
            ) -> Tensor:
                return out + strength * lora(i, inputs[0])

            handles.append(linear[name].register_forward_hook(add))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
