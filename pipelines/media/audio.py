"""Sounds that people give: from a path, samples or a data URL, to one form that settings can keep.

The form is a data URL of FLAC, 16 bits, mono, 16 kHz: it compares, travels inside a saved file and through HTTP, and
holds exactly the samples that the model hears. Nothing here imports torch.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import io
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
from jaxtyping import Float, UInt8
from pydantic import BeforeValidator

from pipelines.media.images import FromEditor

RATE = 16_000  # samples a second
LONGEST = 30  # seconds that are kept
SHORTEST = 0.1
BYTES = 100_000_000  # of a file that is opened at most
PREFIX = "data:audio/flac;base64,"
HOP, BANDS = 160, 80  # samples from one column of a spectrogram to the next, and its rows, on the mel scale
FLOOR, LOUDEST = -4.0, 0.7  # log10 of what is black and what is white there
INK = np.array(
    [[12, 10, 9], [70, 12, 14], [168, 32, 26], [226, 120, 52], [250, 214, 150], [255, 252, 244]], np.float32
)
# no other of FFmpeg's is tried: some open further files and addresses
FORMATS = "wav,flac,mp3,ogg,mov,matroska,webm,aac,aiff"


def load_audio(given: Any, remote: bool = False) -> Float[np.ndarray, " t"]:
    """Mono samples at RATE in [-1, 1] of a path, a data URL, samples at RATE, or (rate, samples).

    Raises ValueError with one sentence.
    """
    return mix_down(load_channels(given, remote))[0]


def mix_down(channels: Float[np.ndarray, "c t"]) -> tuple[Float[np.ndarray, " t"], str]:
    """The mean of all channels that are not silent, and a sentence where that is not all there is to say: where they
    cancel each other the loudest one is taken, and what is louder than full scale is turned down, not cut."""
    loudness = np.sqrt(np.square(channels, dtype=np.float64).mean(1))
    channels, loudness = (part[loudness >= 1e-3 * loudness.max()] for part in (channels, loudness))
    mono, note = channels.mean(0), ""
    if len(channels) > 1 and np.sqrt(np.square(mono, dtype=np.float64).mean()) < 0.1 * loudness.max():
        mono, note = channels[loudness.argmax()], "Its channels cancel each other: the loudest one was taken."
    peak = float(np.abs(mono).max(initial=0.0))
    if peak > 1:
        note = f"{note} It is louder than full scale: it was turned down.".strip()
    return (mono / max(peak, 1.0)).astype(np.float32), note


def load_channels(given: Any, remote: bool = False) -> Float[np.ndarray, "c t"]:
    """The same before its channels are mixed."""
    if isinstance(given, np.ndarray):
        given = (RATE, given)
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], np.ndarray):
        return resampled(*given)
    if given is None or (isinstance(given, str) and not given):
        raise ValueError("there is no sound yet; give one")
    is_data_url = isinstance(given, str) and given.startswith("data:")
    if not is_data_url and (remote or not isinstance(given, (str, Path))):
        raise ValueError(
            "the sound must be a data URL"
            if remote
            else "the sound must be a path, an array of samples at 16 kHz, or a rate and an array"
        )
    if not is_data_url and not Path(given).is_file():
        raise ValueError(f"the sound {given} is not there; check the path")
    try:
        source = (
            base64.b64decode(given.partition(",")[2], validate=True)
            if is_data_url
            else Path(given).read_bytes()[: BYTES + 1]
        )
    except binascii.Error:
        raise ValueError("the sound cannot be read; choose a WAV, FLAC, MP3 or OGG file") from None
    if len(source) > BYTES:
        raise ValueError(f"the sound's file is larger than {BYTES // 1_000_000} MB; cut it")
    with (
        contextlib.suppress(av.FFmpegError),
        av.open(
            io.BytesIO(source), container_options={"format_whitelist": FORMATS}, metadata_errors="replace"
        ) as file,
    ):
        return decoded(file)
    raise ValueError("the sound cannot be read; choose a WAV, FLAC, MP3 or OGG file")


def decoded(container: Any) -> Float[np.ndarray, "c t"]:
    """The first LONGEST seconds, and a little more, of a file's sound, its channels as they are."""
    parts: list[np.ndarray] = []
    resampler, count = av.AudioResampler("flt", rate=RATE), 0  # packed: of eight planes PyAV crashes
    with contextlib.suppress(
        av.FFmpegError, LookupError
    ):  # of a file that is cut off, what can be heard; of a silent film, nothing
        for frame in container.decode(audio=0):
            new = [unpack(part) for part in resampler.resample(frame)]
            parts += new
            count += sum(part.shape[1] for part in new)
            if count > RATE * LONGEST:
                break
        else:
            parts += [unpack(part) for part in resampler.resample(None)]
    if not parts:
        raise ValueError("there is no sound in the file; choose another")
    return np.nan_to_num(np.concatenate(parts, axis=1))


