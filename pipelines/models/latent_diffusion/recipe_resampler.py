"""The resampler, on captions alone, before any picture. It names what an avatar's caption mentions; of a scene's
caption it tells which kinds of things there are, and, asked for a kind, that one's colour, number, place …, "" where
nothing was said, so that words stay bound to each other. And it tells which caption is meant (contrastively, against
the others of the batch, by MiniLM's sentence embedding of another caption of the same picture; Oord et al. 2018)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.datasets.avatars import LABELS
from pipelines.datasets.scenes.captions import RELATIONS, third
from pipelines.evaluation.recipe_attributes import targets
from pipelines.evaluation.recipe_scenes import SCENE_LABELS, THING_LABELS
from pipelines.nn import weights
from pipelines.text import WIDTH, Resampler

KINDS = {name: i for i, name in enumerate(THING_LABELS["kind"])}
# what may be said of each thing, and of the whole; index 0 of each is "nothing was said"
OF_THINGS = {
    **{name: THING_LABELS[name] for name in ("colour", "facing", "gender", "tone")},
    "count": ["", "1", "2", "3"], "third": ["", "left", "middle", "right"],
}  # fmt: skip
OF_WHOLE = {name: ["", *values] for name, values in SCENE_LABELS.items() if name not in ("mode", "rainbow")}


class Namer(nn.Module):
    """A resampler under heads that exist only for this training."""

    def __init__(self) -> None:
        super().__init__()
        self.resampler = Resampler()
        self.heads = nn.Linear(16 * 256, sum(map(len, LABELS.values())))
        self.whole = nn.Linear(16 * 256, sum(map(len, OF_WHOLE.values())))
        self.kinds = nn.Linear(16 * 256, len(KINDS))
        self.sentence = nn.Linear(16 * 256, WIDTH)
        self.ask = nn.Embedding(len(KINDS), 256)
        self.answer = nn.Sequential(nn.Linear(512, 256), nn.SiLU(), nn.Linear(256, sum(map(len, OF_THINGS.values()))))
        nn.init.constant_(self.kinds.bias, -5.0)  # hardly any of the kinds is in any caption
        self.relate = nn.Sequential(nn.Linear(512, 256), nn.SiLU(), nn.Linear(256, len(RELATIONS)))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """The caption's 16 tokens (b, 16, 256)."""
        device = self.heads.weight.device
        return self.resampler(tokens.to(device), mask.to(device))

    def attributes(self, caption: Tensor) -> dict[str, Tensor]:
        """Logits of an avatar's attributes."""
        return split(self.heads(caption.flatten(1)), LABELS)

    def look_up(self, caption: Tensor, kinds: Tensor) -> Tensor:
        """What captions (n, 16, 256) say of a kind each, by attention with the kind as query: (n, 512)."""
        query = self.ask(kinds)
        weight = (caption @ query[:, :, None] / 16).softmax(1)
        return torch.cat([(weight * caption).sum(1), query], 1)


def split(logits: Tensor, labels: dict[str, list[str]]) -> dict[str, Tensor]:
    """Logits (n, values) by label."""
    return dict(zip(labels, logits.split([len(values) for values in labels.values()], dim=1), strict=True))


def named_facts(
    row: dict, names: list[str]
) -> tuple[dict[str, int], list[tuple[int, dict[str, int]]], list[tuple[int, int, int]]]:
    """What a scene's caption says: indices of the whole, of each kind named, and relations of two kinds."""
    named = set(names)
    whole = {name: values.index(row[name]) if name in named else 0 for name, values in OF_WHOLE.items()}
    boxes: dict[int, list] = {}
    for thing in row["things"]:
        boxes.setdefault(thing["group"], thing["box"])
    things = []
    for i, group in enumerate(row["groups"]):
        if f"kind.{i}" in named:
            value = {**group, "count": str(group["count"]), "third": third(boxes[i])}
            labels = {
                name: values.index(value[name]) if f"{name}.{i}" in named else 0 for name, values in OF_THINGS.items()
            }
            things.append((KINDS[group["kind"]], labels))
    relations = []
    for name in named:
        if name.startswith("relation"):
            _, a, b, where = name.split(".")
            kinds = (KINDS[row["groups"][int(i)]["kind"]] for i in (a, b))
            relations.append((*kinds, list(RELATIONS).index(where)))
    return whole, things, relations


