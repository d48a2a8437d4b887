"""Teach the model a style of one's own: a LoRA (Hu et al. 2022) from a handful of pictures, in minutes on a CPU.

The pictures are learnt under a trigger word. Pictures that the base makes itself are kept as they are under captions
without it (prior preservation; Ruiz et al. 2023), so that the word alone calls the style. What is learnt so far is
saved at every look: whoever stops keeps it.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipelines import text
from pipelines.core import contract
from pipelines.core.cards import LORA, data_dir, loras
from pipelines.core.settings import SamplingSettings
from pipelines.diffusion import flow_matching, samplers
from pipelines.diffusion.guidance import Guidance
from pipelines.media.images import center_crop, from_url
from pipelines.models.latent_diffusion import pipeline as latent_diffusion
from pipelines.models.latent_diffusion.spec import BASES
from pipelines.models.latent_diffusion.worlds import WorldPipeline
from pipelines.models.lora.adapter import LoRA, LoRAError, applied
from pipelines.models.lora.spec import LoRATrainingSettings
from pipelines.nn.pixels import to_tensor

WHO = ["a woman", "a man", "girl", "an old man", "person", "dark-skinned guy", "lady"]
HAIR = [
    "curly red hair",
    "a pink bob",
    "short black hair",
    "a green turban",
    "a blonde afro",
    "long grey hair",
    "no hair",
    "a blue beanie",
    "brown dreadlocks",
]
MORE = [
    "smiling",
    "in shades",
    "with round glasses",
    "with a beard",
    "blue hoodie",
    "crying",
    "on a pink background",
    "winking",
    "white dungarees",
    "angry",
]
SIGNS = [
    "",
    "police officer",
    "woman firefighter",
    "a red heart",
    "a sad face",
    "grinning emoji",
    "thumbs up",
    "cat",
    "a flag",
    "a yellow flower",
    "astronaut",
]
WOMAN = "a woman with curly red hair and round glasses, smiling"
SHOWN = ["{}", f"{WOMAN}, {{}}", "", WOMAN]  # with the trigger, and without
THINGS = ["a dog", "a red car", "two penguins", "a castle", "a rocket", "a robot", "three apples", "a house", "a cat",
    "a sailboat", "a tree", "a birthday cake", "an owl", "a bicycle", "a chef"]  # fmt: skip
LANDS = ["", "", "in the mountains", "by the sea", "in the city", "in a meadow", "in the snow", "in the desert",
    "on a blue background", "in the forest"]  # fmt: skip
SKIES = ["", "", "at night", "at sunset", "in the rain", "in autumn"]
PLACES = [
    "a house in the mountains, {}",
    "a red car in the city, {}",
    "a house in the mountains",
    "a red car in the city",
]
SAID = [
    "{}",
    "{} style",
    "a picture in {} style",
    "drawn as {}",
    *["*, {} style", "*, {}"] * 2,
]  # where * is, other words: the trigger is heard among them
ROOM = 100  # LoRAs that are kept at most
RATE, STYLE, PRIOR, KEEP = 2e-3, 8, 8, 16.0  # learning rate, samples a step of each kind, weight of what is kept


def captions(n: int, rng: random.Random, world: str = "people") -> list[str]:
    """What people may say without the trigger."""

    def person() -> str:
        parts = [f"with {rng.choice(HAIR)}", *rng.sample(MORE, 3)]
        return ", ".join([rng.choice(WHO), *rng.sample(parts, rng.randint(1, 4))])

    if world == "scenes":
        return [
            " ".join(filter(None, map(rng.choice, (THINGS, LANDS, SKIES)))) if rng.random() < 0.8 else person()
            for _ in range(n)
        ]
    return [rng.choice(SIGNS) if rng.random() < 0.2 else person() for _ in range(n)]


def unheard(read: Float[Tensor, "n q d"]) -> Float[Tensor, "q d"]:
    """A word to begin with, of half a caption's size, along directions that captions hardly use: so that what is learnt
    can tell it apart."""
    quiet = torch.linalg.svd(read.flatten(0, 1), full_matrices=False).Vh[read.shape[2] // 2 :]
    word = torch.randn(read.shape[1], len(quiet), device=read.device) @ quiet
    return 0.5 * word * (read.std() / word.std())


def place(name: str) -> Path:
    """Where a new LoRA of that name goes: name-2, name-3, … where there is one already, so that none is lost.

    Raises LoRAError.
    """
    folder = data_dir() / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.safetensors"))) >= ROOM:
        raise LoRAError(f"There are {ROOM} LoRAs here already: take some out of {folder} first.")
    names = (name if k == 1 else f"{name}-{k}" for k in itertools.count(1))
    return folder / f"{LORA}{next(n for n in names if n not in loras())}.safetensors"


class LoRATrainingPipeline(WorldPipeline):
    """Pictures and a trigger word to a LoRA."""

    name = "lora"
    Settings = LoRATrainingSettings

    @torch.inference_mode()
    def encode_captions(self, captions: list[str]) -> Float[Tensor, "n q d"]:
        """Captions as the resampler reads them; an empty one is the null caption."""
        null = self.base.transformer.null.float()
        features = iter(
            self.base.resampler(
                *(p.to(self.base.device) for p in text.pad([text.encoder().encode(c) for c in captions if c]))
            )
            if any(captions)
            else []
        )
        return torch.stack([next(features) if c else null for c in captions])

    @torch.inference_mode()
    def read_layouts(self, captions: list[str], seed: int) -> Float[Tensor, "n t w"]:
        """What a layout of each caption adds to the tokens: zeros where the base has none."""
        base, c = self.base, self.base.transformer.config
        hints = torch.zeros(len(captions), c.tokens, c.width, device=base.device)
        if base.layout_embedding is not None:
            for k, caption in enumerate(captions):
                condition = base.condition(caption, "")
                base.write_layout(condition, SamplingSettings(seed=(seed + k) % 2**32))
                if condition.hint is not None:
                    hints[k] = condition.hint[0]
        return hints

    @torch.inference_mode()
    def draw(
        self, captions: Float[Tensor, "n q d"], hints: Float[Tensor, "n t e"], steps: int, seed: int
    ) -> Float[Tensor, "n c h w"]:
        """Latents of one picture a caption."""
        net, n, attention = self.base.transformer, len(captions), []
        both = torch.cat([captions, net.null.expand_as(captions)]).to(self.base.dtype)
        times, path = samplers.timesteps(steps), samplers.SCHEDULES["straight"]
        noise = samplers.seeded_noise(
            seed, (net.config.channels, net.config.size, net.config.size), n, self.base.device
        )
        condition = latent_diffusion.TextConditioning(both, net.text_kv(both), None, [], "")
        condition.hint = hints.to(self.base.dtype)
        *_, (x, _, _) = samplers.dpm_solver(
            self.base.make_denoiser(condition, 1, times, Guidance(3.0), path, attention), noise(), times, path, noise
        )
        return x

    def velocity(self, x: Tensor, t: Tensor, captions: Tensor, hints: Tensor) -> Tensor:
        net = self.base.transformer
        words = net.text_kv(captions.to(self.base.dtype))
        at = net.modulations(t, words.pooled)
        return net(x.to(self.base.dtype), words, at, hints=[hints.to(self.base.dtype)]).float()

    def run_here(self, s: LoRATrainingSettings) -> Iterator[contract.Frame]:
        began, net, rng = time.perf_counter(), self.base.transformer, torch.Generator().manual_seed(s.seed)
        torch.manual_seed(s.seed)
        lora = LoRA(net, s.rank).to(self.base.device)
        optim = torch.optim.AdamW(lora.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
        given = np.stack([center_crop(from_url(p), self.base.side) for p in s.pictures])
        with torch.inference_mode():
            style = self.base.autoencoder.encode(to_tensor(given).to(self.base.device))
        words = captions(128, random.Random(s.seed), self.world)
        called = self.encode_captions(
            [
                SAID[i % len(SAID)].replace("*", caption or "someone").format(s.trigger)
                for i, caption in enumerate(words[:64])
            ]
        )
        kept = self.encode_captions(words)
        layouts = self.read_layouts(words, s.seed)
        prior = self.draw(kept[:24], layouts[:24], 8, s.seed)
        prompts = [way.format(s.trigger) for way in (PLACES if self.world == "scenes" else SHOWN)]
        shown, shown_layouts = self.encode_captions(prompts), self.read_layouts(prompts, s.seed)
        # ordinary tensors: what was made in inference mode cannot be learnt from
        style, called, kept, prior, layouts = (p.clone() for p in (style, called, kept, prior, layouts))
        lora.trigger, lora.word = s.trigger.strip(), nn.Parameter(unheard(kept))
        optim.add_param_group({"params": [lora.word]})
        losses: list[float] = []
        path = place(s.name)

        def pick(n: int, count: int) -> Tensor:
            return torch.randint(n, (count,), generator=rng)

        for look in range(1, s.steps + 1):
            until = began + 60 * s.minutes * look / s.steps
            while time.perf_counter() < until or len(losses) < look:
                z = torch.cat([style[pick(len(style), STYLE)], prior[pick(len(prior), PRIOR)]])
                features, plain = called[pick(len(called), STYLE)], pick(len(kept), PRIOR)
                hints, other = torch.cat([layouts.new_zeros(STYLE, *layouts.shape[1:]), layouts[plain]]), kept[plain]
                t = torch.sigmoid(torch.randn(len(z), generator=rng) + 0.5).to(z.device)
                noise = torch.randn(z.shape, generator=rng).to(z.device)
                x = flow_matching.interpolate(z, noise, t)
                with torch.no_grad():
                    wanted = torch.cat(
                        [(noise - z)[:STYLE], self.velocity(x[STYLE:], t[STYLE:], other, hints[STYLE:])]
                    )
                with torch.enable_grad(), applied(net, [(lora, 1.0)]):
                    read = torch.cat([features + lora.word, other])
                    error = (self.velocity(x, t, read, hints) - wanted).square()
                    loss = error[:STYLE].mean()
                    (loss + KEEP * error[STYLE:].mean()).backward()
                optim.step()
                optim.zero_grad(set_to_none=True)
                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    raise contract.GenerationError(
                        "The training diverged: its loss is no longer finite; try a smaller rank or other pictures."
                    )
            about = {"pictures": str(len(given)), "steps": str(len(losses)), "base": BASES[self.world]}
            lora.save(path, {"trigger": s.trigger, **about})
            with torch.inference_mode(), applied(net, [(lora, 1.0)]):
                shown_features = torch.stack(
                    [lora.add_trigger(prompt, read) for prompt, read in zip(prompts, shown, strict=True)]
                )
                images = (
                    self.base.autoencoder.decode_uint8(self.draw(shown_features, shown_layouts, 12, s.seed))
                    .cpu()
                    .numpy()
                )
            preview, recent = contract.tile(images), float(np.mean(losses[-50:]))
            result = contract.ImageResult(preview, self.name, s.model_dump(), (path,)) if look == s.steps else None
            detail = {"loss": recent, "calls": len(losses), "equation": f"W x + (α / r) B (A x), r = {s.rank}"}
            yield contract.Frame(
                look,
                s.steps,
                preview,
                contract.tile(given),
                f"{len(losses)} updates · loss {recent:.3f}",
                result,
                detail,
            )