def unpack(frame: av.AudioFrame) -> Float[np.ndarray, "c t"]:
    """Samples of a frame whose channels alternate."""
    return frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T


def resampled(rate: Any, samples: np.ndarray) -> Float[np.ndarray, "c t"]:
    """Samples (t,) or (t, channels), floats in [-1, 1] or integers, at RATE."""
    if samples.ndim not in (1, 2) or samples.size == 0 or not 1000 <= rate <= 768_000:
        raise ValueError("the samples must be an array of time, or time × channels, at 1,000 to 768,000 a second")
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float32) - 128) / 128
    elif np.issubdtype(samples.dtype, np.integer):
        samples = samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise ValueError("some of the samples are not numbers; export the sound anew")
    channels = samples[None] if samples.ndim == 1 else samples.T
    if rate == RATE:
        return channels
    return np.stack([resample(channel[: round(rate * (LONGEST + 1))], int(rate)) for channel in channels])


def resample(samples: Float[np.ndarray, " n"], rate: int) -> Float[np.ndarray, " t"]:
    """One channel at another rate, at RATE."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], "fltp", "mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler("fltp", "mono", RATE)
    return np.concatenate([part.to_ndarray()[0] for piece in (frame, None) for part in resampler.resample(piece)])


def url(samples: Float[np.ndarray, " t"]) -> str:
    """A FLAC data URL."""
    return PREFIX + base64.b64encode(file(samples, "flac")).decode()


def file(samples: Float[np.ndarray, " t"], kind: str, comment: str = "") -> bytes:
    """Samples at RATE in [-1, 1] as the bytes of a WAV or FLAC file, 16 bits, with a comment in it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        container.metadata.update({"comment": comment} if comment else {})
        stream = container.add_stream({"wav": "pcm_s16le", "flac": "flac"}[kind], rate=RATE, layout="mono")
        whole = (samples.clip(-1, 32_767 / 32_768) * 32_768).round().astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], "s16", "mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def audio_url(given: Any, remote: bool = False) -> str:
    """Whatever was given, as the data URL of its first LONGEST seconds. Raises ValueError."""
    samples = load_audio(given, remote)[: RATE * LONGEST]
    if len(samples) < RATE * SHORTEST:
        raise ValueError(f"the sound lasts {len(samples) / RATE:.2f} seconds; it needs {SHORTEST} at least")
    if not np.isfinite(samples).all():
        raise ValueError("some of the samples are not numbers; export the sound anew")
    return url(samples.clip(-1, 1))


def from_url(data_url: str) -> Float[np.ndarray, " t"]:
    """The samples of what `audio_url` made: float32 in [-1, 1]."""
    with av.open(io.BytesIO(base64.b64decode(data_url.removeprefix(PREFIX))), format="flac") as container:
        return (
            np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(np.float32) / 32_768
        )


@functools.cache
def mel_filters(size: int, bands: int = BANDS) -> Float[np.ndarray, "bins bands"]:
    """Triangles on the mel scale, each with a maximum of 1, for a spectrum of `size` samples (O'Shaughnessy's
    formula)."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1)
    at, (low, mid, high) = np.linspace(0, RATE / 2, size // 2 + 1)[:, None], (edges[:-2], edges[1:-1], edges[2:])
    return np.clip(np.minimum((at - low) / (mid - low), (high - at) / (high - mid)), 0, None).astype(np.float32)


def log_mel(samples: Float[np.ndarray, " t"], size: int = 1024) -> Float[np.ndarray, "n bands"]:
    """log10 of a mel spectrogram, a row each HOP samples, no less than FLOOR."""
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(samples, ((size - HOP) // 2, (size - HOP) // 2 + HOP)), size
    )[::HOP]
    sizes = (
        np.abs(np.fft.rfft(windows[: max(1, len(samples) // HOP)] * np.hanning(size).astype(np.float32))) / size**0.5
    )
    return np.log10(np.maximum(sizes.astype(np.float32) @ mel_filters(size), 10**FLOOR))


def spectrogram_image(mel: Float[np.ndarray, "n bands"], tall: int = 2) -> UInt8[np.ndarray, "h n 3"]:
    """A log-mel spectrogram as a picture: time to the right, high up, each band `tall` pixels."""
    level = ((mel.T[::-1] - FLOOR) / (LOUDEST - FLOOR)).clip(0, 1) * (len(INK) - 1)
    below = np.minimum(level.astype(int), len(INK) - 2)
    picture = INK[below] + (level - below)[..., None] * (INK[below + 1] - INK[below])
    return picture.round().astype(np.uint8).repeat(tall, axis=0)


def _given(given: Any, info: Any) -> str:
    return audio_url(given, bool(info.context and info.context.get("remote")))


AudioInput = Annotated[str, BeforeValidator(_given), FromEditor("audio")]
OptionalAudioInput = Annotated[
    str,
    BeforeValidator(
        lambda given, info: "" if given is None or (isinstance(given, str) and not given) else _given(given, info)
    ),
    FromEditor("audio"),
]
