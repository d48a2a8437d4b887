"""The codec that both audio generators stand on: 16 kHz sound to 50 latents a second, these to codes, and back.

Nothing attends to raw samples. A spectrum of 100 frames a second (a fixed convolution) goes through residual
convolutions with snake activations (Ziyin et al. 2020; Kumar et al. 2023), is halved in time, and quantised. On the way
back the network says the next spectrum, magnitude and phase, and an inverse transform makes the sound of it (Vocos;
Siuzdak 2024): all of its work is done 100 times a second and none 16,000 times, which is what lets it run on a laptop.
"""

from __future__ import annotations

import math
import re
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
from pipelines.media.audio import BANDS, HOP, RATE
from pipelines.models.audio.quantize import ResidualQuantizer
from pipelines.models.audio.spec import AudioCodecSettings, AudioFlowSettings, AudioTokensSettings
from pipelines.nn import weights

STRIDE = 2 * HOP  # samples a latent
WINDOW = 640  # samples a spectrum sees
FADE = STRIDE  # samples over which a new part is faded in: a fiftieth of a second
MODES = {"major": [0, 2, 4, 5, 7, 9, 11], "minor": [0, 2, 3, 5, 7, 8, 10]}  # semitones above the tonic
KEYS = torch.stack(
    [
        torch.zeros(24),
        *(
            torch.cat([torch.eye(12)[k], torch.eye(12)[mode].sum(0).roll(k)])
            for mode in MODES.values()
            for k in range(12)
        ),
    ]
)
SILENCE = 10 ** (-72 / 20)  # below this, over a window, a sound is none


@dataclass(frozen=True)
class Config:
    """Widths at 100 and 50 frames a second, blocks there (each way), the latent's width, and the quantiser."""

    fine: int = 192
    coarse: int = 320
    fine_blocks: int = 3
    coarse_blocks: int = 3
    latent: int = 64
    books: int = 6
    codes: int = 1024
    dim: int = 8

    @property
    def bitrate(self) -> float:
        """Bits a second of one codebook."""
        return RATE / STRIDE * math.log2(self.codes)


