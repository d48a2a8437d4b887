"""What the weights can do, measured with the attribute reader. Needs the data sets and half an hour of two cores.

Every figure has its n; seeds are 0, 1, 2, …
"""

from __future__ import annotations

import random

import numpy as np
import torch

from pipelines import datasets as data
from pipelines import load, text
from pipelines.core.cards import add_measurements
from pipelines.datasets import avatars
from pipelines.diffusion import samplers
from pipelines.diffusion.guidance import Guidance
from pipelines.diffusion.samplers import DETERMINISTIC
from pipelines.evaluation.metrics import load_reader, read_attributes
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion.pipeline import TextConditioning
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings
from pipelines.nn.pixels import to_tensor


def hits(read: dict[str, list[str]], rows: list[dict], names: list[list[str]]) -> float:
    """Of all named attributes, the share that the reader finds."""
    checks = [read[name][i] == rows[i]["labels"][name] for i in range(len(rows)) for name in names[i]]
    return float(np.mean(checks))


def accuracy(read: dict[str, list[str]], rows: list[dict], name: str) -> float:
    """The share of pictures that have the attribute and in which it is read right."""
    return float(np.mean([read[name][i] == r["labels"][name] for i, r in enumerate(rows) if name in r["labels"]]))


@torch.inference_mode()
def reconstruction(n: int = 400) -> dict[str, object]:
    """PSNR on held-out pictures, and attribute survival: the reader on reconstructions over the reader on the real
    ones."""
    model, reader, found = autoencoder.load(), load_reader(), {}
    for name, splits in (("avatars", ("test",)), ("emoji", ("sibling", "unseen"))):
        source = data.load(name)
        picks = source.split(*splits)[:n]
        real = np.ascontiguousarray(source.images[picks])
        parts = [to_tensor(real[i : i + 50]) for i in range(0, len(real), 50)]
        decoded = np.concatenate([model.decode_uint8(model.encode(x)).numpy() for x in parts])
        error = np.square(decoded.astype(np.float64) - real).mean((1, 2, 3)).clip(1e-9)
        found[f"PSNR {name}, dB"] = round(float((10 * np.log10(255**2 / error)).mean()), 2)
        found[f"n {name}"] = len(picks)
        if name == "avatars":
            rows = [source.rows[i] for i in picks]
            before, after = read_attributes(reader, real), read_attributes(reader, decoded)
            found["survival"] = {
                a: round(accuracy(after, rows, a) / accuracy(before, rows, a), 3) for a in avatars.LABELS
            }
    return found


@torch.inference_mode()
def pictures(captions: list[str], batch: int = 20) -> np.ndarray:
    """One picture a caption, seeds 0, 1, 2, …, with the settings' defaults, many at once: uint8 (n, 128, 128, 3)."""
    pipe, s, images = load("latent-diffusion"), LatentDiffusionSettings(), []
    config, times, path = pipe.transformer.config, samplers.timesteps(s.steps), samplers.SCHEDULES[s.schedule]
    for first in range(0, len(captions), batch):
        part = captions[first : first + batch]
        tokens = pipe.resampler(*text.pad([text.encoder().encode(caption) for caption in part]))
        both = torch.cat([tokens, pipe.transformer.null.expand_as(tokens)])
        noise = samplers.seeded_noise(first, (config.channels, config.size, config.size), len(part))
        denoise = pipe.make_denoiser(
            TextConditioning(both, pipe.transformer.text_kv(both), None, [], ""),
            1,
            times,
            Guidance(s.guidance),
            path,
            [],
        )
        *_, (x, _, _) = samplers.SAMPLERS[s.sampler](denoise, noise(), times, path, noise, s.eta)
        images.append(pipe.autoencoder.decode_uint8(x).numpy())
    return np.concatenate(images)


def words(split: str, n: int = 300, named: int = 4) -> dict[str, object]:
    """Captions of held-out avatars that name 4 attributes each: found in generated pictures over found in the real
    ones."""
    source, rng, reader = data.load("avatars"), random.Random(0), load_reader()
    picks = source.split(split)[:n]
    rows, captions, names = [source.rows[i] for i in picks], [], []
    for row in rows:
        chosen = rng.sample([a for a in row["labels"] if row["labels"][a] != "none"], named)
        if split == "compositional":  # the held-out pair is among the named
            pair = next(p for p in avatars.HELD_OUT if all(row["labels"].get(k) == v for k, v in p.items()))
            chosen = [*pair, *[a for a in chosen if a not in pair]][:named]
        caption, attributes = avatars.caption(row["labels"], row["gender"], rng, chosen)
        captions.append(caption)
        names.append(attributes)
    generated = pictures(captions)
    data.contact_sheet(generated[:64], columns=8).save(data.cache_dir() / f"words-{split}.png")
    real = hits(read_attributes(reader, np.ascontiguousarray(source.images[picks])), rows, names)
    read = read_attributes(reader, generated)
    ours = hits(read, rows, names)
    by = {a: [read[a][i] == rows[i]["labels"][a] for i in range(len(rows)) if a in names[i]] for a in avatars.LABELS}
    each = {a: round(float(np.mean(v)), 2) for a, v in by.items() if v}
    return {
        "n": len(rows),
        "real": round(real, 3),
        "generated": round(ours, 3),
        "ratio": round(ours / real, 3),
        "generated, by attribute": each,
    }


def run(**settings: object) -> np.ndarray:
    """The pictures of one run of the pipeline."""
    *_, last = load("latent-diffusion").generate(
        prompt="a woman with curly red hair and round glasses, smiling", **settings
    )
    return np.stack([result.pixels for result in (last.result if isinstance(last.result, list) else [last.result])])


def agreement(n: int = 8, steps: int = 50) -> dict[str, float]:
    """Mean absolute difference (0 to 1) of each deterministic sampler's pictures from Heun's at 50 steps."""
    images = {s: run(sampler=s, steps=steps, count=n).astype(float) / 255 for s in DETERMINISTIC}
    return {s: round(float(np.abs(x - images["heun"]).mean()), 4) for s, x in images.items() if s != "heun"}


def batch_difference() -> int:
    """The greatest difference, in 1/255, of 8 pictures made together from the same made one by one; seeds 0 to 7."""
    together = run(count=8).astype(int)
    return max(int(np.abs(together[i] - run(seed=i)[0]).max()) for i in range(8))


def measure() -> dict[str, object]:
    """All of it; the main figures go to the cards."""
    found = {
        "reconstruction (bars: 31 dB, 27 dB, survival 0.97)": reconstruction(),
        "words, held out (bar 0.9)": words("test"),
        "words, compositional (bar 0.8)": words("compositional"),
        "sampler agreement at 50 steps (bar 0.02)": agreement(),
        "alone against in a batch of 8, of 255 (bar 2)": batch_difference(),
    }
    back, test, compositional, agree, _ = found.values()
    add_measurements("autoencoder", {
        "held-out avatars": f"{back['PSNR avatars, dB']} dB (n = {back['n avatars']})",
        "held-out emoji": f"{back['PSNR emoji, dB']} dB (n = {back['n emoji']})",
        "attribute survival, least": "{1} ({0})".format(*min(back["survival"].items(), key=lambda kv: kv[1])),
    })  # fmt: skip
    add_measurements("latent-diffusion", {
        "obeys 4 named attributes": f"{test['ratio']} of real pictures (n = {test['n']})",
        "new combinations": f"{compositional['ratio']} (n = {compositional['n']})",
        "samplers agree within": f"{max(agree.values())}",
    })  # fmt: skip
    return found
