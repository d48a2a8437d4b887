"""The Atlas's bench: what each family reaches in a minute, on every distribution; and how the page answers meanwhile.

    python -m bench plane
    python -m bench plane.page

Energy distances are shares of one fitted Gaussian's, on 4,000 samples against 4,000 test points; below 0 is chance.
Every sheet after its minute goes into assets/examples/plane.jpg.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Page

from bench.served import open_tab, serve_desktop
from pipelines.models.plane import distributions
from pipelines.models.plane.experiment import Experiment, mean_distance
from pipelines.models.plane.result import draw_sheet
from pipelines.models.plane.spec import ROUNDS, PlaneSettings

SHEET = Path(__file__).parent.parent / "assets" / "examples" / "plane.jpg"
SECONDS = float(os.environ.get("DARKROOM_SECONDS", 60))
SAMPLES = 4000


def measure() -> dict[str, Any]:
    """A row a distribution: rounds in a minute, and each family's distance and missed parts."""
    found, sheets = {}, []
    for name in distributions.SHAPES:
        begun = time.perf_counter()
        experiment = Experiment(PlaneSettings(distribution=name))
        first = 0.0
        while time.perf_counter() - begun < SECONDS:  # as the page does: ten rounds, then a look
            for _ in range(ROUNDS):
                experiment.train_round()
            view = experiment.view()
            first = first or time.perf_counter() - begun
        rounds, view = experiment.rounds, experiment.view(last=True)
        sheets.append(draw_sheet(view))
        found[name] = {"rounds": rounds, "first frame, s": round(first, 2), **distances(experiment, name)}
    picture = Image.fromarray(np.hstack([np.array(Image.fromarray(s).resize((480, 320))) for s in sheets]))
    picture.save(SHEET, quality=85)
    return found


@torch.no_grad()
def distances(experiment: Experiment, name: str) -> dict[str, str]:
    """By family, the share of a Gaussian's energy distance, and parts that are missed."""
    test = torch.from_numpy(distributions.draw(name, SAMPLES, 1))
    inside = mean_distance(test, test, same=True)

    def energy(x: torch.Tensor) -> float:
        return 2 * mean_distance(x, test) - mean_distance(x, x, same=True) - inside

    torch.manual_seed(0)
    gaussian = torch.distributions.MultivariateNormal(test.mean(0), test.T.cov()).sample((SAMPLES,))
    worst, found = energy(gaussian), {}
    for learner, score in zip(experiment.learners, experiment.scores, strict=True):
        share = energy(learner.sample(SAMPLES, torch.Generator().manual_seed(2))) / worst
        found[learner.name] = f"{share:.3f}, {score['missed']} of {score['parts']} missed"
    floor = energy(torch.from_numpy(distributions.draw(name, SAMPLES, 2))) / worst
    return found | {"the data's own": f"{floor:.3f}"}


PLAYED = """() => {
  window.times = {};
  const begin = () => { window.times = { click: performance.now() }; };
  document.getElementById("atlas-generate").addEventListener("click", begin, true);
  const where = document.getElementById("atlas-where");
  new MutationObserver(() => {
    if (/round/.test(where.textContent)) times.first ??= performance.now() - times.click;
  }).observe(where, { childList: true, characterData: true, subtree: true });
}"""
ANSWERED = """async () => {
  const begun = performance.now();
  const box = document.querySelector(".answer");
  const answered = new Promise((done) => new MutationObserver(done).observe(box, { childList: true }));
  const choices = [...document.querySelectorAll(".questions input:not(:checked)")];
  choices[Math.floor(Math.random() * choices.length)].click();
  await answered;
  return performance.now() - begun;
}"""


def page() -> dict[str, Any]:
    """In a Chromium, n = 40 clicks that the server answers during a run: milliseconds; the first frame after Play; and
    the rounds of two people who play at once."""
    with serve_desktop() as (browser, url):
        one, other = (open_tab(browser, url, "Atlas") for _ in range(2))
        one.wait_for_timeout(8000)  # torch is there by then
        one.evaluate(PLAYED)
        one.click("#atlas-generate")
        one.wait_for_function("times.first", polling=50)
        first = one.evaluate("times.first / 1000")
        one.click("[data-page=chooser]")
        clicks = []
        for _ in range(40):
            clicks.append(one.evaluate(ANSWERED))
            one.wait_for_timeout(400)
        one.click("[data-page=home]")
        other.click("#atlas-generate")
        other.wait_for_function("/round/.test(document.getElementById('atlas-where').textContent)")
        begun = rounds(one), rounds(other)
        one.wait_for_timeout(15_000)
        shares = [now - then for now, then in zip((rounds(one), rounds(other)), begun, strict=True)]
    return {
        "Play to the first frame, s (bar 1)": round(first, 2),
        "a click during a run, ms: median, p95 (bar 300)": [
            round(statistics.median(clicks)), round(sorted(clicks)[int(0.95 * len(clicks))]),
        ],
        "rounds of two people in the same 15 s": shares,
    }  # fmt: skip


def rounds(page: Page) -> int:
    """The round that a page shows."""
    return page.evaluate("darkroom.then((page) => page.stage('atlas').film.at(-1).view.rounds)")
