"""Words to sound as a flow: all of a phrase's latents come out of the noise together, and its spectrum clears up step
by step.

It is the image model's transformer: two neighbouring latents are a token, and a phrase of four seconds has a hundred.
What is given of it, to go on from or to fill a gap in, comes in as a further input, as a mask does in inpainting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.diffusion.progress import follow
from pipelines.media import audio as sounds
from pipelines.models.audio import codec as audio
from pipelines.models.audio.codec import RATE, STRIDE
from pipelines.models.audio.spec import AudioFlowSettings
from pipelines.models.editing.pipeline import keep_known
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.nn import weights
from pipelines.nn.dit import AttentionTrace, TextKV, TokenConfig, TokenTransformer

FRAMES = 200  # latents of a phrase
OVERLAP = 50  # latents of a part that the next one hears


@dataclass(frozen=True)
class Config:
    """The latent's width; width, depth and heads of the transformer."""

    latent: int = 64
    width: int = 256
    depth: int = 8
    heads: int = 4


class AudioDiT(nn.Module):
    """Predicts the velocity noise - x0 of a phrase's latents."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c = config, config
        self.transformer = TokenTransformer(TokenConfig(FRAMES // 2, 2 * c.latent, c.width, c.depth, c.heads))
        self.enter = nn.Linear(2 * (c.latent + 1), c.width)
        self.score = nn.Linear(60, c.width, bias=False)
        for value in (*self.enter.parameters(), self.score.weight):
            nn.init.zeros_(value)

    def hint(
        self, z: Float[Tensor, "b n c"], given: Float[Tensor, "b n 1"], scores: Float[Tensor, "b 2"], first: int = 0
    ) -> Float[Tensor, "b m w"]:
        """What is added to the tokens: which latents are given (1), and these; and audio.score_features there.

        The first is latent `first` of the sound.
        """
        features = torch.cat([z * given, given], 2).unflatten(1, (-1, 2)).flatten(2)
        return self.enter(features) + self.score(audio.score_features(scores, range(first, first + z.shape[1], 2)))

    def steer(
        self, z: Float[Tensor, "1 n c"], given: Float[Tensor, "1 n 1"], scores: Float[Tensor, "2 2"], first: int
    ) -> latent_diffusion.ControlFn:
        """The same hint at every step of a run: with the score that is asked for, and for guidance with that to keep
        away from."""
        hint = self.hint(z.expand(2, -1, -1), given.expand(2, -1, -1), scores, first)
        return lambda condition, grid, count: lambda x, t: [hint[: len(x)]]

    def forward(
        self,
        z: Float[Tensor, "b n c"],
        words: TextKV,
        modulations: list[list[Tensor]],
        hint: Float[Tensor, "b m w"],
        attention: AttentionTrace | None = None,
    ) -> Float[Tensor, "b n c"]:
        """The velocity; two neighbouring latents are a token."""
        tokens = z.unflatten(1, (-1, 2)).flatten(2)
        return self.transformer(tokens, words, modulations, attention, hints=[hint]).reshape(z.shape)


class AudioFlowPipeline(latent_diffusion.LatentDiffusionPipeline):
    """Words, or a sound, to a sound whose spectrum clears up step by step."""

    name = "audio-flow"
    Settings = AudioFlowSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.dtype = torch.float32  # the hints are; it is small
        self.flow = weights.open_bundle("audio-flow", lambda config: AudioDiT(Config(**config))).to(self.device)
        self.transformer, self.resampler, self.codec = (
            self.flow.transformer,
            audio.load_text_resampler(self.device),
            audio.load(self.device),
        )

    def predict_velocity(
        self,
        z: Tensor,
        words: TextKV,
        modulations: list[list[Tensor]],
        attention: AttentionTrace,
        hints: Sequence[Tensor],
    ) -> Tensor:
        return self.flow(z, words, modulations, hints[0], attention)

    @torch.inference_mode()
    def run(self, s: AudioFlowSettings) -> Iterator[contract.Frame]:
        sound = sounds.from_url(s.sound) if s.sound else np.empty(0, np.float32)
        task = s.method if s.sound else "new"
        z, given, spans = self.timeline(s, task, sound)
        strength = s.strength if task == "vary" else 1.0
        times = samplers.timesteps(max(1, round(s.steps * strength)), strength)
        steps, calls, noise = (
            len(spans) * (len(times) - 1),
            0,
            samplers.seeded_noise(s.seed, (FRAMES, z.shape[2]), 1, self.device),
        )
        scores = audio.score_conditions(s, self.device)
        shown, begun = z.clone(), z
        for k, begin in enumerate(spans):
            span = slice(begin, begin + FRAMES)
            known_latents, there = z[:, span].clone(), given[:, span].clone()
            r = self.prepare(s, times, 1, self.flow.steer(known_latents, there, scores, begin))
            denoise = keep_known(r.denoise, known_latents, 1 - there.expand_as(known_latents))
            x = r.path.a(strength) * begun[:, span] + r.path.s(strength) * noise()
            states = samplers.SAMPLERS[s.sampler](denoise, x, times, r.path, noise, s.eta)
            for step in follow(states, times[:-1], r.path):
                shown, state = shown.clone(), shown.clone()
                shown[:, span] = step.x0 if step.reached else step.x
                state[:, span] = step.state
                number = k * (len(times) - 1) + step.number
                result = self.finished(s, task, sound, shown) if number == steps else None
                detail = {
                    **self.step_trace(r, step),
                    "calls": calls + r.calls[0],
                    "words": r.condition.names,
                }
                pictures = [
                    sounds.spectrogram_image(self.codec.preview_log_mel(part)[0].cpu().numpy())
                    for part in (shown, state)
                ]
                if result:
                    pictures[0] = result.preview
                view = result.view if result else {"kind": "audio"}
                yield contract.Frame(number, steps, *pictures, step.note, result, detail, view)
            calls += r.calls[0]
            z, given = z.clone(), given.clone()
            z[:, span], given[:, span] = step.x, 1

    def timeline(
        self, s: AudioFlowSettings, task: str, sound: np.ndarray
    ) -> tuple[Float[Tensor, "1 n c"], Float[Tensor, "1 n 1"], list[int]]:
        """Latents of all that will be there, which of them are given (1), and where the parts begin that are drawn:
        each hears the end of the one before; a gap is in the middle of one part, and what is beyond the sound's end is
        silence.
        """
        context = audio.tail(sound, 2 * OVERLAP * STRIDE / RATE) if task == "continue" else sound
        count = -(-len(context) // STRIDE) + (round(s.seconds * RATE / STRIDE) if task in ("new", "continue") else 0)
        length = FRAMES + -(-max(0, count - FRAMES) // (FRAMES - OVERLAP)) * (FRAMES - OVERLAP)
        z, given = (
            torch.zeros(1, length, self.flow.config.latent, device=self.device),
            torch.zeros(1, length, 1, device=self.device),
        )
        if len(context):
            whole = context if task == "continue" else np.pad(context, (0, length * STRIDE - len(context)))
            there = self.codec.quantizer(self.codec.encode(torch.from_numpy(whole)[None].to(self.device)))[0]
            z[:, : there.shape[1]], given[:, : there.shape[1]] = (
                (there - self.codec.mean) / self.codec.scale,
                task != "vary",
            )
        if task != "refill":
            return z, given, list(range(0, length - OVERLAP, FRAMES - OVERLAP))
        first, last = int(s.start * RATE / STRIDE), round(s.end * RATE / STRIDE)
        given[:, first : max(first + 1, last)] = 0
        return z, given, [min(max(0, (first + last - FRAMES) // 2), length - FRAMES)]

    def finished(
        self, s: AudioFlowSettings, task: str, sound: np.ndarray, z: Float[Tensor, "1 n c"]
    ) -> contract.AudioResult:
        """The sound; what was given of it is kept sample by sample."""
        wave = self.codec.decode(z * self.codec.scale + self.codec.mean)[0].cpu().numpy()
        if task == "continue":
            kept = len(audio.tail(sound, 2 * OVERLAP * STRIDE / RATE))
            wave = audio.crossfade(sound, wave[kept - audio.FADE : kept + round(s.seconds * RATE)])
        elif task == "refill":
            first, last = round(s.start * RATE), min(round(s.end * RATE), len(sound))
            new = audio.crossfade(sound[: first + audio.FADE], wave[first:last])
            wave = audio.crossfade(new, sound[last - audio.FADE :]) if last < len(sound) else new
        else:
            wave = wave[: len(sound) or round(s.seconds * RATE)]
        return contract.AudioResult(
            audio.make_loop(wave, audio.score_conditions(s, "cpu")[0, 0].item()) if s.loop else wave,
            self.name,
            s.model_dump(),
        )
