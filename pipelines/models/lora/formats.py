"""LoRA files as PEFT, kohya and diffusers write them: which layer a tensor is for, and its scale alpha / rank.

What is no LoRA of the base's linear layers is refused by its kind: LoHa, LoKr, LoCon, IA3, a text encoder's, …
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pipelines.core import cards

WORD = "base_model.model.trigger.trainable_tokens_delta"  # a word of the LoRA's own, as the resampler's tokens
PREFIX = re.compile(
    r"(base_model_model|lora_unet|lora_transformer|lycoris|diffusion_model|transformer|unet|model|module|lora)_"
)
DOWN, UP = (
    rf"(\.lora_{a}|\.lora_{side}|\.lora\.{side}|_lora\d?\.{side}|\.lora_linear_layer\.{side})"
    for a, side in (("A", "down"), ("B", "up"))
)
END = r"(\.(?!weight$)[\w-]+)?(\.weight)?$"  # PEFT puts an adapter's name before the last part
TENSORS = {  # what a key ends in, after the layer's name
    "A": re.compile(DOWN + END),
    "B": re.compile(UP + END),
    "magnitude": re.compile(r"\.(dora_scale|lora_magnitude_vector)" + END),
    "alpha": re.compile(r"(\.lora)?\.alpha$"),
}
PLAIN = "train or save it as a plain LoRA of the linear layers"
OTHERS = [  # what a key of another kind has in it, the kind, what to do
    (r"\.hada_", "is a LoHa (Hadamard products of low-rank matrices)", PLAIN),
    (r"\.lokr_", "is a LoKr (Kronecker products)", PLAIN),
    (r"\.b?oft_", "is an OFT (orthogonal fine-tuning)", PLAIN),
    (r"\.ia3_|\.on_input$", "is an IA3 (vectors that scale activations)", PLAIN),
    (r"\.(a1|a2|b1|b2|bm1|bm2)\.weight$", "is a GLoRA (a generalized LoRA)", PLAIN),
    (r"\.vera_lambda_", "is a VeRA (vectors that scale shared random matrices)", PLAIN),
    (r"\.lora_E\b|\.ranknum\b", "is an AdaLoRA (three matrices a layer)", PLAIN),
    (r"\.lora_(mid|t1|t2)\b", "is a LoCon (a LoRA of convolutions, with middle layers)", PLAIN),
    (r"\.diff(_b)?$|\.set_weight$|\.[wb]_norm$", "holds full differences of weights (a full diff)", PLAIN),
    (r"\.lora_(embedding_)?[AB](\.[\w-]+)*\.bias$|\.lora_bias\b", "holds biases", "train or save it without them"),
    (
        r"\.lora_embedding_|trainable_tokens|emb_params|string_to_param",
        "holds an embedding of words (a textual inversion)",
        "train or save it without that",
    ),
    (
        r"^(base_model\.model\.)?(lora_(prior_)?te\d?_|te\d?\.|text_|clip_[lg]\b|t5|cond_stage|conditioner|resampler)",
        "holds a LoRA of a text encoder",
        "train or save it with the transformer's layers alone",
    ),
]
CONVOLUTIONS = "is a LoCon (a LoRA of convolutions"
ELSEWHERE = "was made for another base model"
QUANTIFIERS = 2  # of a regular expression that a file brings: more could take for ever


class LoRAError(cards.WeightsError):
    """A file is no LoRA of this model. The message is one sentence."""


@dataclass
class Pair:
    """One layer's B A and its scale; a DoRA (Liu et al. 2024) has its weights' magnitudes too."""

    A: Float[Tensor, "r d"]
    B: Float[Tensor, "e r"]
    scale: float
    magnitude: Float[Tensor, "..."] | None = None

    def factors(self, weight: Float[Tensor, "e d"]) -> tuple[Tensor, Tensor]:
        """Two matrices (A, B) whose product B A is added to a layer's weight.

        Of a DoRA it is m V / |V| - W with V = W + scale B A, of full rank, so one of the two is the identity.
        """
        if self.magnitude is None:
            return self.A, self.B * self.scale
        rows, columns = weight.shape
        direction = weight + self.scale * self.B @ self.A
        m = self.magnitude.reshape(-1, 1) if self.magnitude.ndim == 1 else self.magnitude
        norm = direction.norm(dim=1 if len(m) == rows else 0, keepdim=True).clamp_min(1e-12)
        delta = direction * (m / norm) - weight
        return (torch.eye(columns), delta) if columns <= rows else (delta, torch.eye(rows))


def read(path: Path, model: nn.Module, layers: Mapping[str, nn.Linear]) -> tuple[dict[str, Pair], Tensor | None]:
    """The pairs of a file by the name of their layer, and the LoRA's own word. Raises LoRAError."""
    label = cards.printable(path.name)[:80]
    try:
        with safe_open(path, "pt") as file:
            places = locate(label, list(file.keys()), model, layers)
            tensors = {key: file.get_tensor(key).float() for key in [*places, *{WORD}.intersection(file.keys())]}
            about = file.metadata() or {}
    except (SafetensorError, OSError):
        raise LoRAError(f"{label} is not a safetensors file; choose a LoRA that was saved as one.") from None
    if not all(value.isfinite().all() for value in tensors.values()):
        raise LoRAError(
            f"{label} is damaged: it holds infinite numbers or NaNs; download it again, or train it with a lower "
            "learning rate."
        )
    parts: dict[str, dict[str, Tensor]] = {}
    for key, (name, part) in places.items():
        if part in parts.setdefault(name, {}):
            raise LoRAError(f"{label} holds several LoRAs, such as two of '{name}'; save one of them alone.")
        parts[name][part] = tensors[key]
    if not parts:
        raise LoRAError(f"{label} is empty; choose another file.")
    try:
        alphas = Alphas(about)
        pairs = {name: pair(label, name, own, layers[name], alphas) for name, own in parts.items()}
    except (ValueError, TypeError, re.error):
        raise LoRAError(f"{label} has an alpha that is not a number; choose another file.") from None
    return pairs, tensors.get(WORD)