class Recipe:
    name = "resampler"
    steps, lr, ema, batch = 4000, 1e-3, 0.995, 128
    look_every = 90

    def __init__(self) -> None:
        self.avatars, self.scenes = captions.load("avatars"), captions.load("scenes")
        rows = data.load("avatars").rows
        self.targets = targets([rows[i] for i in self.avatars.picture])
        for name, wanted in self.targets.items():  # what is not said cannot be known
            wanted[torch.tensor([name not in names for names in self.avatars.names])] = -1
        rows = data.load("scenes").rows
        self.facts = [
            named_facts(rows[i], names) for i, names in zip(self.scenes.picture, self.scenes.names, strict=True)
        ]

    def build(self) -> Namer:
        return Namer()

    def scene_losses(self, model: Namer, caption: Tensor, picks: np.ndarray) -> dict[str, Tensor]:
        """Losses of what scenes' captions say."""
        device, facts = caption.device, [self.facts[i] for i in picks]
        present = torch.zeros(len(picks), len(KINDS))
        for i, (_, things, _) in enumerate(facts):
            present[i, [kind for kind, _ in things]] = 1
        kinds = F.binary_cross_entropy_with_logits(
            model.kinds(caption.flatten(1)).float(), present.to(device), reduction="none"
        )
        whole = split(model.whole(caption.flatten(1)).float(), OF_WHOLE)
        wanted = {name: torch.tensor([f[0][name] for f in facts], device=device) for name in OF_WHOLE}
        losses = {
            "kinds": kinds.sum(1).mean() / 2,
            "whole": sum(F.cross_entropy(whole[n], wanted[n]) for n in OF_WHOLE),
        }
        asked = [(i, kind, labels) for i, (_, things, _) in enumerate(facts) for kind, labels in things]
        where, kind = (torch.tensor([row[k] for row in asked], device=device) for k in (0, 1))
        answers = split(model.answer(model.look_up(caption[where], kind)).float(), OF_THINGS)
        losses["things"] = sum(
            F.cross_entropy(answers[n], torch.tensor([labels[n] for *_, labels in asked], device=device))
            for n in OF_THINGS
        )
        pairs = [(i, *pair) for i, (_, _, relations) in enumerate(facts) for pair in relations]
        if pairs:
            where, a, b, how = torch.tensor(pairs, device=device).T
            first, second = model.look_up(caption[where], a)[:, :256], model.look_up(caption[where], b)[:, :256]
            losses["relations"] = F.cross_entropy(model.relate(torch.cat([first, second], 1)).float(), how)
        return losses

    def loss(self, model: Namer, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        faces = rng.choice(
            len(self.avatars.picture) - 2000, self.batch // 3
        )  # the last captions are kept to test with
        logits = model.attributes(model(*self.avatars.batch(faces)))
        naming = [
            F.cross_entropy(logits[k].float().cpu(), self.targets[k][faces], ignore_index=-1, reduction="sum")
            for k in LABELS
        ]
        losses = {"naming": torch.stack(naming).sum() / sum(int((self.targets[k][faces] >= 0).sum()) for k in LABELS)}
        picks = rng.choice((len(self.facts) - 2000) // 2, self.batch - len(faces), replace=False) * 2
        way = int(rng.integers(2))
        caption = model(*self.scenes.batch(picks + way))
        losses |= self.scene_losses(model, caption, picks + way)
        tokens, mask = self.scenes.batch(picks + 1 - way)
        key = F.normalize((tokens * mask[..., None]).sum(1), dim=1).to(caption.device)
        query = F.normalize(model.sentence(caption.flatten(1)).float(), dim=1)
        losses["telling"] = 0.3 * F.cross_entropy(query @ key.T * 20, torch.arange(len(picks), device=caption.device))
        return sum(losses.values()), {k: float(v.detach()) for k, v in losses.items()}

    @torch.no_grad()
    def evaluate(self, model: Namer, folder: Path, step: int) -> dict[str, float]:
        """Shares of what 2,000 held-out captions of each set say that is read from them."""
        picks = np.arange(len(self.avatars.picture) - 2000, len(self.avatars.picture))
        parts = [model.attributes(model(*self.avatars.batch(part))) for part in np.split(picks, 10)]
        right = []
        for name in LABELS:
            got, wanted = torch.cat([p[name].argmax(1).cpu() for p in parts]), self.targets[name][picks]
            right.append((got[wanted >= 0] == wanted[wanted >= 0]).float())
        found = {"attributes": round(torch.cat(right).mean().item(), 4)}
        hits: dict[str, list[bool]] = {}
        for part in np.split(np.arange(len(self.facts) - 2000, len(self.facts)), 10):
            caption = model(*self.scenes.batch(part))
            kinds, whole = model.kinds(caption.flatten(1)), split(model.whole(caption.flatten(1)), OF_WHOLE)
            for i, (labels, things, relations) in enumerate(self.facts[p] for p in part):
                top = set(kinds[i].topk(max(len(things), 1)).indices.tolist())
                for name in OF_WHOLE:
                    hits.setdefault(name, []).append(int(whole[name][i].argmax()) == labels[name])
                for kind, about in things:
                    hits.setdefault("kind", []).append(kind in top)
                    answers = split(
                        model.answer(model.look_up(caption[i, None], torch.tensor([kind], device=caption.device))),
                        OF_THINGS,
                    )
                    for name in OF_THINGS:
                        hits.setdefault(name, []).append(int(answers[name].argmax()) == about[name])
                for a, b, how in relations:
                    pair = [
                        model.look_up(caption[i, None], torch.tensor([k], device=caption.device))[:, :256]
                        for k in (a, b)
                    ]
                    hits.setdefault("relation", []).append(int(model.relate(torch.cat(pair, 1)).argmax()) == how)
        return found | {name: round(float(np.mean(values)), 4) for name, values in hits.items()}

    def export(self, model: Namer, record: dict) -> None:
        about = {"measured": "shares of what is said that is read from 2,000 held-out captions of each set", **record}
        weights.save(self.name, model.resampler, {}, about, data.cache_dir() / "weights")
