"""Report cards in the page: those on record, new ones of this machine, and figures of people's own pictures."""

from __future__ import annotations

import importlib
import logging
import math
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from app import live, viewer
from app.answers import answer_in_sentences
from app.slices import Gone, Slices
from pipelines.core.cards import WeightsError, data_dir
from pipelines.core.registry import CATALOGUE

MOST = 300  # pictures of each of three sets that a page may ask for

log = logging.getLogger("darkroom")
underway = Slices()
asked: dict[str, bool] = {}  # token: whether its report goes on record


def measuring() -> Any:
    """Imported on demand: it needs torch, and the page does not."""
    return importlib.import_module("pipelines.evaluation.report")


def title(name: str, label: str) -> str:
    """A model and its settings, as the table calls them."""
    spec = CATALOGUE.get(name)
    return " · ".join(filter(None, (spec.title if spec else name, label)))


def own() -> Path:
    """Where reports of this machine are kept."""
    return data_dir() / "reports.json"


def references() -> list[str]:
    """Names of the bundled ones."""
    return sorted(path.stem for path in measuring().REFERENCES.glob("*.safetensors"))


def list_reports() -> dict[str, Any]:
    """All report cards, those of this machine first; what can be evaluated, compared with, and seen with."""
    report = measuring()
    rows = [row | {"here": True} for row in report.cards(own())] + report.cards()
    choices = [
        {"name": spec.name, "label": label, "title": title(spec.name, label)}
        for spec in CATALOGUE.values()
        if spec.reference
        for label in spec.evaluated
    ]
    return {
        "reports": [viewer.finite(row | {"title": title(row["name"], row["label"])}) for row in rows],
        "choices": choices,
        "references": references(),
        "extractors": [[one.name, one.title] for one in report.EXTRACTORS.values()],
    }


def draw(name: str, settings: dict[str, Any]) -> Any:
    """A picture, step by step between those of the tabs. Raises SetError where there is none."""
    frame, note = live.draw_once(name, CATALOGUE[name].settings(**settings))
    if frame is None:
        raise measuring().SetError(note)
    return frame.result.preview


def begin_evaluation(name: str, label: str, n: float) -> dict[str, Any]:
    """A token to follow a model's evaluation with."""
    spec = CATALOGUE.get(str(name))
    if spec is None or not spec.reference or label not in spec.evaluated or not math.isfinite(n):
        raise ValueError(name)
    if not 4 <= n <= MOST:
        return {"error": f"Draw 4 to {MOST} pictures a set; more are drawn by python -m pipelines evaluate."}
    token = underway.begin(measuring().evaluate(spec.name, label, int(n), draw=draw))
    asked[token] = True
    return {"token": token}


def uploaded(path: str) -> Path:
    """A file that a browser sent; ValueError for any other of this machine."""
    found, folder = Path(path).resolve(), Path(get_upload_folder()).resolve()
    if folder not in found.parents or not found.is_file():
        raise ValueError(path)
    return found


def begin_scoring(paths: list[str], against: list[str] | str, extractor: str) -> dict[str, Any]:
    """A token to follow the measuring of uploaded pictures with, against others or a bundled reference."""
    report = measuring()
    if not paths or not against:
        return {"error": "Choose pictures, or a zip of them, first."}
    if extractor not in report.EXTRACTORS:
        raise ValueError(extractor)
    if isinstance(against, str) and against not in references():
        raise ValueError(against)
    other = against if isinstance(against, str) else [uploaded(one) for one in against]
    token = underway.begin(report.score([uploaded(one) for one in paths], other, extractor))
    asked[token] = False
    return {"token": token}


def follow(token: str) -> dict[str, Any]:
    """How far it is, with the newest picture; at the end the report."""
    report = measuring()
    try:
        item, over = underway.go_on(token)
    except Gone:
        return {"error": "This evaluation is no longer under way: begin it again, and it goes on where it was."}
    except (report.SetError, WeightsError) as error:
        return {"error": str(error)}
    except Exception:
        log.exception("an evaluation failed")
        return {"error": "The evaluation failed; the log says why."}
    if isinstance(item, report.Report):
        underway.stop(token)
        record = report.to_record(item)
        if asked.pop(token, False):
            report.add_card(record, own())
        return {"report": viewer.finite(record | {"title": title(item.name, item.label), "here": True})}
    if item is None or over:
        return {"error": "The evaluation ended without a report: begin it again."}
    picture = None if item.picture is None else viewer.picture(item.picture)
    return {"done": item.done, "total": item.total, "text": item.text, "picture": picture}


def stop(token: str) -> dict[str, Any]:
    """Stop it; the pictures so far are kept, and the next evaluation of the same goes on from them."""
    underway.stop(token)
    asked.pop(token, None)
    return {}


def functions() -> tuple[Any, ...]:
    """What the page asks."""
    return tuple(answer_in_sentences((list_reports, begin_evaluation, begin_scoring, follow, stop), "reports"))
