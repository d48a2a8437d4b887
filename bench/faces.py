"""The classic families on faces of 64 pixels: how near their faces are to held-out ones, and what each promises.

Distances lie in the bundled eye's features, which no generator was trained or chosen with; faces are enlarged to its
128 pixels. n is said with each figure; seeds are 0, 1, 2, …. Needs the data set `faces`.
"""

from __future__ import annotations

import functools
import time

import numpy as np
import torch

from bench.served import open_tab, serve_desktop
from pipelines import datasets as data
from pipelines import load
from pipelines.core.cards import add_measurements
from pipelines.core.registry import in_tab
from pipelines.diffusion.samplers import SAMPLERS, SCHEDULES, seeded_noise
from pipelines.evaluation import metrics
from pipelines.media.images import resized, to_url
from pipelines.models.ddpm.spec import DDPMSettings
from pipelines.models.gan.conditions import CONDITIONS
from pipelines.models.stylegan.spec import DIRECTIONS
from pipelines.nn.latent import LatentPipeline
from pipelines.nn.pixels import to_uint8

N = 2000
SPACES = {  # name of a bundle: model and settings that draw from it
    "vae-plain": ("autoencoder", {}),
    "vae-low": ("vae", {"beta": "0.2"}),
    "vae-mid": ("vae", {"beta": "1"}),
    "vae-high": ("vae", {"beta": "5"}),
    "vae-map": ("vae", {"two_numbers": True}),
    "gan": ("gan", {}),
    "gan-collapse": ("gan", {"collapsed": True}),
    "stylegan": ("stylegan", {"psi": 1.0}),
}


def enlarged(faces: np.ndarray) -> np.ndarray:
    """Faces at the eye's and the reader's 128 pixels."""
    return np.stack([resized(face, 128) for face in faces])


@functools.cache
def eye() -> metrics.ClipFeatures:
    """The bundled eye."""
    return metrics.ClipFeatures()


@functools.cache
def real() -> tuple[torch.Tensor, torch.Tensor]:
    """Features of held-out faces, and of as many that were trained on."""
    source = data.load("faces")
    parts = [source.split("validation", "test")[:N], source.split("train")[:N]]
    return tuple(eye().features(enlarged(source.images[picks])) for picks in parts)


def draw_faces(pipe: LatentPipeline, settings: dict, n: int = N, seed: int = 0) -> np.ndarray:
    """Faces of the seeds seed, seed + 1, …."""
    s, found = pipe.Settings(**settings), []
    for first in range(seed, seed + n, 50):
        codes = torch.cat([pipe.code(k, s) for k in range(first, min(first + 50, seed + n))])
        found.append(pipe.draw(codes, s))
    return np.concatenate(found)


def distances(faces: np.ndarray) -> dict[str, float]:
    """KID with its deviation over subsets, Fréchet distance, precision and recall against held-out faces."""
    return compare(eye().features(enlarged(faces)))


def compare(mine: torch.Tensor) -> dict[str, float]:
    """The same of features."""
    held_out, _ = real()
    value, spread = metrics.kid_over_subsets(metrics.stretched(mine), metrics.stretched(held_out))
    found = {"KID x 1000": 1000 * value, "± x 1000": 1000 * spread, "Fréchet": metrics.frechet(mine, held_out)}
    return {k: round(v, 3) for k, v in (found | metrics.neighbours(mine, held_out)).items()}


def spaces() -> dict[str, dict[str, float]]:
    """Every one-pass family's faces against held-out ones."""
    found = {"floor": compare(real()[1])}  # of training faces: what a perfect model would have
    for bundle, (name, settings) in SPACES.items():
        found[bundle] = distances(draw_faces(load(name), settings))
        add_measurements(bundle, {f"faces, n = {N:,} a side": found[bundle], "floor": found["floor"]})
    return found


def conditional(n: int = 500) -> dict[str, float]:
    """How often the asked condition is found, and how often one switch leaves the reader's other verdicts."""
    pipe, reader, rng = load("conditional-gan"), metrics.load_reader(), np.random.default_rng(0)
    found, stays = [], []
    for k in range(n):
        settings = {name: str(rng.choice(values)) for name, values in CONDITIONS.items()}
        name = str(rng.choice(list(CONDITIONS)))
        other = settings | {name: str(rng.choice([v for v in CONDITIONS[name] if v != settings[name]]))}
        one, two = (pipe.Settings(**one) for one in (settings, other))
        faces = np.concatenate([pipe.draw(pipe.code(k, s), s) for s in (one, two)])
        read = metrics.read_attributes(reader, enlarged(faces))
        found += [read[c][0] == settings[c] for c in CONDITIONS if c != "hair" or settings["hair"] != "none"]
        stays += [read[c][0] == read[c][1] for c in read if c != name and c in (*CONDITIONS, "skin", "eyes", "mouth")]
    result = {"found as asked": float(np.mean(found)), "others stay at a switch": float(np.mean(stays)), "n": n}
    add_measurements("conditional-gan", {"conditions": {k: round(v, 3) for k, v in result.items()}})
    return result


def truncation() -> dict[str, dict[str, float]]:
    """StyleGAN's precision and recall as psi falls."""
    pipe = load("stylegan")
    found = {str(psi): distances(draw_faces(pipe, {"psi": psi})) for psi in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)}
    shown = {psi: {k: row[k] for k in ("precision", "recall")} for psi, row in found.items()}
    add_measurements("stylegan", {f"precision and recall by psi, n = {N:,}": shown})
    return found


