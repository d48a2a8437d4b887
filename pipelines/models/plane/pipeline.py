"""The bench: rounds of training, a frame every ten."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Generator

from pipelines.core.contract import Frame, Pipeline
from pipelines.models.plane.experiment import Experiment
from pipelines.models.plane.result import PlaneResult, draw_sheet
from pipelines.models.plane.spec import ROUNDS, PlaneSettings

PAUSED = 8  # experiments that are kept for whoever paused them
SLOW = 0.12  # seconds between two training steps that are looked at one by one


class PlanePipeline(Pipeline):
    """Points to six models of them. Settings that are sent to the generator are turned while it runs."""

    name = "plane"
    Settings = PlaneSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        """There are no weights to load."""
        self.paused: OrderedDict[str, Experiment] = OrderedDict()

    def begin(self, s: PlaneSettings) -> Experiment:
        """The experiment that was paused, if it is of the same points; else a new one."""
        found = self.paused.pop(s.resume, None)
        if (
            found is None
            or found.rounds >= s.rounds
            or any(getattr(found.settings, name) != getattr(s, name) for name in ("seed", "distribution", "points"))
        ):
            return Experiment(s)
        found.settings = found.settings.model_copy(update={"rounds": s.rounds})
        found.turn(s)
        return found

    def run(self, s: PlaneSettings) -> Generator[Frame, PlaneSettings | None, None]:
        experiment, token = self.begin(s), secrets.token_hex(8)
        end = min(s.rounds, experiment.rounds + s.only) if s.only else s.rounds
        try:
            while experiment.rounds < end:
                rounds = 1 if experiment.now.slow else ROUNDS
                for _ in range(min(rounds, end - experiment.rounds)):
                    experiment.train_round()
                last = experiment.rounds == end
                view = experiment.view(last) | {"settings": experiment.record, "pause": token}
                steps = -(-end // ROUNDS)
                result = PlaneResult(view, self.name, experiment.record) if last else None
                note = f"round {experiment.rounds:,} of {s.rounds:,}, {view['each']:.1f} ms each"
                turned = yield Frame(
                    -(-experiment.rounds // ROUNDS),
                    steps,
                    lambda view=view: draw_sheet(view),
                    None,
                    note,
                    result,
                    {"curves": view["curves"]},
                    view,
                    wait=SLOW if experiment.now.slow else 0.0,
                )
                if turned is not None:
                    experiment.turn(turned)
        finally:  # a stop is a pause
            self.paused[token] = experiment
            while len(self.paused) > PAUSED:
                self.paused.popitem(last=False)
