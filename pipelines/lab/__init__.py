"""The lab: claims that textbooks make, each put to the test by an experiment that computes its verdict.

python -m pipelines.lab            # all of them, five seeds each: a JSON and a picture each in ./lab
python -m pipelines.lab NAME
"""

from __future__ import annotations

from pipelines.lab import families, learning, metrics, sampling
from pipelines.lab.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for module in (sampling, learning, metrics, families)
    for experiment in module.EXPERIMENTS
}
