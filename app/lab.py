"""The lab in the page: which experiments there are, and their findings as they grow."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from pydantic import ValidationError

from app import viewer
from app.forms import bounds, title
from app.slices import Gone, Slices
from pipelines.core.cards import WeightsError
from pipelines.core.settings import format_error

log = logging.getLogger("darkroom")
underway = Slices()


def experiments() -> dict[str, Any]:
    """Imported on demand: they need torch, and the page does not."""
    return importlib.import_module("pipelines.lab").EXPERIMENTS


def list_experiments(_: list) -> dict[str, Any]:
    """All of them with their controls, in order."""
    return {"experiments": [describe(one) for one in experiments().values()]}


def describe(one: Any) -> dict[str, Any]:
    """An experiment as the page shows it."""
    controls = []
    for name, field in one.controls.model_fields.items():
        low, high = bounds(field)
        whole = field.annotation is int
        step = next(
            (m.multiple_of for m in field.metadata if hasattr(m, "multiple_of")), 1 if whole else (high - low) / 100
        )
        controls.append(
            {"name": name, "title": title(name), "help": field.description, "low": low, "high": high, "step": step,
             "value": field.default}
        )  # fmt: skip
    shown = ("name", "system", "title", "claim", "expected", "x", "y", "logarithmic", "source")
    return {key: getattr(one, key) for key in shown} | {"controls": controls}


def begin_experiment(given: list) -> dict[str, Any]:
    """A name and values of controls: a token to ask for its finding with, or {"error": sentence}."""
    try:
        name, values = given
        one = experiments()[name]
        run = one.run(one.controls(**values))
    except ValidationError as error:
        return {"error": format_error(error)}
    except (KeyError, TypeError, ValueError):
        return {"error": "There is no such experiment: reload the page."}
    return {"token": underway.begin(run)}


def go_on(given: list) -> dict[str, Any]:
    """The finding so far, after a slice of work: {"x", "series", "holds", "text", "over"}."""
    try:
        finding, over = underway.go_on(given[0] if given else "")
    except Gone:
        return {"error": "This experiment is no longer under way: run it again."}
    except WeightsError as error:
        return {"error": str(error)}
    except Exception:
        log.exception("an experiment failed")
        return {"error": "The experiment failed; the log says why. Try other values."}
    if finding is None:
        return {"error": "The experiment found nothing: try other values."}
    if finding.holds is not None:
        underway.stop(given[0])
    answer = {key: getattr(finding, key) for key in ("x", "series", "holds", "text")}
    return viewer.finite(answer | {"over": over or finding.holds is not None})