def locate(
    label: str, keys: list[str], model: nn.Module, layers: Mapping[str, nn.Linear]
) -> dict[str, tuple[str, str]]:
    """The layer and the part (A, B, alpha, magnitude) of each key. Raises LoRAError for what is of another kind."""
    for pattern, kind, advice in OTHERS:
        if any(key != WORD and re.search(pattern, key) for key in keys):
            raise LoRAError(f"{label} {kind}, which this program cannot apply: {advice}.")
    modules = dict(model.named_modules())
    flat = {name.replace(".", "_"): name for name in modules if name}
    places = {}
    for key in keys:
        if key == WORD:
            continue
        part = next((part for part, ending in TENSORS.items() if ending.search(key)), None)
        if part is None:
            raise LoRAError(f"{label} holds '{cards.printable(key)[:60]}', which is no LoRA's; choose another file.")
        stem = TENSORS[part].sub("", key)
        name = find(stem, flat)
        if isinstance(modules.get(name), nn.Conv2d):
            raise LoRAError(f"{label} {CONVOLUTIONS}, such as '{name}'), which this program cannot apply: {PLAIN}.")
        if name is None:
            raise LoRAError(
                f"{label} {ELSEWHERE}: it has a layer '{cards.printable(stem)[:60]}' that this one has not; choose a "
                "LoRA of this base."
            )
        if name not in layers:
            raise LoRAError(
                f"{label} changes '{name}', beside which no LoRA goes here: train or save it with the layers "
                f"{', '.join(sorted({n.rpartition('.')[2] for n in layers}))} of the blocks alone."
            )
        places[key] = name, part
    return places


def find(stem: str, flat: Mapping[str, str]) -> str | None:
    """The module that a key names, whatever prefixes it has and whether its dots are underscores."""
    stem = stem.replace(".", "_")
    while stem not in flat and (prefix := PREFIX.match(stem)):
        stem = stem[prefix.end() :]
    return flat.get(stem)


