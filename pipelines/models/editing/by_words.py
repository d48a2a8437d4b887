"""A picture under other words: its flow backwards, and forwards again where two captions disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from pipelines.core import contract
from pipelines.diffusion import samplers
from pipelines.media.images import center_crop, from_url
from pipelines.models.editing.pipeline import EditingPipeline
from pipelines.models.editing.spec import PromptEditSettings
from pipelines.models.latent_diffusion import pipeline as latent_diffusion

DISPUTES, DISPUTED = 4, 0.4  # noises a time, and the share of the largest disagreement that counts as one


class PromptEditPipeline(EditingPipeline):
    """Follow the flow backwards from the picture to its noise, then develop that noise again under other words.

    Only where the two captions disagree about the picture may it change (DiffEdit; Couairon et al. 2023). The picture
    as it was runs beside it, and for the first part of the run the new one looks where the old one looks
    (prompt-to-prompt; Hertz et al. 2023), which keeps the layout.
    """

    name = "edit-by-words"
    Settings = PromptEditSettings

    @torch.inference_mode()
    def run_here(self, s: PromptEditSettings) -> Iterator[contract.Frame]:
        if s.count > 1:  # on a GPU too: the three of its batch are one picture's
            yield from latent_diffusion.draw_alone(self.run, s)
            return
        whole = center_crop(from_url(s.image), self.base.side)
        z = x = self.latent(whole)
        old = s.model_copy(
            update={"prompt": s.source_prompt, "negative_prompt": "", "guidance": 1.0, "schedule": "straight"}
        )
        times = samplers.timesteps(s.steps)
        backward = self.base.prepare(old, times, 1)
        new = s.model_copy(
            update={"schedule": "straight", "sampler": "heun"}
        )  # what is done, and so what is shown and kept
        r = self.base.prepare(new, times, 1)
        mask = torch.ones_like(z[:, :1]) if s.unmasked else self.diffedit_mask(z, backward, r)
        for t, u in pairwise(reversed(times)):
            x = invert_step(backward.denoise, x, t, u, backward.path)
        r.calls[0] += backward.calls[0]
        states = self.prompt_to_prompt(
            r, backward.condition, torch.cat([x, x]), times, s, lambda estimate: torch.lerp(z, estimate, mask)
        )
        soft = cv2.GaussianBlur(
            cv2.resize(mask[0, 0].cpu().numpy(), whole.shape[:2], interpolation=cv2.INTER_NEAREST),
            (0, 0),
            self.base.stride / 4,
        )[..., None]

        def lay(decoded: np.ndarray) -> np.ndarray:
            return (whole + soft * (decoded.astype(np.float32) - whole)).round().astype(np.uint8)

        for f in self.base.frames_from_steps(self.name, r, states, times[:-1], lay):
            f.trace["disputed"] = round(mask.mean().item(), 2)
            yield f

    def diffedit_mask(
        self,
        z: Float[Tensor, "1 c h w"],
        old: latent_diffusion.SamplingContext,
        new: latent_diffusion.SamplingContext,
    ) -> Float[Tensor, "1 1 h w"]:
        """Where (1) the captions of two runs see the noised picture differently (DiffEdit, section 3.2), grown by a
        place."""
        s, net = new.settings, self.base.transformer
        noise = samplers.seeded_noise(s.seed, tuple(z.shape[1:]), DISPUTES, self.base.device)
        with self.base.with_loras(s):
            words = net.text_kv(torch.cat([run.condition.captions[:1] for run in (old, new)])).repeat(DISPUTES)
        apart = torch.zeros_like(z[:, :1])
        for t in (0.7, 0.8, 0.9):
            x = ((1 - t) * z + t * noise()).repeat(2, 1, 1, 1)
            with self.base.with_loras(s):
                v = net(
                    x.to(self.base.dtype),
                    words,
                    net.modulations(torch.full((len(x),), t, device=x.device), words.pooled),
                ).float()
            new.calls[0] += 1
            apart += (v[:DISPUTES] - v[DISPUTES:]).mean(0).abs().mean(0)  # the noises' own part cancels out
        return F.max_pool2d((apart > DISPUTED * apart.amax()).float(), 3, 1, 1)

    def prompt_to_prompt(
        self,
        r: latent_diffusion.SamplingContext,
        old: latent_diffusion.TextConditioning,
        starts: Tensor,
        times: list[float],
        s: PromptEditSettings,
        hold: Callable[[Tensor], Tensor],
    ) -> Iterator[samplers.Step]:
        """Heun's steps of three together: under the new words, under the negative ones, and the old picture under its
        own."""
        net = self.base.transformer
        words = latent_diffusion.TextKV(
            [
                (torch.cat([k, ko[:1]]), torch.cat([v, vo[:1]]))
                for (k, v), (ko, vo) in zip(r.condition.words.keysvalues, old.words.keysvalues, strict=True)
            ],
            torch.cat([r.condition.words.pooled, old.words.pooled[:1]]),
        )
        third = torch.tensor([2, 2, 2], device=starts.device)

        def denoise(both: Tensor, t: float) -> Tensor:
            three = both[[0, 0, 1]]
            r.attention.clear()
            r.calls[0] += 1
            modulations = net.modulations(torch.full((3,), t, device=both.device), words.pooled)
            share = third if t > 1 - s.attention_replace else None
            with self.base.with_loras(s):
                x0 = three - t * net(three.to(self.base.dtype), words, modulations, r.attention, share).float()
            guided = r.guidance.combine(x0[:1], x0[1:2]) if r.guidance.active(t) else x0[:1]
            return torch.cat([hold(guided), x0[2:]])

        for state, x0, t in samplers.heun(denoise, starts, times, r.path, lambda: torch.zeros_like(starts)):
            yield state[:1], x0[:1], t


def invert_step(denoise: samplers.Denoise, x: Tensor, t: float, u: float, path: samplers.Schedule) -> Tensor:
    """One Heun step of the flow from t up to u > t; at t = 0, where the estimate is the state, Euler's from u."""

    def slope(x: Tensor, t: float) -> Tensor:
        return (x - denoise(x, t)) / t

    if t == 0:
        guess = x + u * slope(x, u)  # the field changes little near the data
        return x + u * slope(guess, u)
    d = slope(x, t)
    return x + (u - t) * (d + slope(x + (u - t) * d, u)) / 2
