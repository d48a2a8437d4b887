"""The scene reader: which things are where, in which colour, and in what land, light and weather.

It measures, and is never a loss.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets.scenes import compose, land
from pipelines.datasets.scenes.kinds import KINDS, PAINT, TONES
from pipelines.evaluation.scene_reader import Detection, SceneReader
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor

THING_LABELS = {
    "kind": [k.name for k in KINDS],
    "colour": ["", *PAINT],
    "facing": ["", "left", "right"],
    "gender": ["", "man", "woman"],
    "tone": ["", *TONES],
}
SCENE_LABELS = {
    "mode": ["plain", "scene"], "ground": list(compose.GROUNDS), "land": land.LANDS, "time": land.TIMES,
    "weather": land.WEATHERS, "season": land.SEASONS,
    "rainbow": ["no", "yes"],
}  # fmt: skip
GRID = 32  # side of the map of heat
SEEN = 0.4  # a thing of which less is seen is neither wanted nor wrong


def scene_targets(rows: list[dict]) -> dict[str, Tensor]:
    """Label indices (n,) of the whole picture; -1 where the label makes no sense."""
    found = {}
    for name, values in SCENE_LABELS.items():
        index = {value: i for i, value in enumerate(values)}
        value = [("yes" if row.get("rainbow") else "no") if name == "rainbow" else row.get(name) for row in rows]
        if name == "season":
            value = [v if row.get("land") in land.SEASONAL else None for v, row in zip(value, rows, strict=True)]
        found[name] = torch.tensor([index.get(v, -1) for v in value])
    return found


def thing_targets(rows: list[dict]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Heat (n, 32, 32) with a Gaussian at each thing's middle, -1 where it does not count; cells (m, 3) of picture, row
    and column; and the label indices (m,) there."""
    index = {name: {value: i for i, value in enumerate(values)} for name, values in THING_LABELS.items()}
    heat = np.zeros((len(rows), GRID, GRID), np.float32)
    cells, labels = [], {name: [] for name in THING_LABELS}
    yy, xx = np.mgrid[0:GRID, 0:GRID] + 0.5
    for i, row in enumerate(rows):
        for thing in row["things"]:
            x0, y0, x1, y1 = thing["box"]
            x, y = (x0 + x1) * GRID / 512, (y0 + y1) * GRID / 512
            spread = np.clip((x1 - x0 + y1 - y0) * GRID / 512 / 5, 0.7, 2.5)
            shape = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * spread**2))
            column, line = min(int(x), GRID - 1), min(int(y), GRID - 1)
            if thing["seen"] < SEEN:
                heat[i][shape > 0.1] = -1
                continue
            heat[i] = np.maximum(heat[i], shape)
            heat[i, line, column] = 1
            group = row["groups"][thing["group"]]
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if 0 <= line + dy < GRID and 0 <= column + dx < GRID:
                        cells.append((i, line + dy, column + dx))
                        for name in labels:
                            labels[name].append(index[name][group[name]])
    return (
        torch.from_numpy(heat),
        torch.tensor(cells).reshape(-1, 3),
        {name: torch.tensor(value, dtype=torch.long) for name, value in labels.items()},
    )


def detection_loss(model: SceneReader, features: list[Tensor], rows: list[dict]) -> tuple[Tensor, dict[str, float]]:
    """Focal loss of the heat (Zhou et al. 2019, eq. 1), cross-entropy of things' labels around their middles and of
    the scene's."""
    heat, things, scene = (part.float() for part in model.heads(features))
    wanted, cells, labels = thing_targets(rows)
    wanted, cells = wanted.to(heat.device), cells.to(heat.device)
    p = heat.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = wanted == 1
    focal = torch.where(peak, -((1 - p) ** 2) * p.log(), -((1 - wanted) ** 4) * p**2 * (1 - p).log()) * (wanted >= 0)
    focal = focal.sum() / peak.sum().clamp_min(1)
    here = model.thing_logits(things[cells[:, 0], :, cells[:, 1], cells[:, 2]])
    losses = {
        name: F.cross_entropy(here[name], labels[name].to(heat.device), label_smoothing=0.02) for name in labels
    }
    whole = scene_targets(rows)
    scene_losses = [
        F.cross_entropy(part, whole[name].to(heat.device), ignore_index=-1, reduction="sum")
        / max(int((whole[name] >= 0).sum()), 1)
        for name, part in model.scene_logits(scene).items()
    ]
    total = (
        focal
        + losses["kind"]
        + 0.5 * sum(v for k, v in losses.items() if k != "kind")
        + 0.5 * torch.stack(scene_losses).mean() * len(scene_losses) / 3
    )
    return total, {
        "heat": float(focal.detach()),
        "kind": float(losses["kind"].detach()),
        "colour": float(losses["colour"].detach()),
    }


