"""Latent diffusion on scenes and avatars together: straight path, velocity loss, logit-normal times (Esser et al.
2024), a tenth of the captions dropped for guidance.

Two heads that exist only for this training tell, from inside the transformer, what is at each place of the clean
picture: of scenes the true map (which thing or land, how deep), of avatars what a perceptual network sees (REPA; Yu et
al. 2025), so words reach the picture's tokens early. They are off for the last half. The resampler arrives trained on
captions and stays frozen: trained on with the transformer it collapses.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines import text
from pipelines.datasets import captions, latents
from pipelines.datasets.scenes.canvas import AREAS
from pipelines.datasets.scenes.kinds import KINDS
from pipelines.datasets.scenes_wide import coarse_map
from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion.layout import build_writer
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.latent_diffusion.recipe_perceptual import load_perceptual
from pipelines.models.latent_diffusion.recipe_sources import NOTHING, VOCABULARY, Joined, Source, layouts_of
from pipelines.models.latent_diffusion.sampling import sample_latents
from pipelines.nn import weights
from pipelines.nn.dit import Config
from pipelines.nn.pixels import to_tensor
from pipelines.training import packs

SHARE = {"scenes": 43, "avatars": 5}  # of a batch of 48: avatars are learnt long before 338 kinds of things are
SHOWN = [
    "a red car and a dog before a house by the sea, at sunset, snow",
    "a dog", "a slice of pizza", "a rocket", "a waving hand",
    "a black cat on a hill at night",
    "two penguins in the snow",
    "a sailboat on the sea at sunset",
    "a castle in the mountains, in autumn",
    "a yellow umbrella on a blue background",
    "an astronaut in the desert at night",
    "a firefighter with dark skin",
    "a horse in a meadow, rainbow",
    "a bus in the city, rain",
    "three red apples",
    "a green dinosaur in the forest, fog",
    "doggo at the beach, sunset",
    "a unicorn on a pink background",
    "a woman with curly red hair and round glasses, smiling",
    "a bald man with a grey beard and sunglasses",
    "girl, pink bob, winking, blue hoodie",
    "a man in a green turban, dark skin, serious, on a white background",
    "man with a black moustache and a purple hat, sticking the tongue out",
    "a woman in a red hijab, smiling softly",
]  # fmt: skip


def write_layouts(captions: Float[Tensor, "n q w"]) -> Int[Tensor, "n t 9"] | None:
    """Layouts for what is shown, by the writer in the cache; None where there is none."""
    folder = data.cache_dir() / "weights"
    if not (folder / "layout.json").exists():
        return None
    writer = weights.open_bundle("layout", build_writer, folder)
    return torch.stack([writer.write(c[None], torch.Generator().manual_seed(k))[0] for k, c in enumerate(captions)])


def open_base() -> LatentDiffusion:
    """The base at 256 pixels that was trained last: of the cache or, where there is none, the bundled one."""
    folder = data.cache_dir() / "weights"
    latest = folder if (folder / "latent-diffusion-256.json").exists() else None
    return weights.open_bundle("latent-diffusion-256", lambda config: LatentDiffusion(Config(**config)), latest)


class Learner(nn.Module):
    """The model, and the heads of this training."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.model = LatentDiffusion(config)
        self.model.resampler.requires_grad_(False)
        width = config.width
        self.map = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, len(AREAS) + len(KINDS) + 1))
        self.features = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 128))


def times(n: int) -> Tensor:
    """Times to learn at: logit-normal (Esser et al. 2024), shifted to where words matter. Large areas' colours are
    settled in the first steps, where it hardly ever looks: a quarter goes there."""
    return torch.where(torch.rand(n) < 0.25, 1 - 0.15 * torch.rand(n), torch.sigmoid(torch.randn(n) + 0.5))


