"""Words to sound as a language: a causal transformer writes the codec's codes, and what it wrote is played while it
goes on.

Each 50th of a second has a code in every codebook. They are not written one by one, which would take six times as many
steps, nor all at once, which forgets that each depends on the ones before: codebook k is written k steps late (the
delay pattern; Copet et al. 2023).
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

from pipelines import text
from pipelines.core import contract
from pipelines.media import audio as sounds
from pipelines.models.audio import codec as audio
from pipelines.models.audio.codec import RATE, STRIDE
from pipelines.models.audio.spec import AudioTokensSettings
from pipelines.nn import weights
from pipelines.nn.causal import CausalTransformer, KVCache

PART = 10  # rows to a part that is shown and played: a fifth of a second
WINDOW, HEARD = (
    200,
    100,
)  # rows that it looks back at most, as in training, and those of a given sound that it goes on from
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


class CodeLM(nn.Module):
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
        self.score = nn.Linear(60, c.width, bias=False)
        nn.init.normal_(self.score.weight, std=0.1)

    def embed(self, rows: Int[Tensor, "b n k"], scores: Float[Tensor, "b 2"], first: int) -> Float[Tensor, "b n w"]:
        """Rows of codes, the first of them row `first`, as the transformer reads them: each with the score
        (audio.score_features) at the next one."""
        codes = torch.stack([table(row) for table, row in zip(self.codes, rows.unbind(-1), strict=True)]).sum(0)
        return codes + self.score(audio.score_features(scores, range(first + 1, first + 1 + rows.shape[1])))

    def embed_inputs(
        self,
        captions: Float[Tensor, "b q c"],
        rows: Int[Tensor, "b n k"],
        scores: Float[Tensor, "b 2"],
        first: int = 0,
    ) -> Float[Tensor, "b m w"]:
        """A caption with the score at the first row, and the rows."""
        return torch.cat(
            [
                self.enter(captions) + self.score(audio.score_features(scores, range(first, first + 1))),
                self.embed(rows, scores, first),
            ],
            1,
        )

    def logits(self, h: Float[Tensor, "b n w"]) -> Float[Tensor, "b n k c"]:
        return self.leave(h).unflatten(-1, (self.config.books, -1))

    def forward(
        self, captions: Float[Tensor, "b q w"], rows: Int[Tensor, "b n k"], scores: Float[Tensor, "b 2"]
    ) -> Float[Tensor, "b n k c"]:
        """For each row, what was expected there before it was known."""
        h, _ = self.transformer(self.embed_inputs(captions, rows[:, :-1], scores))
        return self.logits(h[:, captions.shape[1] - 1 :])

    def begin(
        self, captions: Float[Tensor, "b q w"], rows: Int[Tensor, "b n k"], scores: Float[Tensor, "b 2"], first: int
    ) -> tuple[Float[Tensor, "b k c"], KVCache]:
        """What comes after the caption and these rows, and the cache to go on with."""
        h, cache = self.transformer(self.embed_inputs(captions, rows, scores, first))
        return self.logits(h[:, -1:])[:, 0], cache

    def go_on(
        self, row: Int[Tensor, "b k"], scores: Float[Tensor, "b 2"], at: int, cache: KVCache
    ) -> tuple[Float[Tensor, "b k c"], KVCache]:
        """What comes after one more row, row `at`."""
        h, cache = self.transformer(self.embed(row[:, None], scores, at), cache)
        return self.logits(h)[:, 0], cache


def pick(
    logits: Float[Tensor, "k c"], top_k: int, temperature: float, generator: torch.Generator
) -> Int[Tensor, " k"]:
    """A code a codebook, among the `top_k` likeliest."""
    best = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
    odds = (best.values / temperature).softmax(-1)
    return best.indices.gather(-1, torch.multinomial(odds, 1, generator=generator))[:, 0]


class AudioTokensPipeline(contract.Pipeline):
    """Words, or a sound's end, to a sound that is played while it is written."""

    name = "audio-tokens"
    Settings = AudioTokensSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.writer = weights.open_bundle("audio-tokens", lambda config: CodeLM(Config(**config))).to(self.device)
        self.codec = audio.load(self.device)

    @torch.inference_mode()
    def asked(
        self, s: AudioTokensSettings
    ) -> tuple[Float[Tensor, "b q w"], Float[Tensor, "b 2"], Float[Tensor, " b"]]:
        """Captions and scores to be read beside each other, and how much what follows each counts. Guidance goes from
        what to keep away from to the words without their score by `guidance`, and on to the words with it by
        `score_guidance`, as two conditions do in Brooks et al. 2023.
        """
        scores, away = (
            audio.score_conditions(s, self.device),
            1 - s.guidance if s.prompt.strip() or s.negative_prompt.strip() else 0.0,
        )
        score = s.score_guidance if (scores[0] != scores[1]).any() else 1 - away
        parts = [
            part
            for part in ((s.prompt, 0, score), (s.prompt, 1, 1 - away - score), (s.negative_prompt, 1, away))
            if part[2]
        ]
        tokens = {
            line: text.pad([text.encoder().encode(line)]) for line in {s.prompt, s.negative_prompt} if line.strip()
        }
        read = {
            line: audio.load_text_resampler(self.device)(*(part.to(self.device) for part in batch))[0]
            for line, batch in tokens.items()
        }
        captions = torch.stack([read.get(line, self.writer.null) for line, _, _ in parts])
        return (
            captions,
            scores[[which for _, which, _ in parts]],
            torch.tensor([count for _, _, count in parts], device=self.device),
        )

    @torch.inference_mode()
    def write(self, s: AudioTokensSettings, given: Int[Tensor, "n k"]) -> Iterator[list[Int[Tensor, " k"]]]:
        """After each new row, the rows so far, delayed: those that are given come first."""
        c, generator, (captions, scores, counts) = (
            self.writer.config,
            torch.Generator().manual_seed(s.seed),
            self.asked(s),
        )
        books = torch.arange(c.books, device=self.device)
        rows = list(delayed(given[None], c.codes)[0, : len(given)]) if len(given) else []
        cache: KVCache = []
        for _ in range(math.ceil(s.seconds * RATE / STRIDE) + c.books - 1):
            if cache and cache[0][0].shape[2] < c.queries + WINDOW:
                logits, cache = self.writer.go_on(rows[-1].expand(len(captions), -1), scores, len(rows) - 1, cache)
            # at the beginning, and each time the window is full; then as in training the late codebooks have not begun
            else:
                past = (
                    torch.stack(rows[-HEARD:])
                    if rows
                    else torch.empty(0, c.books, dtype=torch.long, device=self.device)
                )
                past = torch.where(books > torch.arange(len(past), device=self.device)[:, None], c.codes, past)
                logits, cache = self.writer.begin(
                    captions, past.expand(len(captions), -1, -1), scores, len(rows) - len(past)
                )
            row = pick(torch.einsum("b,bkc->kc", counts, logits.float()).cpu(), s.top_k, s.temperature, generator).to(
                self.device
            )
            rows.append(torch.where(books > len(rows), c.codes, row))
            yield rows

    @torch.inference_mode()
    def run(self, s: AudioTokensSettings) -> Iterator[contract.Frame]:
        codec, books = self.codec, self.writer.config.books
        sound = sounds.from_url(s.sound) if s.sound else np.empty(0, np.float32)
        given = torch.empty(0, books, dtype=torch.long, device=self.device)
        if len(sound):
            given = codec.quantizer(
                codec.encode(torch.from_numpy(audio.tail(sound, HEARD * STRIDE / RATE))[None].to(self.device))
            )[1][0]
        wanted, late, before, step = math.ceil(s.seconds * RATE / STRIDE), books - 1, len(given), 0
        samples, played = (
            np.empty(0, np.float32),
            max(0, before - 1),
        )  # with the FADE samples in which a given sound passes over
        for n, rows in enumerate(self.write(s, given), 1):
            last, whole = n == wanted + late, len(rows) - late  # rows whose last codebook is there
            if not last and (n % PART or whole <= before or step == s.steps - 1):
                continue
            step += 1
            codes = undelayed(torch.stack(rows)[None])
            settled, first = whole if last else max(played, whole - AROUND), max(0, played - AROUND)
            part = codec.decode(codec.quantizer.decode(codes[:, first:]))[0].cpu().numpy()
            samples, played = (
                np.concatenate([samples, part[(played - first) * STRIDE : (settled - first) * STRIDE]]),
                settled,
            )
            mel = (
                codec.preview_log_mel((codec.quantizer.decode(codes[:, before:]) - codec.mean) / codec.scale)[0]
                .cpu()
                .numpy()
            )
            shown = sounds.spectrogram_image(
                np.pad(mel, ((0, max(0, 2 * wanted - len(mel))), (0, 0)), constant_values=sounds.FLOOR)
            )
            wave, result = samples, None
            if last:
                wave = audio.crossfade(sound, samples)[: len(sound) + round(s.seconds * RATE)]
                result = contract.AudioResult(
                    audio.make_loop(wave, audio.score_conditions(s, "cpu")[0, 0].item()) if s.loop else wave,
                    self.name,
                    s.model_dump(),
                )
                wave, shown = result.samples, np.asarray(result.image)
            view = {
                "kind": "audio",
                "url": sounds.url(wave) if len(wave) else "",
                "seconds": s.seconds,
                "before": len(sound) / RATE if last else 0,
            }
            detail = {
                "calls": n,
                "codes": codes[0, before:].tolist(),
                "of": wanted,
                "device": f"{self.device}, float32",
            }
            yield contract.Frame(
                step, s.steps, shown, None, f"{n} of {wanted + late} rows of {books} codes", result, detail, view
            )
