"""What the sounds do, measured beside held-out phrases. Needs the data set `notes`; half an hour of two cores.

`python -m bench audio.codec` measures one part. Seeds are 0, 1, 2, … What belongs to the cards is written to them.
"""

from __future__ import annotations

import base64
import io
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import av
import librosa
import numpy as np
import psutil
import torch
import torch.nn.functional as F

from bench.edits import last
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.datasets import notes
from pipelines.evaluation.instrument_classifier import Listener
from pipelines.evaluation.metrics import frechet
from pipelines.media import audio as sounds
from pipelines.media.audio import RATE, log_mel
from pipelines.models.audio import codec as audio
from pipelines.nn import weights

MODELS = ("audio-flow", "audio-tokens")


def held_out(n: int, split: str = "test") -> tuple[np.ndarray, list[dict]]:
    """Phrases (n, 64000) of melodies that were not trained on, and their rows."""
    every, rows = notes.load()
    picks = [i for i, row in enumerate(rows) if row["split"] == split][:n]
    return np.stack([every[i] for i in picks]).astype(np.float32) / 32_768, [rows[i] for i in picks]


def asked(rows: list[dict]) -> list[str]:
    """A caption for each row that names its instrument, key and tempo."""
    found = []
    for k, row in enumerate(rows):
        rng, caption, named = random.Random(f"asked {k}"), "", []
        while not {"instrument", "tempo", *(["tonic"] if row["tonic"] is not None else [])} <= set(named):
            caption, named = notes.caption(row, rng)
        found.append(caption)
    return found


