"""Report cards: a model's on few pictures, stopped and resumed; people's own sets; the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import evaluate as page
from pipelines.__main__ import main
from pipelines.core.registry import CATALOGUE
from pipelines.evaluation import report
from pipelines.evaluation.report import Progress, Report


def save_pictures(folder: Path, n: int, seed: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for k in range(n):
        pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(folder / f"{k}.png")
    return folder


def test_every_model_that_is_evaluated_has_its_reference_and_valid_settings() -> None:
    evaluated = [spec for spec in CATALOGUE.values() if spec.reference]
    assert len(evaluated) >= 5
    for spec in evaluated:
        reference = report.open_reference(spec.reference)
        assert len(reference.held_out) > reference.held_out.shape[1], "or its covariance is singular"
        assert not reference.captions or len(reference.captions) <= len(reference.held_out)
        assert bool(reference.captions) >= ("prompt" in spec.settings.model_fields)
        for settings in spec.evaluated.values():
            spec.settings(**settings)


def test_a_stopped_evaluation_goes_on_where_it_was_and_gives_the_same(tmp_path: Path) -> None:
    whole = list(report.evaluate("vae", "β 1", n=12, sets=2, folder=tmp_path / "a"))
    run = report.evaluate("vae", "β 1", n=12, sets=2, folder=tmp_path / "b")
    for _ in range(15):
        next(run)
    run.close()
    resumed = list(report.evaluate("vae", "β 1", n=12, sets=2, folder=tmp_path / "b"))
    drawn = [step.done for step in resumed if isinstance(step, Progress)]
    assert drawn[0] == 16, "all fifteen were kept"
    first, second = whole[-1], resumed[-1]
    assert isinstance(first, Report) and isinstance(second, Report)
    for key in first.figures.keys() - {"ms a picture"}:
        assert first.figures[key] == pytest.approx(second.figures[key], abs=1e-3), key
    assert first.figures["KID × 1000"][1] is not None
    assert "fewer than the 192 features" in first.notes[0]


@pytest.mark.parametrize(("name", "label", "error"), [
    ("pix2pix", "", "not compared with real"), ("vae", "nonsense", "one of 'β 0.2'"),
])  # fmt: skip
def test_what_has_no_card_is_refused(name: str, label: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        next(report.evaluate(name, label))


def test_a_set_against_its_like_is_near_and_against_faces_far(tmp_path: Path) -> None:
    a, b = save_pictures(tmp_path / "a", 40, 0), save_pictures(tmp_path / "b", 40, 1)
    *_, near = report.score([a], [b])
    *_, far = report.score([a], "faces")
    assert near.figures["KID × 1000"][0] < far.figures["KID × 1000"][0] / 3
    assert near.floor["KID × 1000"] < far.figures["KID × 1000"][0] / 3, "halves of one set are alike"
    assert "biased upwards" in near.notes[-1]


def test_too_few_pictures_are_a_sentence(tmp_path: Path) -> None:
    one = save_pictures(tmp_path / "one", 1, 0)
    (one / "x.txt").write_text("hello")
    with pytest.raises(
        ValueError,
        match=r"only 1 of 2 files can be read. Yours: 1 of 2 files were left out, mostly since one is not a picture",
    ):
        list(report.score([one], "faces"))


def test_the_command_measures_a_folder_and_keeps_cards(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = save_pictures(tmp_path / "mine", 6, 0)
    assert main(["evaluate", str(folder), "--against", "faces"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 6
    out = tmp_path / "cards.json"
    for _ in range(2):
        assert main(["evaluate", "vae", "--label", "β 5", "--n", "4", "--out", str(out)]) == 0
    assert [row["label"] for row in report.cards(out)] == ["β 5"], "the newer one takes the older one's place"
    assert main(["evaluate", "vae", "--label", "no", "--out", str(out)]) == 2
    assert main(["evaluate", str(folder), "--against", "faces", "--extractor", "ear"]) == 2
    assert main(["evaluate", str(folder)]) == 2
    assert "real pictures of your own, or one of faces, people, world" in capsys.readouterr().err


def ask(function: str, *given: object) -> dict:
    return next(f for f in page.functions() if f.__name__ == function)(list(given))


def test_the_page_evaluates_by_slices_and_stops() -> None:
    token = ask("begin_evaluation", "vae", "β 1", 4)["token"]
    found = ask("follow", token)
    while "report" not in found:
        assert found["picture"].startswith("data:image/") and found["total"] == 12
        found = ask("follow", token)
    assert found["report"]["title"] == "VAE · β 1"
    rows = ask("list_reports")["reports"]
    assert rows[0]["here"] and rows[0]["label"] == "β 1"
    token = ask("begin_evaluation", "vae", "β 5", 20)["token"]
    ask("follow", token)
    ask("stop", token)
    assert "no longer under way" in ask("follow", token)["error"]


@pytest.mark.parametrize(
    "given", [["vae", "β 1", 100000], ["vae", "no", 10], ["pix2pix", "", 10], [None, 3, "x"], []]
)
def test_the_page_refuses_nonsense(given: list) -> None:
    assert ask("begin_evaluation", *given)["error"].endswith(".")


def test_only_what_a_browser_sent_is_read(tmp_path: Path) -> None:
    folder = save_pictures(tmp_path / "private", 5, 0)
    assert "error" in ask("begin_scoring", [str(folder)], "faces", "eye")
    assert "error" in ask("begin_scoring", ["/tmp/gradio/../../etc/passwd"], "faces", "eye")
    assert "error" in ask("begin_scoring", [], "faces", "eye")
    assert "error" in ask("begin_scoring", ["x"], "../../secret", "eye")
    assert "error" in ask("begin_scoring", ["x"], "/tmp/gradio/0/faces", "eye")


def test_a_damaged_record_is_put_aside_and_another_eyes_reference_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "reports.json"
    path.write_text('[{"name": "half')
    record = {"name": "vae", "label": "", "against": "faces", "figures": {}, "floor": {}, "notes": [], "n": 4}
    report.add_card(record, path)
    assert report.cards(path) == [record] and (tmp_path / "reports.damaged").read_text().endswith("half")
    monkeypatch.setattr(report, "fingerprint", lambda bundles: "another")
    with pytest.raises(report.WeightsError, match="seen by another eye"):
        report.open_reference("faces")
