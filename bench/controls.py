"""What the controls do, ControlNet's and pix2pix', measured on held-out pictures. Needs the data sets.

`python -m bench controls.controlnet` measures one of them. Seeds are 0, 1, 2, … What belongs to a card is written to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import torch

from bench.distance import distances
from bench.edits import held_out, last, looked_at
from pipelines import datasets as data
from pipelines import load
from pipelines.core import cards
from pipelines.evaluation.metrics import ClipFeatures
from pipelines.media.control_maps import edges
from pipelines.models.pix2pix import pipeline as pix2pix
from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8

DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))  # a tolerance of 2 pixels


def f1(found: np.ndarray, wanted: np.ndarray, counted: np.ndarray) -> float:
    """F1 of edges (h, w), each found within 2 pixels, where `counted`."""
    a, b = (found > 0) & counted, (wanted > 0) & counted
    precision = (a & (cv2.dilate(wanted, DISC) > 0)).sum() / max(a.sum(), 1)
    recall = (b & (cv2.dilate(found, DISC) > 0)).sum() / max(b.sum(), 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def own() -> np.ndarray:
    """Where fewer than a fifth of avatars have an edge within 2 pixels: all have nearly the same face, neck and
    shoulders."""
    return np.mean([cv2.dilate(edges(p), DISC) > 0 for p in data.load("avatars").images[:500]], axis=0) < 0.2


def cells(picture: np.ndarray) -> np.ndarray:
    """The mean colours of 8 x 8 cells."""
    return cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA).astype(float)


def controlnet(n: int = 100) -> dict[str, Any]:
    """Edges of held-out avatars as control, under their captions: how well they are followed, and what that costs."""
    real, rows = held_out(n)
    base, pipe, scores, seconds, columns = load("latent-diffusion"), load("controlnet"), {}, {}, []
    counted = {"all": np.ones((data.SIZE, data.SIZE), bool), "own": own()}
    kinds = {"base": None, "edges": "edges", "scribble": "scribble", "palette": "palette"}
    last(pipe, control=real[0], kind="edges")  # loads
    for name, kind in kinds.items():
        begun, generated = time.perf_counter(), []
        for k, row in enumerate(rows):
            more = {"prompt": row["caption"], "seed": k}
            generated.append(
                last(pipe, control=real[k], kind=kind, **more).result.pixels
                if kind
                else last(base, **more).result.pixels
            )
        seconds[name] = (time.perf_counter() - begun) / n
        scores[name] = {
            what: float(np.mean([f1(edges(m), edges(r), where) for m, r in zip(generated, real, strict=True)]))
            for what, where in counted.items()
        }
        columns.append(np.stack(generated))
    looked_at("controlnet", real, *columns)
    colours = [
        float(np.mean([np.abs(cells(m) - cells(r)).mean() for m, r in zip(columns[i], real, strict=True)]))
        for i in (0, 3)
    ]
    off = last(pipe, control=real[0], kind="edges", weight=0, prompt=rows[0]["caption"], seed=3).result.pixels
    same = bool(np.array_equal(off, last(base, prompt=rows[0]["caption"], seed=3).result.pixels))
    for kind in ("edges", "scribble"):
        metrics = {
            f"edges' F1 at 2 pixels, {what}": f"{scores[kind][what]:.2f} (the base {scores['base'][what]:.2f}; n = {n})"
            for what in counted
        }
        cards.add_measurements(f"controlnet-{kind}", metrics)
    cards.add_measurements(
        "controlnet-palette",
        {"colours' distance, 0 to 255": f"{colours[1]:.1f} (the base {colours[0]:.1f}; n = {n})"},
    )
    return {
        "n": n,
        "F1 (bars: edges 0.65, base at most 0.35)": {
            k: {a: round(b, 3) for a, b in v.items()} for k, v in scores.items()
        },
        "colours of 8 x 8 cells, distance of base and palette": [round(c, 1) for c in colours],
        "weight 0 is the base bit for bit": same,
        "time over the base's (bar 1.6)": round(seconds["edges"] / seconds["base"], 2),
    }  # fmt: skip


def lines_to_pictures() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Held-out lines (h, w) in {0, 255}, their style, and the picture that they belong to."""
    lines, emoji = data.load("lines"), data.load("emoji")
    for i in lines.split("sibling", "unseen"):
        yield "emoji", 255 - lines.images[i][..., 0], emoji.images[lines.rows[i]["emoji"]]
    for picture in held_out(300)[0]:
        yield "avatar", edges(picture), picture


@torch.inference_mode()
def pix2pix_pairs() -> dict[str, Any]:
    """pix2pix beside its twin that had only L1, trained for as many steps: KID, distance in the eye's features, and
    latency."""
    eye, pairs, found, columns, fars = ClipFeatures(), list(lines_to_pictures()), {}, [], []
    real = np.stack([picture for *_, picture in pairs])
    columns.append(np.stack([np.repeat(255 - line[..., None], 3, 2) for _, line, _ in pairs]))
    for name, folder in (("pix2pix", None), ("pix2pix-l1", data.cache_dir() / "weights")):
        net = weights.open_bundle(name, lambda config: pix2pix.UNet(tuple(config["widths"])), folder).to(
            memory_format=torch.channels_last
        )
        generated = []
        for style, line, _ in pairs:
            kind = torch.eye(len(pix2pix.STYLES))[[pix2pix.STYLES.index(style)]]
            generated.append(
                to_uint8(net(torch.from_numpy(line > 127)[None, None].float(), kind)[0].permute(1, 2, 0)).numpy()
            )
        columns.append(np.stack(generated))
        a, b = eye.features(columns[-1]), eye.features(real)
        fars.append(far := 1 - (a * b).sum(1))
        of = {kind: [k for k, (style, *_) in enumerate(pairs) if style == kind] for kind in pix2pix.STYLES}
        apart = {
            f"1 - cosine in the eye's features, {kind}": round(far[some].mean().item(), 4)
            for kind, some in of.items()
        }
        found[name] = {"steps": cards.card(name, folder)["steps"], **distances(a, b, 200), **apart}
    more = fars[0] - fars[1]
    found["farther than the twin, picture by picture"] = (
        f"{more.mean():.4f}, standard error {more.std() / len(more) ** 0.5:.4f}"
    )
    looked_at("pix2pix", columns[0][::9], columns[1][::9], columns[2][::9], real[::9])
    pipe, seconds = load("pix2pix"), []
    for _, line, _ in pairs[:50]:
        begun = time.perf_counter()
        last(pipe, control=255 - line)
        seconds.append(time.perf_counter() - begun)
    found["pix2pix"]["ms a picture, decoding and all (bar 60)"] = ms = round(1000 * float(np.median(seconds)), 1)
    metrics = {
        key: f"{found['pix2pix'][key]} (its twin with L1 alone {found['pix2pix-l1'][key]}; n = {len(pairs)})"
        for key in ("eye-KID x 1000", *apart)
    }
    cards.add_measurements("pix2pix", {**metrics, "one pass, decoding and all": f"{ms} ms"})
    return {"n": len(pairs), **found}


def measure() -> dict[str, object]:
    """All of it."""
    return {part.__name__: part() for part in (controlnet, pix2pix_pairs)}