def directions(n: int = 100, amount: float = 2.0) -> dict[str, dict[str, float]]:
    """How often a direction moves its own score by more than half a deviation the right way, and the others' by more
    than one."""
    from pipelines.models.stylegan.recipe_directions import scores

    pipe, reader = load("stylegan"), metrics.load_reader()

    def read(settings: dict) -> torch.Tensor:
        faces = enlarged(draw_faces(pipe, settings, n))
        with torch.no_grad():
            return scores(reader(torch.from_numpy(faces).permute(0, 3, 1, 2) / 127.5 - 1), reader.labels)

    before = read({"psi": 1.0})
    deviation, found = before.std(0), {}
    for k, name in enumerate(DIRECTIONS):
        moved = (read({"psi": 1.0, name: amount}) - before) / deviation
        others = torch.cat([moved[:, :k], moved[:, k + 1 :]], 1)
        found[name] = {
            "moves": (moved[:, k] > 0.5).double().mean().item(),
            "others": (others.abs() > 1).double().mean().item(),
        }
        found[name] = {key: round(value, 3) for key, value in found[name].items()}
    add_measurements("stylegan", {f"directions, n = {n}": found})
    return found


def inversion(n: int = 10, steps: int = 200) -> dict[str, float]:
    """PSNR of held-out faces found in w+ and in w, and seconds each."""
    from PIL import Image

    source, pipe, found = data.load("faces"), load("stylegan-inversion"), {}
    picks = source.split("validation", "test")[:n]
    for extended in (True, False):
        values, begun = [], time.perf_counter()
        for picture in source.images[picks]:
            *_, frame = pipe.generate(image=to_url(Image.fromarray(picture)), descent_steps=steps, extended=extended)
            values.append(float(frame.note.split(" dB")[0]))
        space = "w+" if extended else "w"
        found[f"dB in {space}"] = round(float(np.mean(values)), 2)
        found[f"seconds in {space}"] = round((time.perf_counter() - begun) / n, 2)
    add_measurements("stylegan", {f"inversion, {steps} steps, n = {n}": found})
    return found


@torch.inference_mode()
def chain(sampler: str, steps: int, n: int) -> np.ndarray:
    """DDPM's faces by one sampler, many at once."""
    pipe, s, path, found = load("ddpm"), DDPMSettings(), SCHEDULES["cosine"], []
    start = 1 - 1 / 1000
    times = [start * (1 - i / steps) for i in range(steps)] + [0.0]
    for first in range(0, n, 64):
        noise = seeded_noise(first, (3, 64, 64), min(64, n - first), pipe.device)
        *_, (x, _, _) = SAMPLERS[sampler](
            lambda x, t: pipe.denoise(x, t, path, s.clipped), noise(), times, path, noise, 0.0
        )
        found.append(to_uint8(x.permute(0, 2, 3, 1)).cpu().numpy())
    return np.concatenate(found)


def ddpm(n: int = N, few: int = 256, many: int = 1000) -> dict[str, dict[str, float]]:
    """DDIM at 50 steps on n faces; and beside ancestral sampling at `many` steps on `few`, which is slow."""
    found = {f"DDIM, 50 steps, n = {n}": distances(chain("ddim", 50, n))}
    if few:
        found[f"DDIM, 50 steps, n = {few}"] = distances(chain("ddim", 50, few))
        found[f"ancestral, {many} steps, n = {few}"] = distances(chain("ddpm", many, few))
    add_measurements("ddpm", found)
    return found


def rates(n: int = 100) -> dict[str, float]:
    """Pictures a second of compute as one drags: each alone, at another place."""
    found = {}
    for name in ("autoencoder", "vae", "gan", "conditional-gan", "stylegan"):
        pipe = load(name)
        places = np.linspace(-1, 1, n).round(2).tolist()
        list(pipe.generate())
        begun = time.perf_counter()
        for x in places:
            list(pipe.generate(x=x, y=-x))
        found[name] = round(n / (time.perf_counter() - begun), 1)
    return found


DRAGGED = """async ([x, y]) => {
  const pad = document.querySelector(".corners canvas"), now = document.getElementById("latent-now");
  const box = pad.getBoundingClientRect(), before = now.src;
  const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, pointerId: 1 };
  const begun = performance.now();
  pad.dispatchEvent(new PointerEvent("pointermove", at));
  while (now.src === before) await new Promise((done) => setTimeout(done, 1));
  await now.decode();
  return performance.now() - begun;
}"""


def drag(n: int = 50) -> dict[str, float]:
    """In a Chromium, milliseconds from the pointer to the decoded picture as one drags: median and p95 of n."""
    found = {}
    with serve_desktop() as (browser, url):
        page = open_tab(browser, url, "Latent")
        page.wait_for_selector(".corners img:not([hidden])", timeout=60_000)
        for label in [spec.label or spec.title for spec in in_tab("latent") if spec.live]:
            page.get_by_label(label, exact=True).check()
            page.wait_for_timeout(1500)
            box = page.locator(".corners").bounding_box()
            page.mouse.move(box["x"] + 50, box["y"] + 50)
            page.mouse.down()
            page.wait_for_timeout(1500)
            rng = np.random.default_rng(0)
            times = sorted(page.evaluate(DRAGGED, list(map(float, rng.uniform(0.1, 0.9, 2)))) for _ in range(n))
            page.mouse.up()
            found[label] = [round(times[n // 2]), round(times[int(0.95 * n)])]
    return {f"drag to picture, ms: median, p95; n = {n}": found}


def measure() -> dict[str, object]:
    """All of it."""
    parts = (spaces, ddpm, rates, conditional, truncation, directions, inversion)
    return {part.__name__: part() for part in parts}