class Recipe:
    name = "latent-diffusion-256"
    steps, lr, ema, batch = 40_000, 2e-3, 0.9995, 48
    muon, weight_decay = True, 0.01
    look_every = 900
    tell_until, done = 0.5, 0.0  # of the steps: what the heads of this training have taught by then is enough
    held_out = 512  # the last captions of each source
    wide = True  # whether scenes are as many as there are

    def __init__(self, config: Config | None = None, pack: Path | None = None) -> None:
        self.start: dict[str, Tensor] = {}
        self.resampler: nn.Module | None = None
        if pack is not None:
            self.config = self.open_pack(packs.read_pack(pack))
        else:
            self.open_sets()
            channels = self.sources["scenes"].latents.shape[1]
            sizes = tuple(VOCABULARY.sizes)
            self.config = Config(channels=channels, width=256, depth=6, heads=4, convolution=True, layout=sizes)
        self.config = config or self.config

    def to(self, device: str) -> None:
        """Move the data onto a device."""
        for source in self.sources.values():
            source.to(device)

    def open_sets(self) -> None:
        """Latents and captions of the data sets."""
        self.resampler = weights.open_bundle("resampler", lambda _: text.Resampler(), data.cache_dir() / "weights")
        self.shown = self.resampler(*text.pad([text.encoder().encode(prompt) for prompt in SHOWN]))
        self.shown_layouts = write_layouts(self.shown)
        self.coder = autoencoder.load(folder=data.cache_dir() / "weights")
        truths = {"scenes": self.true_map, "avatars": self.perceptual_features}
        self.sources, self.odds = {}, {}
        for name in SHARE:
            lines = captions.load(name)
            read = self.read_captions(name, lines)
            self.sources[name] = Source(latents.load(name), 1.0, lines.picture, read, truth=truths[name](lines))
            self.odds[name] = self.teaching_weight(name, lines)
        self.sources["scenes"].layout = layouts_of(data.load("scenes").rows)
        if self.wide and (data.cache_dir() / "data" / "captions-scenes-wide" / "start.npy").exists():
            self.sources["scenes"] = self.widen(self.sources["scenes"])
            wide = self.teaching_weight("scenes-wide", captions.load("scenes-wide"))
            self.odds["scenes"] = np.concatenate([wide, self.odds["scenes"]])
        self.odds = {name: odds[: -self.held_out] for name, odds in self.odds.items()}
        self.odds = {name: odds / odds.sum() for name, odds in self.odds.items()}

    @staticmethod
    def teaching_weight(name: str, lines: captions.Captions) -> Float[np.ndarray, " n"]:
        """How often each caption is drawn, relatively: an avatar that is described in full teaches words faster, a
        scene of one thing teaches the thing faster, and a landscape of one thing how it stands there. Facing right is
        never left unsaid, a colour of paint or fur and a thing itself seldom: what is not asked for is as it mostly
        is, and not a blend of two ends, ten colours and all kinds."""
        if name == "avatars":
            return np.array([1.0 + len(names) for names in lines.names])
        rows, weight = data.load(name).rows, np.ones(len(lines.picture))
        for k, (picture, names) in enumerate(zip(lines.picture, lines.names, strict=True)):
            row = rows[picture]
            weight[k] = {1: 3.0, 2: 3.0, 3: 2.0}.get(len(row["groups"]), 1.0) if row["mode"] == "scene" else 1.0
            for i, group in enumerate(row["groups"]):
                if f"kind.{i}" in names:
                    weight[k] *= group["facing"] != "right" or f"facing.{i}" in names
                    weight[k] *= 1.0 if not group["colour"] or f"colour.{i}" in names else 0.15
                else:
                    weight[k] *= 0.25
        return weight

    def widen(self, scenes_: Source) -> Source:
        """Scenes, with those before them of which only latents are kept; the last captions, which are held out, stay
        the last."""
        lines, truth = captions.load("scenes-wide"), np.load(data.cache_dir() / "data" / "scenes-wide" / "map.npy")
        z = latents.load("scenes-wide")
        picture = np.concatenate([lines.picture, scenes_.picture + len(z)])
        read = Joined(self.read_captions("scenes-wide", lines), scenes_.captions)
        layout = Joined(layouts_of(data.load("scenes-wide").rows), scenes_.layout)
        truth = Joined(truth, scenes_.truth)
        return Source(Joined(z, scenes_.latents), 1.0, picture, read, layout=layout, truth=truth)

    @torch.inference_mode()
    def read_captions(self, name: str, lines: captions.Captions) -> np.ndarray:
        """Every caption as the resampler reads it, fp16 (n, 16, 256): it is frozen, so this is computed once, and
        kept."""
        parts = torch.cat([p.flatten() for p in self.resampler.parameters()]).numpy().tobytes()
        path = data.cache_dir() / "data" / f"captions-{name}" / f"read-{hashlib.sha256(parts).hexdigest()[:8]}.npy"
        if not path.exists():
            found = np.lib.format.open_memmap(
                path.with_suffix(".part"), "w+", np.float16, (len(lines.picture), 16, 256)
            )
            for picks in np.array_split(
                np.argsort(np.diff(lines.start)), len(found) // 128 + 1
            ):  # by length: little padding
                found[picks] = self.resampler(*lines.batch(picks)).numpy()
            found.flush()
            path.with_suffix(".part").rename(path)
        return np.load(path, mmap_mode="r")

    @staticmethod
    def true_map(_: captions.Captions) -> np.ndarray:
        """What is at the 64 places of every scene, at the middle of each, and how deep (0 to 255): int16 (n, 64, 2)."""
        folder = data.cache_dir() / "data" / "scenes"
        return coarse_map(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("segment", "depth")))

    @staticmethod
    @torch.inference_mode()
    def perceptual_features(lines: captions.Captions) -> np.ndarray:
        """What the perceptual network sees at the 64 places of every avatar that has a caption, standardised: fp16 (n,
        64, 128)."""
        path = data.cache_dir() / "data" / "avatars" / "perceptual.npy"
        if not path.exists():
            perceptual, images = load_perceptual(), data.load("avatars").images
            parts = (to_tensor(images[p]) for p in np.array_split(lines.picture, len(lines.picture) // 64))
            found = np.concatenate([perceptual.features(x)[-1].flatten(2).mT.half().numpy() for x in parts])
            sample = found[::20].astype(np.float32)
            mean, scale = sample.mean(0), sample.std(0) + 0.1
            for part in np.array_split(found, 64):
                part[:] = (part - mean) / scale
            np.save(path, found)
        return np.load(path, mmap_mode="r")

    def pack(
        self, folder: Path, pictures: dict[str, int] | None = None, rank: int = 384, bring_weights: bool = True
    ) -> int:
        """Write a pack of so many pictures a source (by default what fits), held-out ones among them; its bytes."""
        tensors = self.latest_weights() if bring_weights else {}
        pictures = pictures or (
            {"scenes": 8_000, "avatars": 3_500} if tensors else {"scenes": 21_000, "avatars": 9_000}
        )
        arrays = packs.flat_weights(tensors) | {"shown": self.shown.half().numpy()}
        arrays |= {f"coder.{k}": v.half().numpy() for k, v in self.coder.state_dict().items()}
        config = {"coder": self.coder.config, "model": self.config}
        arrays["configs"] = np.array(json.dumps({k: asdict(v) for k, v in config.items()}))
        for name, source in self.sources.items():
            last = np.unique(source.picture)[-pictures[name] :]
            picks = np.flatnonzero(np.isin(source.picture, last))
            rows = np.asarray(source.captions[picks]).reshape(len(picks), -1)
            low = packs.LowRank.fit(rows, rank)
            print(
                f"{name}: {len(last)} pictures, {len(picks)} captions, of whose variance {low.error(rows):.4f} is lost",
                flush=True,
            )
            arrays |= {f"{name}.latents": packs.quantise(source.latents[last]),
                f"{name}.picture": np.searchsorted(last, source.picture[picks]),
                       f"{name}.codes": low.codes, f"{name}.basis": low.basis, f"{name}.mean": low.mean}  # fmt: skip
            if name == "scenes":
                arrays |= {"scenes.truth": source.truth[last], "scenes.layout": source.layout[last]}
        return packs.write_pack(folder, arrays)

    def latest_weights(self) -> dict[str, Tensor]:
        """The average of the checkpoint's model, without the resampler; empty where nothing was trained yet."""
        path = data.cache_dir() / "runs" / self.name / "checkpoint.safetensors"
        if not path.exists():
            return {}
        with safe_open(path, "pt") as file:
            keys = [k for k in file.keys() if k.startswith("average/") and "resampler" not in k]  # noqa: SIM118
            return {k.removeprefix("average/"): file.get_tensor(k) for k in keys}

    def open_pack(self, arrays: dict[str, np.ndarray]) -> Config:
        """Take what `pack` wrote; the model's configuration."""
        configs = json.loads(str(arrays["configs"]))
        self.coder = autoencoder.Autoencoder(autoencoder.config_from(configs["coder"])).eval()
        coder = {
            k.removeprefix("coder."): torch.from_numpy(v).float() for k, v in arrays.items() if k.startswith("coder.")
        }
        self.coder.load_state_dict(coder)
        self.shown_layouts = None
        self.shown, self.start = torch.from_numpy(arrays["shown"]).float(), packs.weights_in(arrays)
        self.sources, self.odds = {}, {}
        for name in SHARE:
            part = {k.split(".")[1]: v for k, v in arrays.items() if k.startswith(name + ".")}
            basis, mean = (torch.from_numpy(part[k]).float() for k in ("basis", "mean"))
            self.sources[name] = Source(
                part["latents"],
                packs.STEP,
                part["picture"],
                part["codes"],
                basis,
                mean,
                part.get("layout"),
                part.get("truth"),
            )
            self.odds[name] = None
        return Config(**configs["model"])

    def build(self) -> Learner:
        learner = Learner(self.config)
        if self.resampler is not None:
            learner.model.resampler.load_state_dict(self.resampler.state_dict())
        learner.load_state_dict(self.start, strict=False)
        return learner

    def draw(
        self, device: torch.device, rng: np.random.Generator
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b q w"], dict[str, np.ndarray]]:
        """A batch: latents and captions, scenes first, and which captions of each source they are."""
        counts = {name: self.batch * share // sum(SHARE.values()) for name, share in SHARE.items()}
        size = {name: len(source.picture) - self.held_out for name, source in self.sources.items()}
        picks = {n: rng.choice(size[n], k, p=self.odds[n]) for n, k in counts.items()}
        pairs = [self.sources[name].draw(some, device) for name, some in picks.items()]
        z, caption = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        return z, caption, picks

    def layouts(self, picks: dict[str, np.ndarray], device: torch.device) -> Int[Tensor, "b t 9"]:
        """Where things stand in some captions' pictures, source after source."""
        found = []
        for name, some in picks.items():
            source = self.sources[name]
            rows = None if source.layout is None else source.take(source.layout, source.take(source.picture, some))
            found.append(NOTHING.expand(len(some), -1, -1) if rows is None else torch.as_tensor(rows).long())
        return torch.cat([part.to(device) for part in found])

    def loss(self, learner: Learner, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        model, device = learner.model, next(learner.parameters()).device
        z, caption, picks = self.draw(device, rng)
        n = len(picks["scenes"])
        t, drop = times(len(z)).to(device), (torch.rand(len(z)) < 0.1).to(device)
        without = torch.rand(len(z)).to(device) < torch.where(drop, 0.7, 0.15)
        layout = torch.where(without[:, None, None], NOTHING.to(device), self.layouts(picks, device))
        inside: list[Tensor] = []
        middle = model.transformer.blocks[len(model.transformer.blocks) // 2 - 1]
        hook = middle.register_forward_hook(lambda _, __, h: inside.append(h))
        losses = model.loss(z, caption, t, drop, layout)
        hook.remove()
        parts = {"scenes": losses[:n].mean(), "avatars": losses[n:].mean()}
        total = losses.mean()
        if self.done < self.tell_until:
            source = self.sources["scenes"]
            truth = torch.as_tensor(source.take(source.truth, source.take(source.picture, picks["scenes"]))).to(
                device
            )
            there = learner.map(inside[0][:n]).float()
            parts["area"] = F.cross_entropy(there[..., :-1].flatten(0, 1), truth[..., 0].long().flatten())
            parts["depth"] = (there[..., -1] - truth[..., 1] / 255).square().mean()
            total = total + 0.1 * parts["area"] + 0.3 * parts["depth"]
            if (features := self.sources["avatars"].truth) is not None:
                wanted = torch.as_tensor(self.sources["avatars"].take(features, picks["avatars"])).float().to(device)
                parts["features"] = (learner.features(inside[0][n:]).float() - wanted).square().mean()
                total = total + 0.1 * parts["features"]
        return total, {k: v.detach() for k, v in parts.items()}

    @torch.no_grad()
    def held_out_loss(self, model: LatentDiffusion, n: int = 256) -> dict[str, float]:
        """Velocity loss on n held-out captions' pictures a set, at the same times and noise each time."""
        device, found = next(model.parameters()).device, {}
        for name, source in self.sources.items():
            picks = np.arange(len(source.picture) - self.held_out, len(source.picture))[:: max(self.held_out // n, 1)]
            for label, with_layout in (("", False), ("_with_layout", True))[: 1 + (source.layout is not None)]:
                losses = []
                for i, part in enumerate(np.array_split(picks, max(n // 32, 1))):
                    torch.manual_seed(i)
                    z, caption = source.draw(part, device)
                    t = ((torch.arange(len(part)) + 0.5) / len(part)).to(device)
                    layout = self.layouts({name: part}, device) if with_layout else None
                    drop = torch.zeros(len(part), dtype=torch.bool, device=device)
                    losses.append(model.loss(z, caption, t, drop, layout))
                found[f"held_out_{name}{label}"] = round(torch.cat(losses).mean().item(), 4)
        return found

    @torch.no_grad()
    def evaluate(self, learner: Learner, folder: Path, step: int) -> dict[str, float]:
        """Held-out loss, and a contact sheet of the shown prompts, guided 4, 20 steps, seeds 0 ..."""
        net, layout = learner.model.transformer, self.shown_layouts
        device = next(net.parameters()).device
        hint = None if layout is None or learner.model.layout is None else learner.model.layout(layout.to(device))
        z = sample_latents(net, self.shown.to(device), hint=hint).cpu()
        pictures = np.concatenate([self.coder.decode_uint8(part).numpy() for part in z.split(8)])
        data.contact_sheet(pictures, columns=6).save(folder / f"sheet-{step:06d}.png")
        return self.held_out_loss(learner.model)

    def export(self, learner: Learner, record: dict) -> None:
        weights.save(self.name, learner.model, asdict(learner.model.transformer.config), {
            "data": "scenes (Fluent Emoji 3D) and avatars (DiceBear avataaars), training splits, by grammar",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip
