"""One picture: ours as shipped against diffusers' PixArt transformer and DDIM of the same size, in the same run.

Both do 20 steps of guidance at batch 2 with random weights: width 256, depth 6, 4 heads, 64 picture tokens, 16 text
tokens. Times are medians of interleaved runs, since machines are shared; the matrix-product rate is of the same minute.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pipelines.diffusion import samplers
from pipelines.diffusion.guidance import Guidance
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline, TextConditioning
from pipelines.models.latent_diffusion.spec import LatentDiffusionSettings
from pipelines.nn import weights
from pipelines.nn.dit import Config, DiT

STEPS, ROUNDS = 20, 9


def ours(dtype: torch.dtype) -> Callable[[], None]:
    """Our sampling loop on random weights, caption given."""
    pipe = LatentDiffusionPipeline.__new__(LatentDiffusionPipeline)
    pipe.device, pipe.dtype = "cpu", dtype
    pipe.transformer = DiT(Config()).eval().requires_grad_(False).to(dtype)
    noise = samplers.seeded_noise(0, (8, 16, 16), 1)
    path, times = samplers.SCHEDULES["straight"], samplers.timesteps(STEPS)

    def run() -> None:
        with torch.inference_mode():
            tokens = torch.randn(2, 16, 256, dtype=dtype)
            condition = TextConditioning(tokens, pipe.transformer.text_kv(tokens), None, [], "")
            denoise = pipe.make_denoiser(condition, 1, times, Guidance(4.0), path, [])
            for _ in samplers.dpm_solver(denoise, noise(), times, path, noise):
                pass

    return run


def theirs(dtype: torch.dtype) -> Callable[[], None]:
    """diffusers' loop, as its pipelines write it."""
    from diffusers import DDIMScheduler, PixArtTransformer2DModel

    net = PixArtTransformer2DModel(
        num_attention_heads=4, attention_head_dim=64, in_channels=8, out_channels=8, num_layers=6, sample_size=16,
        patch_size=2,
        cross_attention_dim=256, caption_channels=256, use_additional_conditions=False,
    ).eval().requires_grad_(False).to(dtype)  # fmt: skip
    scheduler = DDIMScheduler()

    def run() -> None:
        with torch.inference_mode():
            scheduler.set_timesteps(STEPS)
            x = torch.randn(1, 8, 16, 16, dtype=dtype)
            tokens = torch.randn(2, 16, 256, dtype=dtype)
            for t in scheduler.timesteps:
                both = torch.cat([x, x])
                out = net(
                    both,
                    tokens,
                    timestep=t.expand(2),
                    added_cond_kwargs={"resolution": None, "aspect_ratio": None},
                    return_dict=False,
                )[0]
                unconditional, conditional = out.chunk(2)
                x = scheduler.step(unconditional + 4.0 * (conditional - unconditional), t, x, return_dict=False)[0]

    return run


def gflops(dtype: torch.dtype) -> float:
    """The rate of a matrix product of the network's own shape class, in 10^9 operations a second."""
    a, b = torch.randn(1024, 1024, dtype=dtype), torch.randn(1024, 1024, dtype=dtype)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / statistics.median(times) / 1e9


def work(c: Config = Config()) -> float:
    """Operations of one guided run: matrix products of the picture's tokens, which is what a step does."""
    tokens = (c.size // c.patch) ** 2
    block = 2 * tokens * 12 * c.width**2 + 4 * tokens * (tokens + c.queries) * c.width
    return 2 * STEPS * (c.depth * block + 4 * tokens * c.width * c.channels * c.patch**2)


def measure() -> dict[str, object]:
    """Seconds, ratios and rates; then a whole run of the app, with and without its previews."""
    auto = weights.pick_dtype("auto", "cpu")
    runs = {"ours as shipped": ours(auto), "diffusers as shipped": theirs(torch.float32)}
    if auto != torch.float32:
        runs |= {"ours in fp32": ours(torch.float32)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    rates = []
    for i in range(ROUNDS + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if i:  # the first round warms up
                times[name].append(time.perf_counter() - start)
        rates.append(gflops(auto))
    seconds = {name: round(statistics.median(t), 3) for name, t in times.items()}
    rate, reached = statistics.median(rates), work() / seconds["ours as shipped"] / 1e9
    found: dict[str, object] = {
        "dtype as shipped": str(auto),
        "seconds for 20 guided steps": seconds,
        "times as fast as diffusers (bar 1.6)": round(
            seconds["diffusers as shipped"] / seconds["ours as shipped"], 2
        ),
        "same dtype (bar 1.0)": round(
            seconds["diffusers as shipped"] / seconds.get("ours in fp32", seconds["ours as shipped"]), 2
        ),
        "share of the matrix-product rate (bar 0.5)": round(reached / rate, 2),
        "matrix-product rate in GFLOP/s": round(rate),
    }
    return found | previews()


def previews() -> dict[str, object]:
    """What the previews cost of a whole run of the app's runner: paired, interleaved, a new prompt each time."""
    from app import live, viewer
    from app.history import History
    from pipelines import load
    from pipelines.models.latent_diffusion import pipeline as latent_diffusion

    coder = load("latent-diffusion").autoencoder
    usual = (coder.decode_preview, viewer.frame_message, latent_diffusion.word_heatmaps)
    blank = torch.zeros(2, 128, 128, 3, dtype=torch.uint8)
    unseen = (lambda z: blank, lambda frame: {"step": frame.step}, lambda attention, condition: [])
    times: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS + 1):
            for shown in (True, False):
                coder.decode_preview, viewer.frame_message, latent_diffusion.word_heatmaps = (
                    usual if shown else unseen
                )
                settings = LatentDiffusionSettings(
                    prompt=f"a woman with curly red hair and {i} glasses", steps=STEPS, seed=i
                )
                start = time.perf_counter()
                *_, last = live.run("latent-diffusion", settings, "bench", History(Path(folder) / "history.sqlite"))
                assert "done" in last
                if i:
                    times[shown].append(time.perf_counter() - start)
    coder.decode_preview, viewer.frame_message, latent_diffusion.word_heatmaps = usual
    share = statistics.median(a / b - 1 for a, b in zip(times[True], times[False], strict=True))
    return {
        "a run in seconds, without the browser": round(statistics.median(times[True]), 3),
        "previews cost, share of the run (bar 0.05)": round(share, 3),
    }