def far(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of log10 mel spectrograms (n, t)."""
    return float(np.mean([np.abs(log_mel(x) - log_mel(y)).mean() for x, y in zip(a, b, strict=True)]))


def opus(wave: np.ndarray, bits: int) -> np.ndarray:
    """A sound (t,) through Opus at so many bits a second, aligned with what went in."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono", bit_rate=bits)
        frame = av.AudioFrame.from_ndarray((wave * 32_767).round().astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = RATE
        for piece in av.AudioResampler(stream.format.name, "mono", RATE, frame_size=stream.frame_size).resample(
            frame
        ):
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    decoded = sounds.load_audio("data:audio/ogg;base64," + base64.b64encode(buffer.getvalue()).decode())
    decoded = np.pad(decoded, (0, max(0, len(wave) - len(decoded))))
    late = max(
        range(0, 640, 4), key=lambda d: float(np.dot(decoded[d : d + len(wave) - 640], wave[: len(wave) - 640]))
    )
    return np.pad(decoded[late:], (0, late))[: len(wave)]


@torch.inference_mode()
def codec(n: int = 200) -> dict[str, Any]:
    """Held-out phrases by number of codebooks, beside Opus at 6 kbit/s; how many codes are used; what silence
    becomes."""
    real, _ = held_out(n)
    model = audio.load()
    begun = time.perf_counter()
    indices = torch.cat([model.quantizer(model.encode(part))[1] for part in torch.from_numpy(real).split(20)])
    decoded = {
        k: torch.cat([model.decode(model.quantizer.decode(part[..., :k])) for part in indices.split(20)]).numpy()
        for k in range(1, model.config.books + 1)
    }
    spent = time.perf_counter() - begun
    by = {k: round(far(one, real), 4) for k, one in decoded.items()}
    written = np.stack([opus(wave, 6000) for wave in real])
    used = [round(indices[..., k].unique().numel() / model.config.codes, 3) for k in range(indices.shape[2])]
    rate = model.config.books * model.config.bitrate / 1000
    theirs = round(far(written, real), 4)
    add_measurements(
        "audio-codec",
        {"log-mel distance": f"{by[model.config.books]} at {rate:g} kbit/s (Opus at 6: {theirs}; n = {n})"},
    )
    return {
        "n": n, "kbit/s (bar 3)": rate, "log-mel distance by codebooks": by, "Opus at 6 kbit/s (bar)": theirs,
        "codes used (bar 0.6)": used,
        "peak": round(float(np.abs(decoded[model.config.books]).max()), 3),
        "mean": round(float(np.abs(decoded[model.config.books].mean(1)).max()), 6),
        "silence becomes": float(model.decode(model.quantizer(model.encode(torch.zeros(1, RATE)))[0]).abs().max()),
        "seconds to encode, and decode 6 times, a second of sound": round(spent / n / 4, 4),
    }  # fmt: skip


def listener() -> Listener:
    """Raises weights.WeightsError."""
    return weights.open_bundle("listener", lambda config: Listener(**config))


@torch.inference_mode()
def classify(model: Listener, waves: np.ndarray) -> tuple[torch.Tensor, list[str]]:
    """Features and families of sounds."""
    mel = torch.from_numpy(np.stack([log_mel(wave) for wave in waves]))
    features = torch.cat([model.features(part) for part in mel.split(32)])
    return features, [model.families[k] for k in model.head(F.silu(features)).argmax(1).tolist()]


def tempo_right(wave: np.ndarray, wanted: int) -> bool:
    """Whether librosa's beat tracking finds the tempo within 8 %, or its double or half, which are heard alike."""
    found = float(np.atleast_1d(librosa.feature.tempo(y=wave, sr=RATE, start_bpm=wanted))[0])
    return any(abs(found * factor / wanted - 1) < 0.08 for factor in (0.5, 1, 2))


def in_key(wave: np.ndarray, row: dict) -> float:
    """The share of voiced frames whose pitch (pyin) is a note of the key."""
    pitch, voiced, _ = librosa.pyin(wave, fmin=40, fmax=2500, sr=RATE, frame_length=2048, hop_length=640)
    degrees = (np.round(librosa.hz_to_midi(pitch[voiced])) - row["tonic"]) % 12
    return float(np.isin(degrees, audio.MODES[row["mode"]]).mean()) if len(degrees) else 0.0


def played(name: str, captions: list[str]) -> np.ndarray:
    """A generator's sounds of four seconds, seeds 0, 1, 2, …"""
    return np.stack(
        [last(load(name), prompt=line, seed=k).result.samples[: 4 * RATE] for k, line in enumerate(captions)]
    )


def following(n: int = 200) -> dict[str, Any]:
    """Held-out captions: whether family, tempo and key are as asked, in both generators' sounds, in real ones, and in
    those through the codec."""
    real, rows = held_out(n)
    model, captions, through = listener(), asked(rows), audio.load()
    with torch.inference_mode():
        coded = torch.cat([through(part)[0] for part in torch.from_numpy(real).split(20)]).numpy()
    sets = {"real": real, "through the codec": coded}
    for name in MODELS:
        sets[name] = played(name, captions)
        for k in range(12):
            (audio_folder() / f"{name}-{k}.wav").write_bytes(sounds.file(sets[name][k], "wav", captions[k]))
    found: dict[str, Any] = {"n": n}
    features, pool = (
        {name: classify(model, waves) for name, waves in sets.items()},
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")),
    )
    for name, waves in sets.items():
        melodic = [k for k, row in enumerate(rows) if row["kind"] in ("melody", "arpeggio")]
        metrics = {
            "family (bar 0.8)": np.mean([a == row["family"] for a, row in zip(features[name][1], rows, strict=True)]),
            "tempo (bar 0.7)": np.mean(
                [tempo_right(wave, row["tempo"]) for wave, row in zip(waves, rows, strict=True)]
            ),
            "in key (bar 0.8)": np.mean(list(pool.map(in_key, waves[melodic], [rows[k] for k in melodic]))),
            "Fréchet distance in the listener's features": frechet(features[name][0], heard_training(model, 2 * n)),
        }
        found[name] = {what: round(float(value), 3) for what, value in metrics.items()}
    for name in MODELS:
        add_measurements(
            name,
            {
                what.split(" (")[0]: f"{value} (real {found['real'][what]}; n = {n})"
                for what, value in found[name].items()
            },
        )
    return found


def heard_training(model: Listener, n: int) -> torch.Tensor:
    """Features of training phrases, to compare with."""
    return classify(model, held_out(n, "train")[0])[0]


def audio_folder() -> Any:
    """Where sounds to listen to are left."""
    from pipelines.datasets import cache_dir

    folder = cache_dir() / "heard"
    folder.mkdir(exist_ok=True)
    return folder


def speed() -> dict[str, Any]:
    """Seconds of four seconds of sound, to the first sound or preview, medians of 5; memory."""
    found: dict[str, Any] = {}
    for name in MODELS:
        pipe, whole, first = load(name), [], []
        last(pipe, prompt="piano", seconds=1)
        for k in range(5):
            begun = time.perf_counter()
            run = pipe.generate(prompt="vibraphone melody", seed=k)
            frame = next(run)
            while name == "audio-tokens" and not frame.view["url"]:
                frame = next(run)
            first.append(time.perf_counter() - begun)
            for _ in run:
                pass
            whole.append(time.perf_counter() - begun)
        found[name] = {
            "seconds (bar 4)": round(float(np.median(whole)), 2),
            "first (bar 0.7)": round(float(np.median(first)), 2),
        }
        add_measurements(name, {"4 s of sound, 2 cores": f"{found[name]['seconds (bar 4)']} s"})
    return {**found, "memory, GB": round(psutil.Process().memory_info().rss / 1e9, 2)}


def measure() -> dict[str, Any]:
    """All of it."""
    return {part.__name__: part() for part in (speed, codec, following)}
