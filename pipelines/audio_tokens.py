"""Words to sound as a language: a causal transformer writes the codec's codes, and what it wrote is played while it goes on.

Each 50th of a second has a code in every codebook. They are not written one by one, which would take six times as many steps, nor
all at once, which forgets that each depends on the ones before: codebook k is written k steps late (the delay pattern; Copet et al. 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from pipelines import audio, settings, sounds, text, weights
from pipelines import frame as contract
from pipelines.audio import RATE, STRIDE
from pipelines.nn.causal import Cache, CausalTransformer

PART = 10  # rows to a part that is shown and played: a fifth of a second
WINDOW, HEARD = 200, 100  # rows that it looks back at most, as in training, and those of a given sound that it goes on from
AROUND = 12  # latents on each side that a latent's sound depends on


@dataclass(frozen=True)
class Config:
    """Width, depth and heads; codebooks and codes; the width and number of a caption's tokens."""

    width: int = 256
    depth: int = 8
    heads: int = 4
    books: int = 6
    codes: int = 1024
    words: int = 256
    queries: int = 16


def delayed(codes: Int[Tensor, "b n k"], blank: int) -> Int[Tensor, "b m k"]:
    """Codebook k moved k steps back, `blank` where there is nothing: m = n + k - 1."""
    books = codes.shape[2]
    return torch.stack([F.pad(codes[..., k], (k, books - 1 - k), value=blank) for k in range(books)], dim=-1)


def undelayed(rows: Int[Tensor, "b m k"]) -> Int[Tensor, "b n k"]:
    """The inverse: as many whole steps as there are."""
    books = rows.shape[2]
    return torch.stack([rows[:, k : rows.shape[1] - books + 1 + k, k] for k in range(books)], dim=-1)


