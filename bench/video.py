"""What the clips do, measured beside held-out ones. Needs the data set `motion`; a quarter of an hour of two cores.

`python -m bench video.steady` measures one of them. Seeds are 0, 1, 2, … What belongs to the card is written to it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from bench.edits import last
from pipelines import datasets as data
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.core.contract import frame_differences
from pipelines.datasets.motion import FRAMES
from pipelines.evaluation.metrics import ClipFeatures, frechet, kid_over_subsets, stretched
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.nn.pixels import to_tensor

EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"
SAID = [  # a dozen prompts for the README, seeds 0 to 11
    "grinning face", "waving hand, large motion", "red heart", "man running", "woman dancing", "rocket",
    "dog face", "crying face", "fire", "rainbow", "clapping hands", "ghost, small motion",
]  # fmt: skip
PARTS, KEPT = 4, 16  # frames of a clip, and principal components of each, that the Fréchet distance over time stacks


def held_out(n: int, *splits: str) -> tuple[np.ndarray, list[dict]]:
    """Clips (n, 16, 128, 128, 3) that were not trained on, and their rows."""
    source = data.load("motion")
    picks = np.random.default_rng(0).permutation(source.split(*splits or ("sibling", "unseen")))[:n]
    return np.stack([source.images[i] for i in picks]), [source.rows[i] for i in picks]


def draw_clips(rows: list[dict], **more: Any) -> np.ndarray:
    """A clip for each row: its caption, its amount of motion, seeds 0, 1, 2, …"""
    given = [
        {"prompt": row["caption"], "motion": row["rank"], "seed": k, "loop": row["loops"], **more}
        for k, row in enumerate(rows)
    ]
    return np.stack([last(load("video"), **s).result.frames for s in given])


def around(clips: np.ndarray) -> np.ndarray:
    """Mean absolute difference of each frame from the one before, once around: (n, f)."""
    return np.array([frame_differences(clip, loop=True) for clip in clips])


def spectrum(clips: np.ndarray) -> np.ndarray:
    """Mean amplitude of pixels over time, at each harmonic of the loop: (f / 2,)."""
    total = np.zeros(clips.shape[1] // 2)
    for clip in clips:
        total += np.abs(np.fft.rfft(clip.astype(np.float32), axis=0)[1:]).mean((1, 2, 3)) / len(clip)
    return total / len(clips)


def quality(n: int = 96) -> dict[str, Any]:
    """Clips under held-out captions beside the held-out clips: how much they move and how fast, what the eye says of
    their frames."""
    real, rows = held_out(n)
    generated, eye = draw_clips(rows), ClipFeatures()
    pairs = np.stack([generated[:24, ::2], real[:24, ::2]], 1)
    data.contact_sheet(pairs.reshape(-1, *real.shape[2:]), columns=16).save(data.cache_dir() / "video-quality.png")
    moved, wanted, steps = around(generated).mean(), around(real).mean(), around(generated)
    closes = (steps[:, 0] / np.median(steps, 1).clip(0.05))[[row["loops"] for row in rows]]
    a, b = spectrum(generated), spectrum(real)
    found: dict[str, Any] = {
        "n": n,
        "change over the real ones' (bar 0.75 to 1.25)": round(float(moved / wanted), 3),
        "spectrum's distance (bar 0.25)": round(float(np.abs(a - b).sum() / b.sum()), 3),
        "spectrum, made and real": [[round(float(v), 2) for v in side] for side in (a, b)],
        "last to first over the median step, of loops (bar 1.5)": round(float(np.median(closes)), 2),
        "the same, share of clips above 1.5": round(float((closes > 1.5).mean()), 2),
    }
    for split in ("sibling", "unseen"):
        some = [k for k, row in enumerate(rows) if row["split"] == split]
        captions = [rows[k]["caption"] for k in some]
        ours, theirs = (
            eye.clip_score(clips[some, FRAMES // 2], captions).mean().item() for clips in (generated, real)
        )
        metrics = {
            "n": len(some),
            "made": round(ours, 1),
            "real": round(theirs, 1),
            "share (bar 0.9, of siblings)": round(ours / theirs, 3),
        }
        found[f"CLIP score of the middle frame, {split}"] = metrics
    training, _ = held_out(2 * n, "train")
    sets = {"made": generated, "real": real, "one half": training[:n], "other half": training[n:]}
    features = {
        name: eye.features(clips[:, :: FRAMES // PARTS].reshape(-1, *clips.shape[2:])) for name, clips in sets.items()
    }
    _, _, main = torch.pca_lowrank(features["one half"], KEPT)
    stacked = {name: (f @ main).reshape(len(f) // PARTS, -1) for name, f in features.items()}
    for what, (x, y) in {
        "made against real": ("made", "real"),
        "floor, two halves of training clips": ("one half", "other half"),
    }.items():
        mean, spread = kid_over_subsets(stretched(features[x]), stretched(features[y]))
        metrics = {"eye-KID of frames x 1000": round(1000 * mean, 2), "spread": round(1000 * spread, 2)}
        found[what] = {**metrics, "eye-Frechet over time": round(frechet(stacked[x], stacked[y]), 4)}
    kids = [
        found[what]["eye-KID of frames x 1000"]
        for what in ("made against real", "floor, two halves of training clips")
    ]
    add_measurements(
        "video",
        {
            "change over held-out clips'": f"{moved / wanted:.2f} (n = {n})",
            "eye-KID of frames × 1000, (cos + 1)³": f"{kids[0]} (floor {kids[1]}; n = {n})",
        },
    )
    return found


def sheets() -> dict[str, Any]:
    """What the README shows: a dozen prompts, and a dozen held-out first frames set in motion, every other frame; not
    picked."""
    real, rows = held_out(12)
    generated = np.stack([last(load("video"), prompt=prompt, seed=k).result.frames for k, prompt in enumerate(SAID)])
    animated = np.concatenate([draw_clips([row], image=real[k, 0], seed=k) for k, row in enumerate(rows)])
    for name, clips in {"video": generated, "animated": animated}.items():
        sheet = data.contact_sheet(clips[:, ::2].reshape(-1, *clips.shape[2:]), columns=16)
        sheet.resize((sheet.width // 2, sheet.height // 2)).save(EXAMPLES / f"{name}.jpg", quality=88)
    return {
        "n": 12,
        "change": {
            name: round(float(around(clips).mean()), 2)
            for name, clips in (("made", generated), ("animated", animated), ("real", real))
        },
    }


def steady(n: int = 24) -> dict[str, Any]:
    """Why frames are drawn together: change from frame to frame by each way, on the same captions and seeds, and that
    of real clips."""
    real, rows = held_out(n)
    found = {
        way: round(float(around(draw_clips(rows, method=way)).mean()), 2)
        for way in ("joint", "shared", "independent")
    }
    found["real"] = round(float(around(real).mean()), 2)
    add_measurements(
        "video",
        {
            "change from frame to frame, of 255": ", ".join(f"{way} {value}" for way, value in found.items())
            + f" (n = {n})"
        },
    )
    return {"n": n, **found, "shared over joint (bar 3)": round(found["shared"] / found["joint"], 2)}


@torch.inference_mode()
def animated(n: int = 24) -> dict[str, Any]:
    """Held-out first frames set in motion: how near the clip's first frame is to what the autoencoder makes of it."""
    real, rows = held_out(n)
    coder = autoencoder.load()
    clips = np.concatenate([draw_clips([row], image=real[k, 0], seed=k) for k, row in enumerate(rows)])
    data.contact_sheet(clips[:12, ::2].reshape(-1, *clips.shape[2:]), columns=8).save(
        data.cache_dir() / "video-animated.png"
    )
    alone = coder.decode_uint8(coder.encode(to_tensor(real[:, 0]))).numpy()
    error = np.square(clips[:, 0].astype(float) - alone).mean((1, 2, 3)).clip(1e-3)
    decibels, share = (10 * np.log10(255**2 / error)).mean(), around(clips).mean() / around(real).mean()
    return {
        "n": n,
        "first frame, dB (bar 28)": round(float(decibels), 1),
        "change over the real ones'": round(float(share), 2),
    }