def pair(label: str, name: str, parts: dict[str, Tensor], layer: nn.Linear, alphas: Alphas) -> Pair:
    """One layer's pair at its scale. Raises LoRAError where it does not fit the layer."""
    if not {"A", "B"} <= set(parts):
        raise LoRAError(f"{label} is incomplete: '{name}' has not both of its matrices; download or save it again.")
    a, b = (p.flatten(1) if p.ndim == 4 and p.shape[2:] == (1, 1) else p for p in (parts["A"], parts["B"]))
    if a.ndim == 4 or b.ndim == 4:
        raise LoRAError(f"{label} {CONVOLUTIONS}, such as '{name}'), which this program cannot apply: {PLAIN}.")
    magnitude, (rows, columns) = parts.get("magnitude"), layer.weight.shape
    sizes = {(rows,), (rows, 1), (1, columns)}
    fits = a.shape[1:] == (columns,) and b.ndim == 2 and len(b) == rows
    if not fits or (magnitude is not None and tuple(magnitude.shape) not in sizes):
        raise LoRAError(
            f"{label} {ELSEWHERE}: its matrices of '{name}' have another shape; choose a LoRA of this base."
        )
    rank = len(a)
    if rank != b.shape[1] or not rank:
        raise LoRAError(f"{label} is damaged: the two matrices of '{name}' have different ranks; download it again.")
    (alpha,) = parts["alpha"].flatten().tolist() if "alpha" in parts else (None,)
    return Pair(a, b, alphas.scale(name, rank, number(alpha)), magnitude)


def number(value: Any) -> float | None:
    """A number of the metadata; None where it says none, which means alpha = rank. Raises ValueError, TypeError."""
    if value is None or value in ("", "None", "Dynamic"):  # kohya's words for none, and for one a layer
        return None
    if not math.isfinite(value := float(value)):
        raise ValueError(value)
    return value or None


class Alphas:
    """What a file's metadata says of alpha: PEFT's adapter config in any of its values, or kohya's."""

    def __init__(self, about: dict[str, str]) -> None:
        """Raises ValueError, TypeError, re.error."""
        config = dict(reversed(list(entries(about))))  # of several the first
        alphas = (config.get("lora_alpha"), about.get("alpha"), about.get("ss_network_alpha"))
        self.alpha = next(filter(None, map(number, alphas)), None)
        patterns = config.get("alpha_pattern") or {}
        patterns = json.loads(patterns) if isinstance(patterns, str) else patterns
        self.patterns = {pattern: number(value) for pattern, value in dict(patterns).items()}
        if any(len(re.findall(r"[*+{]", pattern)) > QUANTIFIERS for pattern in self.patterns):
            raise ValueError("a pattern of many quantifiers")
        self.rank_stabilized = str(config.get("use_rslora")).lower() == "true"

    def scale(self, name: str, rank: int, alpha: float | None) -> float:
        """alpha / rank, or alpha / sqrt(rank) of an rsLoRA (Kalajdzievski 2023); a layer's own alpha goes first."""
        by_pattern = (value for pattern, value in self.patterns.items() if matches(pattern, name))
        alpha = alpha or next(by_pattern, None) or self.alpha or rank
        return alpha / (math.sqrt(rank) if self.rank_stabilized else rank)


def matches(pattern: str, name: str) -> bool:
    """Whether PEFT's pattern names a layer: the end of its name, or after ^ the whole of it."""
    expression = rf"({pattern})$" if pattern.startswith("^") else rf"(.*\.)?({pattern})$"
    return any(re.match(expression, whole) for whole in (name, f"transformer.{name}", f"unet.{name}"))


def entries(about: Mapping[str, Any], depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Names and values of metadata and of the JSON in it, less the prefix of the part of the model; text encoders' are
    left out."""
    for key, value in about.items():
        scope, _, leaf = key.rpartition(".")
        if scope.startswith("text_encoder"):
            continue
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(value, dict) and leaf not in ("alpha_pattern", "rank_pattern") and depth:
            yield from entries(value, depth - 1)
        else:
            yield leaf, value