class Writer(nn.Module):
    """Predicts the next row of codes from the caption's tokens, which come first, and the rows so far."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        self.enter = nn.Linear(c.words, c.width)
        self.null = nn.Parameter(torch.randn(c.queries, c.words) * 0.02)
        self.codes = nn.ModuleList([nn.Embedding(c.codes + 1, c.width) for _ in range(c.books)])  # the last is blank
        self.transformer = CausalTransformer(c.width, c.depth, c.heads)
        self.leave = nn.Linear(c.width, c.books * c.codes)
        for table in self.codes:
            nn.init.normal_(table.weight, std=0.3)

    def embed(self, rows: Int[Tensor, "b n k"]) -> Float[Tensor, "b n w"]:
        """Rows of codes as the transformer reads them."""
        return torch.stack([table(row) for table, row in zip(self.codes, rows.unbind(-1), strict=True)]).sum(0)

    def logits(self, h: Float[Tensor, "b n w"]) -> Float[Tensor, "b n k c"]:
        return self.leave(h).unflatten(-1, (self.config.books, -1))

    def forward(self, captions: Float[Tensor, "b q w"], rows: Int[Tensor, "b n k"]) -> Float[Tensor, "b n k c"]:
        """For each row, what was expected there before it was known."""
        words = self.enter(captions)
        h, _ = self.transformer(torch.cat([words, self.embed(rows[:, :-1])], 1))
        return self.logits(h[:, words.shape[1] - 1 :])

    def begin(self, captions: Float[Tensor, "b q w"], rows: Int[Tensor, "b n k"]) -> tuple[Float[Tensor, "b k c"], Cache]:
        """What comes after the caption and these rows, and the cache to go on with."""
        h, cache = self.transformer(torch.cat([self.enter(captions), self.embed(rows)], 1))
        return self.logits(h[:, -1:])[:, 0], cache

    def go_on(self, row: Int[Tensor, "b k"], cache: Cache) -> tuple[Float[Tensor, "b k c"], Cache]:
        """What comes after one more row."""
        h, cache = self.transformer(self.embed(row[:, None]), cache)
        return self.logits(h)[:, 0], cache


def pick(logits: Float[Tensor, "k c"], top_k: int, temperature: float, generator: torch.Generator) -> Int[Tensor, " k"]:
    """A code a codebook, among the `top_k` likeliest."""
    best = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
    odds = (best.values / temperature).softmax(-1)
    return best.indices.gather(-1, torch.multinomial(odds, 1, generator=generator))[:, 0]


class Pipeline(contract.Pipeline):
    """Words, or a sound's end, to a sound that is played while it is written."""

    name = "audio-tokens"
    Settings = settings.AudioTokens

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        tensors, about = weights.read("audio-tokens")
        self.writer = weights.fill(Writer(Config(**about["config"])), tensors, "audio-tokens").to(self.device)
        self.codec = audio.load(self.device)

    @torch.inference_mode()
    def captions(self, s: settings.AudioTokens) -> Float[Tensor, "b q w"]:
        """What is asked for, and with guidance what to keep away from."""
        said = [s.prompt, s.negative_prompt][: 1 + (s.guidance != 1)]
        null = self.writer.null.cpu()
        read = [audio.words()(*text.pad([text.encoder().read(line)]))[0] if line.strip() else null for line in said]
        return torch.stack(read).to(self.device)

    @torch.inference_mode()
    def write(self, s: settings.AudioTokens, given: Int[Tensor, "n k"]) -> Iterator[Int[Tensor, " k"]]:
        """Row by row, delayed, what comes after the rows that are given."""
        c, generator, captions = self.writer.config, torch.Generator().manual_seed(s.seed), self.captions(s)
        rows = list(delayed(given[None], c.codes)[0, : len(given)]) if len(given) else []
        cache: Cache = []
        for step in range(math.ceil(s.seconds * RATE / STRIDE) + c.books - 1):
            if cache and cache[0][0].shape[2] < c.queries + WINDOW:
                logits, cache = self.writer.go_on(rows[-1].expand(len(captions), -1), cache)
            else:  # at the beginning, and each time the window is full
                past = torch.stack(rows[-HEARD:]) if rows else torch.empty(0, c.books, dtype=torch.long, device=self.device)
                logits, cache = self.writer.begin(captions, past.expand(len(captions), -1, -1))
            wanted = logits[0] if len(logits) == 1 else logits[1] + s.guidance * (logits[0] - logits[1])
            row = pick(wanted.float().cpu(), s.top_k, s.temperature, generator).to(self.device)
            if not given.numel():
                row[torch.arange(c.books, device=self.device) > step] = c.codes  # a codebook that is late has not begun
            rows.append(row)
            yield row

    @torch.inference_mode()
    def run(self, s: settings.AudioTokens) -> Iterator[contract.Frame]:
        heard = sounds.samples(s.sound) if s.sound else np.empty(0, np.float32)
        known = torch.empty(0, self.writer.config.books, dtype=torch.long, device=self.device)
        if len(heard):
            _, indices, _ = self.codec.quantizer(self.codec.encode(torch.from_numpy(heard[-HEARD * STRIDE :])[None].to(self.device)))
            known = indices[0]
        books, wanted, late = self.writer.config.books, math.ceil(s.seconds * RATE / STRIDE), self.writer.config.books - 1
        rows, played, step = list(delayed(known[None], self.writer.config.codes)[0, : len(known)]), len(known), 0
        wave = heard
        for n, row in enumerate(self.write(s, known), 1):
            rows.append(row)
            whole = len(rows) - late  # rows whose last codebook is there
            if whole <= 0 or (n % PART and n < wanted + late) or (n < wanted + late and step == s.steps - 1):
                continue
            step += 1
            last = n == wanted + late
            codes = undelayed(torch.stack(rows)[None])
            settled = whole if last else max(played, whole - AROUND)
            first = max(0, played - AROUND)
            part = self.codec.decode(self.codec.quantizer.read(codes[:, first:]))[0].cpu().numpy()
            new = part[(played - first) * STRIDE : (settled - first) * STRIDE]
            wave, played = np.concatenate([wave, new]), settled
            sounding = audio.looped(wave) if last and s.loop else wave[: len(heard) + round(s.seconds * RATE)]
            told = {"url": sounds.url(sounding) if last else "", "seconds": s.seconds}
            detail = {"calls": n, "codes": codes[0, -wanted:].tolist(), "of": wanted, "sound": told, "part": sounds.url(new) if len(new) else ""}
            shown = sounds.inked(sounds.log_mel(np.pad(sounding, (0, max(0, len(heard) + round(s.seconds * RATE) - len(sounding))))))
            result = contract.Sound(sounding, self.name, s.model_dump()) if last else None
            yield contract.Frame(step if not last else s.steps, s.steps, shown, None, f"{n} of {wanted + late} rows of {books} codes", result, detail)
