"""The bench: rounds of training, a frame every ten."""

from __future__ import annotations

import functools
import secrets
from collections import OrderedDict
from collections.abc import Generator

from pipelines.core.contract import Frame, Pipeline
from pipelines.models.plane.experiment import Experiment
from pipelines.models.plane.result import PlaneResult, draw_sheet
from pipelines.models.plane.spec import ROUNDS, PlaneSettings

PAUSED: OrderedDict[str, Experiment] = OrderedDict()  # for whoever paused them, by a token that the frames carry
MOST = 16  # of them
SLOW = 0.12  # seconds between two training steps that are looked at one by one
SAME = ("seed", "distribution", "points", "turns")  # settings that an experiment goes on with


class PlanePipeline(Pipeline):
    """Points to six models of them. Settings that are sent to the generator are taken while it runs."""

    name = "plane"
    Settings = PlaneSettings

    def __init__(self, device: str = "auto", dtype: str = "auto") -> None:
        """There are no weights to load."""

    @staticmethod
    def begin(s: PlaneSettings) -> tuple[str, Experiment, str]:
        """Its token, the experiment that was paused, if it is of the same points, or a new one, and what to say."""
        found = PAUSED.pop(s.resume, None)
        if found is None:
            return secrets.token_hex(8), Experiment(s), "the pause is gone: from the beginning · " if s.resume else ""
        if found.rounds >= s.rounds or any(getattr(found.settings, name) != getattr(s, name) for name in SAME):
            return secrets.token_hex(8), Experiment(s), ""
        found.settings = found.settings.model_copy(update={"rounds": s.rounds})
        found.turn(s)
        return s.resume, found, ""

    def run(self, s: PlaneSettings) -> Generator[Frame, PlaneSettings | None, None]:
        token, experiment, gone = self.begin(s)
        end = min(s.rounds, experiment.rounds + s.only) if s.only else s.rounds
        try:
            while experiment.rounds < end:
                rounds = 1 if experiment.now.slow else ROUNDS
                for _ in range(min(rounds, end - experiment.rounds)):
                    experiment.train_round()
                last = experiment.rounds == end
                record = experiment.record(whole=end == s.rounds and last)
                view = experiment.view(last and not s.only) | {"settings": record, "pause": token}
                new = yield Frame(
                    -(-experiment.rounds // ROUNDS),
                    -(-end // ROUNDS),
                    functools.partial(draw_sheet, view),
                    None,
                    f"{gone}round {experiment.rounds:,} of {s.rounds:,}, {view['each']:.1f} ms each",
                    PlaneResult(view, self.name, record) if last else None,
                    view=view,
                    wait=SLOW if experiment.now.slow else 0.0,
                )
                if new is not None:
                    experiment.turn(new)
        finally:
            if experiment.rounds < s.rounds:  # a stop is a pause
                PAUSED[token] = experiment
            while len(PAUSED) > MOST:
                PAUSED.popitem(last=False)