def truth(row: dict) -> list[dict]:
    """The things of a scene that can be seen, each with its group's labels and the third of the picture that it is
    in."""
    found = []
    for thing in row["things"]:
        if thing["seen"] >= SEEN:
            group = row["groups"][thing["group"]]
            x = (thing["box"][0] + thing["box"][2]) / 512
            found.append({**{name: group[name] for name in THING_LABELS}, "third": min(int(3 * x), 2), "x": x})
    return found


def score(rows: list[dict], read: list[tuple[dict[str, str], list[Detection]]]) -> dict[str, float]:
    """Shares read right: each label of the whole; kinds found (in the right third), with their labels, and counts of a
    kind."""
    hits: dict[str, list[bool]] = {}

    def add(name: str, right: bool) -> None:
        hits.setdefault(name, []).append(right)

    for row, (whole, found) in zip(rows, read, strict=True):
        for name, wanted in scene_targets([row]).items():
            if wanted[0] >= 0:
                add(name, whole[name] == SCENE_LABELS[name][wanted[0]])
        things = truth(row)
        for kind in {t["kind"] for t in things}:
            mine, theirs = [t for t in things if t["kind"] == kind], [d for d in found if d.labels["kind"] == kind]
            add("kind", bool(theirs))
            add("count", len(theirs) == len(mine))
            if len(mine) == 1:
                add("third", any(min(int(3 * d.x), 2) == mine[0]["third"] for d in theirs))
            for name in ("colour", "facing", "gender", "tone"):
                if mine[0][name]:
                    add(name, bool(theirs) and theirs[0].labels[name] == mine[0][name])
        add("nothing invented", all(d.labels["kind"] in {t["kind"] for t in things} for d in found))
    return {name: round(float(np.mean(right)), 4) for name, right in sorted(hits.items())}


class Recipe:
    name = "scene-reader"
    steps, lr, ema, batch = 6000, 1.5e-3, 0.997, 32
    width, look_every = 64, 300

    def __init__(self) -> None:
        self.set = data.load("scenes")
        self.train = self.set.split("train")

    def build(self) -> nn.Module:
        return SceneReader(THING_LABELS, SCENE_LABELS, width=self.width)

    @staticmethod
    def soften(x: Tensor, rng: np.random.Generator) -> Tensor:
        """Blur, noise and small shifts: soft pictures are to be read as fairly as crisp ones."""
        some = (len(x), 1, 1, 1)
        x = torch.roll(x, tuple(int(k) for k in rng.integers(-6, 7, 2)), (2, 3))
        soft = F.interpolate(F.avg_pool2d(x, 4 if rng.random() < 0.3 else 2), size=x.shape[2], mode="bilinear")
        x = torch.lerp(x, soft, torch.rand(some, device=x.device) * (torch.rand(some, device=x.device) < 0.7))
        return x + torch.randn_like(x) * 0.08 * torch.rand(some, device=x.device)

    def loss(self, model: SceneReader, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        picks = np.sort(rng.choice(self.train, self.batch, replace=False))
        x = self.soften(to_tensor(self.set.images[picks]).to(next(model.parameters()).device), rng)
        return detection_loss(model, model.features(x), [self.set.rows[i] for i in picks])

    @torch.no_grad()
    def evaluate(self, model: SceneReader, folder: Path, step: int) -> dict[str, float]:
        picks = self.set.split("test", "compositional")[:600]
        device = next(model.parameters()).device
        read = [
            r
            for i in range(0, len(picks), 50)
            for r in model.detect(to_tensor(self.set.images[picks[i : i + 50]]).to(device))
        ]
        return score([self.set.rows[i] for i in picks], read)

    def export(self, model: nn.Module, record: dict) -> None:
        weights.save(self.name, model, {
            "thing_labels": THING_LABELS, "scene_labels": SCENE_LABELS, "width": self.width,
        }, {
            "data": "scenes, training split",
            "licence": "MIT; trained on scenes of Fluent Emoji (MIT)",
            "measured": "shares read right on 600 held-out real scenes",
            **record,
        })  # fmt: skip
