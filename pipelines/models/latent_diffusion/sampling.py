"""Many captions at once, one picture each: what training shows of itself."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from pipelines.diffusion import samplers
from pipelines.diffusion.guidance import Guidance, with_cfg
from pipelines.nn.dit import DiT


@torch.inference_mode()
def sample_latents(
    net: DiT,
    captions: Float[Tensor, "n q d"],
    seed: int = 0,
    steps: int = 20,
    guidance: float = 4.0,
    hint: Float[Tensor, "n t e"] | None = None,
) -> Float[Tensor, "n c h w"]:
    """Latents of captions as the resampler reads them, with seeds `seed`, `seed` + 1, …, by DPM-Solver++ on the
    straight path; a `hint` is added to the tokens that are guided."""
    n, device, c = len(captions), captions.device, net.config
    words = net.text_kv(torch.cat([captions, net.null.to(captions).expand(n, -1, -1)]))

    hints = [] if hint is None else [torch.cat([hint, torch.zeros_like(hint)])]

    def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
        both = torch.cat([x, x])
        modulations = net.modulations(torch.full((2 * n,), t, device=device), words.pooled)
        x0 = both - t * net(both, words, modulations, hints=hints)
        return x0[:n], x0[n:]

    noise = samplers.seeded_noise(seed, (c.channels, c.size, c.size), n, str(device))
    times, schedule = samplers.timesteps(steps), samplers.SCHEDULES["straight"]
    *_, (x, _, _) = samplers.dpm_solver(with_cfg(estimate, Guidance(guidance)), noise(), times, schedule, noise)
    return x
