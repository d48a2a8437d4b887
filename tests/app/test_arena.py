"""The arena's ballots: every vote once and none lost, whoever votes at the same time and whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import arena
from app.arena import CONTESTANTS, Ballot, Ballots, parse, rank

ONE, TWO = list(CONTESTANTS)[:2]


@pytest.fixture
def ballots(tmp_path: Path) -> Ballots:
    return Ballots(tmp_path / "arena.sqlite")


def shown(ballots: Ballots, number: str, owner: str = "me") -> Ballot:
    ballot = Ballot(number, "a cat", 3, ONE, TWO, time=time.time())
    ballots.show(owner, ballot)
    return ballot


def ask(ballots: Ballots, name: str, *given: object) -> dict:
    return {function.__name__: function for function in arena.functions(ballots)}[name](list(given))


def test_a_vote_counts_once_and_only_of_whoever_was_shown_the_pair(ballots: Ballots) -> None:
    shown(ballots, "1")
    assert "error" in ask(ballots, "cast_vote", "somebody else", "1", "left")
    answer = ask(ballots, "cast_vote", "me", "1", "left")
    assert (answer["left"], answer["right"]) == (ONE, TWO)
    assert answer["ranking"][0]["name"] == ONE and answer["ranking"][0]["votes"] == 1
    assert "has its vote already" in ask(ballots, "cast_vote", "me", "1", "right")["error"]
    assert [ballot.verdict for ballot in ballots.cast()] == ["left"]


def test_twenty_people_at_once_lose_nothing(ballots: Ballots) -> None:
    for person in range(20):
        for k in range(10):
            shown(ballots, f"{person}-{k}", f"person {person}")

    def vote(person: int) -> None:
        for k in range(10):
            assert ballots.vote(f"person {person}", f"{person}-{k}", "right")

    with ThreadPoolExecutor(20) as people:
        list(people.map(vote, range(20)))
    assert len(ballots.cast()) == 200


def test_a_vote_survives_a_kill(ballots: Ballots) -> None:
    shown(ballots, "1")
    code = (
        "import os, signal, sys; from pathlib import Path; from app.arena import Ballots; "
        "Ballots(Path(sys.argv[1])).vote('me', '1', 'tie'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ballots.path)], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    assert [ballot.verdict for ballot in ballots.cast()] == ["tie"]


def test_votes_travel_as_lines_and_broken_ones_are_counted(ballots: Ballots, tmp_path: Path) -> None:
    for k, verdict in enumerate(("left", "bad", "tie")):
        shown(ballots, str(k))
        ballots.vote("me", str(k), verdict)
    text = ask(ballots, "export_votes")["text"]
    assert len(text.splitlines()) == 3
    other = Ballots(tmp_path / "other.sqlite")
    itself = json.dumps(vars(Ballot("x", "a", 1, "a", "a", "left", 1.0)))
    broken = "\n".join(['{"id": 3}', "not json", "[[[", itself, ""])
    assert ask(other, "import_votes", text + broken)["say"] == (
        "3 votes are new, 0 were there already, 4 lines are no votes."
    )
    assert ask(other, "import_votes", text)["say"] == "0 votes are new, 3 were there already."
    assert [vars(a) for a in other.cast()] == [vars(b) for b in ballots.cast()]


def test_a_line_comes_back_as_it_was() -> None:
    ballot = Ballot("1", "漢字", 2**32 - 1, ONE, TWO, "left", 12.5)
    assert parse(json.dumps(vars(ballot))) == ballot
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse(json.dumps(vars(ballot) | {"verdict": "middle"}))


def test_nobody_knows_before_the_first_vote_and_ten_thousand_are_ranked_within_a_second(ballots: Ballots) -> None:
    assert all(row["low"] is None and row["votes"] == 0 for row in rank([]))
    many = [
        Ballot(str(k), "a", k, *((ONE, TWO) if k % 2 else (TWO, ONE)), ("left", "right")[k % 2], k)
        for k in range(10_000)
    ]
    ballots.add(many)
    begun = time.perf_counter()
    rows = rank(ballots.cast())
    assert time.perf_counter() - begun < 1
    assert rows[0]["name"] == TWO and rows[-1]["name"] == ONE and rows[0]["low"] > rows[-1]["high"]


def test_a_pair_is_of_the_same_words_and_seed_and_names_nobody(ballots: Ballots) -> None:
    answer = ask(ballots, "next_pair", "me", "a cat")
    assert set(answer) == {"id", "prompt", "pictures"} and answer["prompt"] == "a cat"
    assert all(picture.startswith("data:image/jpeg") for picture in answer["pictures"])
    assert ask(ballots, "cast_vote", "me", answer["id"], "bad")["left"] in CONTESTANTS
    assert ask(ballots, "next_pair", "me", "")["prompt"] in arena.WORDS
    assert "2000" in ask(ballots, "next_pair", "me", "x" * 3000)["error"]


@pytest.mark.parametrize("given", [[], [1], ["me", "1", "middle"], ["me", {"a": 1}, "left"], [None] * 9])
def test_nonsense_is_answered_in_a_sentence(ballots: Ballots, given: list) -> None:
    for function in arena.functions(ballots):
        answer = function(given)
        assert isinstance(answer, dict) and ("error" not in answer or answer["error"].endswith((".", ". ")))