class Snake(nn.Module):
    """x + sin²(ax) / a: periodic, so that it goes on where the data ended (Ziyin et al. 2020, eq. 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(width, 1))

    def forward(self, x: Float[Tensor, "b c n"]) -> Float[Tensor, "b c n"]:
        return x + (self.a * x).sin().square() / (self.a + 1e-6)


class Residual(nn.Module):
    """x + conv1(snake(conv3(snake x))), dilated, zero at the start.

    No norm: what is heard now must not depend on what comes much later.
    """

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.snake1, self.snake2 = Snake(width), Snake(width)
        self.conv1 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Float[Tensor, "b c n"]) -> Float[Tensor, "b c n"]:
        return x + self.conv2(self.snake2(self.conv1(self.snake1(x))))


def blocks(width: int, count: int) -> list[nn.Module]:
    """Residual blocks that look near and far by turns."""
    return [Residual(width, (1, 3)[k % 2]) for k in range(count)]


class Codec(nn.Module):
    """Waveform to codes and back."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config, c, bins = config, config, WINDOW // 2 + 1
        self.encoder = nn.Sequential(
            nn.Conv1d(3 * bins, c.fine, 1),
            *blocks(c.fine, c.fine_blocks),
            nn.Conv1d(c.fine, c.coarse, 2, stride=2),
            *blocks(c.coarse, c.coarse_blocks),
            Snake(c.coarse),
            nn.Conv1d(c.coarse, c.latent, 1),
        )
        self.quantizer = ResidualQuantizer(c.latent, c.books, c.codes, c.dim)
        self.decoder = nn.Sequential(
            nn.Conv1d(c.latent, c.coarse, 3, padding=1),
            *blocks(c.coarse, c.coarse_blocks),
            nn.ConvTranspose1d(c.coarse, c.fine, 2, stride=2),
            *blocks(c.fine, c.fine_blocks + 1),
            Snake(c.fine),
            nn.Conv1d(c.fine, 2 * bins, 1),
        )
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("mean", torch.zeros(c.latent))  # of latents, measured after training
        self.register_buffer("scale", torch.ones(c.latent))
        self.register_buffer("preview", torch.zeros(3 * c.latent + 1, STRIDE // HOP * BANDS))

    def encode(self, wave: Float[Tensor, "b t"]) -> Float[Tensor, "b n c"]:
        """Latents, one for each STRIDE samples; a last part is filled up with silence. Samples lie in [-1, 1]."""
        wave = F.pad(wave, (0, -wave.shape[1] % STRIDE))
        margin = (WINDOW - HOP) // 2
        spectrum = torch.fft.rfft(F.pad(wave, (margin, margin)).unfold(1, WINDOW, HOP) * self.window)
        size = spectrum.abs().clamp_min(1e-5)
        features = torch.cat(
            [torch.view_as_real(spectrum / size.sqrt()).flatten(2), (size.log() + 4) / 4], dim=2
        )  # waves compressed, and loudness
        return self.encoder(features.mT).mT

    def decode(self, z: Float[Tensor, "b n c"]) -> Float[Tensor, "b t"]:
        """The sound of latents: STRIDE samples each, in [-1, 1], without what is constant, and silent where it is next
        to silent."""
        size, phase = self.decoder(z.mT).mT.float().chunk(2, dim=2)
        size = (size - 2).clamp(max=7).exp()
        frames = torch.fft.irfft(torch.polar(size, phase)) * self.window
        frames = (
            frames - frames.sum(2, keepdim=True) * self.window / self.window.sum()
        )  # after the window, which makes constants of slow waves
        wave = overlap_add(frames, self.window)
        return wave if self.training else soft_clip(noise_gate(wave))

    def preview_log_mel(self, z: Float[Tensor, "b n c"]) -> Float[Tensor, "b m bands"]:
        """About the log-mel spectrogram of normalised latents, by a linear map: what a step can afford to show."""
        return (self.with_neighbours(z.float()) @ self.preview).unflatten(2, (-1, BANDS)).flatten(1, 2)

    @staticmethod
    def with_neighbours(z: Float[Tensor, "b n c"]) -> Float[Tensor, "b n d"]:
        """Each latent with the one before and the one after, and a one."""
        return F.pad(F.pad(z, (0, 0, 1, 1)).unfold(1, 3, 1).flatten(2), (0, 1), value=1.0)

    def forward(
        self, wave: Float[Tensor, "b t"], stages: Int[Tensor, " b"] | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The sound as the first `stages` codebooks of each sample have it, the indices, the quantiser's loss, and the
        latents."""
        z = self.encode(wave)
        z_q, indices, loss = self.quantizer(z, stages)
        return self.decode(z_q), indices, loss, z


def overlap_add(frames: Float[Tensor, "b n w"], window: Float[Tensor, " w"]) -> Float[Tensor, "b t"]:
    """Windows laid over each other HOP apart, over the sum of the squared windows: n times HOP samples."""
    n, margin = frames.shape[1], (WINDOW - HOP) // 2
    length = WINDOW + (n - 1) * HOP

    def fold(parts: Tensor) -> Tensor:
        return F.fold(parts.mT, (1, length), (1, WINDOW), stride=(1, HOP))[:, 0, 0, margin : length - margin]

    return fold(frames) / fold(window.square().expand(1, n, -1)).clamp_min(1e-3)


def noise_gate(wave: Float[Tensor, "b t"]) -> Float[Tensor, "b t"]:
    """Faded out where a window's loudness is below SILENCE."""
    margin = (WINDOW - HOP) // 2
    loud = F.avg_pool1d(F.pad(wave.square()[:, None], (margin, margin)), WINDOW, HOP).sqrt()
    gate = (20 * torch.log10(loud.clamp_min(1e-9) / SILENCE) / 6).clamp(0, 1)
    return wave * F.interpolate(gate, scale_factor=HOP, mode="linear")[:, 0]


def soft_clip(wave: Float[Tensor, "b t"], knee: float = 0.9) -> Float[Tensor, "b t"]:
    """Below full scale: what is above the knee is bent, sample by sample, so that parts and the whole agree."""
    over = (wave.abs() - knee).clamp_min(0)
    return wave.clamp(-knee, knee) + wave.sign() * (1 - knee) * torch.tanh(over / (1 - knee))


def snr_db(signal: np.ndarray, error: np.ndarray) -> float:
    """Signal-to-noise ratio."""
    return float(10 * np.log10(max(np.square(signal).mean(), 1e-12) / max(np.square(error).mean(), 1e-12)))


def parse_tempo_and_key(prompt: str) -> tuple[float, int]:
    """What a musician would read off a prompt: the beats a minute, 30 to 300, said in figures as "90 bpm", and the key,
    C major to B major as 1 to 12, C minor to B minor as 13 to 24. Each is 0 where it is not said."""
    tempo = re.search(r"(?<![\d.])(\d{2,3}(?:\.\d+)?)\s*(?:bpm|beats (?:a|per) minute)", prompt, re.IGNORECASE)
    key = re.search(
        r"\b([A-G]|[b-g])(?i:[ -]?(sharp|flat|[#♯b♭]))?[ -](?i:(major)|minor)\b", prompt
    )  # "a minor tune" is in no key
    sign = {"": 0, "sharp": 1, "#": 1, "♯": 1}.get((key[2] or "").lower(), -1) if key else 0
    number = 1 + ("C D EF G A B".index(key[1].upper()) + sign) % 12 + (0 if key[3] else 12) if key else 0
    return float(tempo[1]) if tempo and 30 <= float(tempo[1]) <= 300 else 0.0, number


def score_conditions(s: AudioFlowSettings | AudioTokensSettings, device: str) -> Float[Tensor, "2 2"]:
    """The scores to follow and, with guidance, to keep away from. A sound that is given tells its own."""
    return torch.tensor(
        [(0.0, 0) if s.sound else parse_tempo_and_key(prompt) for prompt in (s.prompt, s.negative_prompt)],
        device=device,
    )


def score_features(scores: Float[Tensor, "b 2"], latents: range) -> Float[Tensor, "b n 60"]:
    """Scores as they hold at latents of a sound: how near each is to a bar, half a bar, a beat, half and a quarter of
    one (the first of each is at 0), as waves, and in latents, two before to two after; a one; the tonic, and the notes
    of the key. Zeros where it is not known. Words alone do not count."""
    tempo, key = scores[:, :1, None], scores[:, 1].long()
    at = torch.arange(latents.start, latents.stop, latents.step, device=scores.device)[:, None]
    each = tempo / 60 * STRIDE / RATE * torch.tensor([0.25, 0.5, 1, 2, 4], device=scores.device)  # turns a latent
    turns = at * each
    away = (turns - turns.round()) / each.clamp_min(1e-6)
    near = (1 - (away[..., None] - torch.arange(-2, 3, device=scores.device)).abs()).clamp_min(0).flatten(2)
    waves = [(2 * math.pi * turns).cos(), (2 * math.pi * turns).sin(), torch.ones_like(turns[..., :1])]
    beat = torch.cat([*waves, near], 2) * (tempo > 0)
    return torch.cat([beat, KEYS.to(key.device)[key][:, None].expand(-1, len(at), -1)], 2)


def load_text_resampler(device: str = "cpu") -> text.Resampler:
    """The resampler that reads captions of sounds, for both generators. Raises weights.WeightsError."""

    def build() -> text.Resampler:
        return weights.open_bundle("audio-words", lambda _: text.Resampler()).to(device)

    return weights.cached(("audio words", device), build)


def tail(wave: np.ndarray, seconds: float) -> np.ndarray:
    """The last so many seconds, or all, of whole latents: what the codec sees of a sound that is to go on without a
    gap."""
    wave = wave[-round(seconds * RATE) :]
    return wave[len(wave) % STRIDE :]


def make_loop(wave: np.ndarray, tempo: float = 0.0, fade: float = 0.15) -> np.ndarray:
    """The end faded into the beginning, so that it goes round without a click: shorter by `fade` seconds, and if the
    tempo is known, cut to whole bars, or beats where there is no whole bar, so that it goes round in time."""
    n = min(round(fade * RATE), len(wave) // 2)
    beats = int((len(wave) - n) / RATE * tempo / 60)
    if beats:
        wave = wave[: round((beats // 4 * 4 or beats) * 60 / tempo * RATE) + n]
    rise = np.linspace(0, 1, n, dtype=np.float32)
    return np.concatenate([wave[:n] * rise + wave[-n:] * rise[::-1], wave[n:-n]])


def crossfade(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`after`, which begins FADE samples before `before` ends, faded in there."""
    n = min(FADE, len(before), len(after))
    rise = np.linspace(0, 1, n, dtype=np.float32)
    return np.concatenate(
        [before[: len(before) - n], before[len(before) - n :] * (1 - rise) + after[:n] * rise, after[n:]]
    )


class AudioCodecPipeline(contract.Pipeline):
    """A sound through the codec, with one codebook, two, … as many as are asked for."""

    name = "audio-codec"
    Settings = AudioCodecSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        self.device = weights.pick_device(device)
        self.codec = load(self.device)

    @torch.inference_mode()
    def run(self, s: AudioCodecSettings) -> Iterator[contract.Frame]:
        given = sounds.from_url(s.sound)
        wanted, stages = sounds.log_mel(given), []
        _, indices, _ = self.codec.quantizer(self.codec.encode(torch.from_numpy(given)[None].to(self.device)))
        for k in range(1, s.codebooks + 1):
            decoded = self.codec.decode(self.codec.quantizer.decode(indices[..., :k]))[0, : len(given)].cpu().numpy()
            log_mel, rate = sounds.log_mel(decoded), k * self.codec.config.bitrate
            stages.append(
                {
                    "books": k,
                    "bits": rate,
                    "snr": snr_db(given, decoded - given),
                    "mel": float(np.abs(log_mel - wanted).mean()),
                }
            )
            snr, mel = stages[-1]["snr"], stages[-1]["mel"]
            note = (
                f"{k} of {self.codec.config.books} codebooks · {rate / 1000:g} kbit/s · SNR {snr:.1f} dB · mel "
                f"distance {mel:.3f}"
            )
            sheet = np.concatenate([sounds.spectrogram_image(mel) for mel in (wanted, log_mel)])
            result = contract.AudioResult(decoded, self.name, s.model_dump()) if k == s.codebooks else None
            detail = {
                "calls": k,
                "stages": stages,
                "device": f"{self.device}, float32",
            }
            view = contract.AudioResult(decoded, self.name, {}).view
            yield contract.Frame(k, s.codebooks, sheet, None, note, result, detail, view)


def load(device: str = "cpu") -> Codec:
    """The bundled codec. Raises weights.WeightsError."""

    def build() -> Codec:
        return weights.open_bundle("audio-codec", lambda config: Codec(Config(**config))).to(device)

    return weights.cached(("audio codec", device), build)
