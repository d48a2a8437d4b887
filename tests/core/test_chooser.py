"""Five answers to a kind of model, and the family tree that the registry's specs grow into."""

from __future__ import annotations

import itertools

import pytest

from app.pages import PAGES, choose
from pipelines.core import chooser, lineage
from pipelines.core.registry import CATALOGUE

CASES = [
    # what, likelihood, budget, condition, data -> kind, model
    (("picture", "none", "second", "words", "many"), "diffusion", "latent-diffusion-256"),
    (("picture", "none", "instant", "picture", "some"), "adversarial", "pix2pix"),
    (("picture", "none", "patient", "edit", "many"), "diffusion", "inpainting"),
    (("picture", "none", "second", "picture", "some"), "diffusion", "controlnet"),
    (("picture", "none", "second", "words", "few"), "diffusion", "lora"),
    (("picture", "exact", "instant", "nothing", "many"), "flow", ""),
    (("sound", "exact", "patient", "words", "some"), "autoregressive", "audio-tokens"),
    (("sound", "none", "second", "words", "some"), "diffusion", "audio-flow"),
    (("clip", "none", "patient", "words", "many"), "diffusion", "video"),
    (("table", "exact", "second", "nothing", "few"), "flow", "plane"),
    (("picture", "bound", "instant", "nothing", "some"), "latent", "vae"),
    (("clip", "exact", "instant", "words", "many"), "", ""),
]


@pytest.mark.parametrize(("answers", "kind", "model"), CASES)
def test_it_ends_where_it_should(answers: tuple[str, ...], kind: str, model: str) -> None:
    advice = chooser.choose(*answers)
    assert (advice.kind, advice.model) == (kind, model) and advice.reason.endswith(".")


def test_no_kind_is_advised_that_was_refused_and_a_gan_never_for_a_likelihood() -> None:
    for answers in itertools.product(*(choices for _, choices in chooser.QUESTIONS.values())):
        advice = chooser.choose(*answers)
        titles = {title for title, _ in advice.refused}
        assert not advice.kind or lineage.KINDS[advice.kind][0] not in titles
        if answers[1] != "none":
            assert lineage.KINDS["adversarial"][0] in titles
        assert not advice.model or advice.model in CATALOGUE
        assert bool(advice.kind) or len(titles) == len(lineage.KINDS)


def test_answers_that_are_none_are_one_sentence() -> None:
    good = ["picture", "none", "second", "words", "many"]
    assert choose(good)["opens"]["tab"] == "image"
    assert choose([*good[:4], "lots"])["error"] == "How much data is there? Answer with one of: few, some, many."
    for answers in (None, [], good[:3], [None] * 5, {"a": 1}):
        assert choose(answers)["error"]


def test_the_tree_has_all_that_runs_here_and_no_loose_end() -> None:
    nodes = {node.name: node for node in lineage.nodes()}
    assert len(nodes) == len(lineage.nodes())
    stable = [
        "autoencoder",
        "vae",
        "gan",
        "conditional-gan",
        "stylegan",
        "ddpm",
        "rectified-flow",
        "reflow",
        "few-step",
        "next-scale",
    ]
    assert not {node.name for node in lineage.HISTORY} & {*stable, *CATALOGUE}  # a paper is no model of the house
    kinds = {spec.name for spec in CATALOGUE.values() if spec.kind}
    assert kinds == {node.model for node in nodes.values() if node.model}
    for node in nodes.values():
        assert node.kind in lineage.KINDS and 2013 <= node.year <= 2026
        for parent in node.parents:
            assert nodes[parent].year <= node.year, (node.name, parent)


def test_a_family_that_says_its_kind_is_in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    new = replace(CATALOGUE["pix2pix"], name="new", kind="flow", parents=("glow",), paper="Somebody 2025")
    monkeypatch.setitem(CATALOGUE, "new", new)
    [node] = [node for node in PAGES["map"].data()["nodes"] if node["name"] == "new"]
    assert (node["year"], node["kind"], node["parents"]) == (2025, "flow", ("glow",))