def speed() -> dict[str, Any]:
    """Seconds of a clip of 16 to 48 frames, 20 steps; medians of 3."""
    found, first, pipe = {}, [], load("video")
    last(pipe, prompt="a dog", steps=1)
    for frames in (16, 20, 32, 48):
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            run = pipe.generate(prompt="a dog", frames=frames, loop=False)
            next(run)
            first.append(time.perf_counter() - begun)
            for _frame in run:
                pass
            seconds.append(time.perf_counter() - begun)
        found[frames] = round(float(np.median(seconds)), 2)
    drawn_cost(found)
    power = np.polyfit(np.log(list(found)), np.log(list(found.values())), 1)[0]
    add_measurements("video", {"16 frames, 20 steps, 2 cores": f"{found[16]} s"})
    preview, memory = round(float(np.median(first)), 2), round(psutil.Process().memory_info().rss / 1e9, 2)
    return {
        "seconds by frames (bar 8 at 16)": found,
        "first preview (bar 1)": preview,
        "memory, GB (bar 3)": memory,
        "grows as n to the power of (bar 1.2)": round(float(power), 2),
    }


def drawn_cost(seconds: dict[int, float]) -> None:
    """Seconds against frames as an SVG for the README, with the line from nothing through 16 frames."""
    most, top = max(seconds), max(seconds.values())

    def at(frames: float, cost: float) -> str:
        return f"{50 + 330 * frames / most:.1f},{190 - 160 * cost / top:.1f}"

    dots = "".join(
        '<circle cx="{}" cy="{}" r="4" fill="#c3301a"/>'.format(*at(n, s).split(",")) for n, s in seconds.items()
    )
    marks = "".join(f'<text x="{at(n, 0).split(",")[0]}" y="208" text-anchor="middle">{n}</text>' for n in seconds)
    marks += "".join(
        f'<text x="44" y="{at(0, s).split(",")[1]}" text-anchor="end">{s:.0f} s</text>' for s in (0, top / 2, top)
    )
    lines = f'<polyline points="{" ".join(at(n, s) for n, s in seconds.items())}" fill="none" stroke="#c3301a" stroke-width="2"/>'
    lines += f'<polyline points="{at(0, 0)} {at(most, seconds[16] * most / 16)}" fill="none" stroke="#6b6058" stroke-dasharray="4 4"/>'
    title = '<text x="215" y="18" text-anchor="middle">seconds of a clip by its frames; dashed: in proportion</text>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 220" font-family="sans-serif" font-size="11" fill="#6b6058">'
    (EXAMPLES / "video-cost.svg").write_text(f"{head}{title}{lines}{dots}{marks}</svg>\n")


def measure() -> dict[str, Any]:
    """All of it."""
    return {part.__name__: part() for part in (speed, sheets, steady, animated, quality)}
