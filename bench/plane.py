"""The Atlas's bench: what each family reaches in a minute, on every distribution.

    python -m bench plane

Energy distances are shares of one fitted Gaussian's, on 4,000 samples against 4,000 test points; below 0 is chance. Every
sheet after its minute goes into assets/examples/plane.jpg.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

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
