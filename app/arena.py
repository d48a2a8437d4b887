"""The arena: two pictures of the same words and seed by two contestants that nobody names, and a vote. Votes
are kept in
SQLite with what was shown; their ranking is computed anew each time."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app import live, viewer
from app.answers import answer_in_sentences
from pipelines.core.cards import data_dir
from pipelines.core.registry import CATALOGUE
from pipelines.evaluation import ranking

# who takes part, from the specs: what each is called, its model and settings
CONTESTANTS = {
    f"{spec.label or spec.title} · {label}": (spec.name, dict(settings))
    for spec in CATALOGUE.values()
    for label, settings in spec.contestants.items()
}
WORDS = [words for spec in CATALOGUE.values() if spec.contestants for words in spec.examples.values()]
LONGEST = 2000  # characters of a sentence
LINES = 100_000  # of a file of votes
FEW = 5  # votes: the bootstrap of fewer is narrower than what is known
COLUMNS = "id, prompt, seed, left, right, verdict, time"  # as Ballot has them
DRAWING = threading.Semaphore(2)  # pairs at a time: they do not wait in the queue of runs


@dataclass(frozen=True)
class Ballot:
    """A pair that was shown; without a verdict before somebody voted."""

    id: str
    prompt: str
    seed: int
    left: str
    right: str
    verdict: str = ""
    time: float = 0.0


class Ballots:
    """Raises sqlite3.Error or OSError where the disk is full or another program holds it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_dir() / "arena.sqlite"

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=10)
        db.execute("PRAGMA journal_mode = WAL")  # who reads does not wait for who votes
        db.execute(
            "CREATE TABLE IF NOT EXISTS ballots (id TEXT PRIMARY KEY, owner TEXT NOT NULL, prompt TEXT NOT NULL, "
            "seed INTEGER NOT NULL, left TEXT NOT NULL, right TEXT NOT NULL, verdict TEXT NOT NULL, time REAL "
            "NOT NULL)"
        )
        return db

    def show(self, owner: str, ballot: Ballot) -> None:
        """Keep a pair before it is voted on."""
        self._insert([(owner, ballot)])

    def _insert(self, rows: list[tuple[str, Ballot]]) -> int:
        sql = "INSERT OR IGNORE INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        with closing(self._open()) as db, db:
            values = [(b.id, owner, b.prompt, b.seed, b.left, b.right, b.verdict, b.time) for owner, b in rows]
            return db.executemany(sql, values).rowcount

    def vote(self, owner: str, number: str, verdict: str) -> Ballot | None:
        """A verdict on a pair that this browser was shown, once: the ballot; None where it was not, or has one."""
        sql = "UPDATE ballots SET verdict = ?, time = ? WHERE id = ? AND owner = ? AND verdict = ''"
        with closing(self._open()) as db, db:
            if db.execute(sql, (verdict, time.time(), number, owner)).rowcount == 0:
                return None
            row = db.execute(f"SELECT {COLUMNS} FROM ballots WHERE id = ?", (number,))
            return Ballot(*row.fetchone())

    def cast(self) -> list[Ballot]:
        """All votes, in the order in which they were cast."""
        with closing(self._open()) as db:
            sql = f"SELECT {COLUMNS} FROM ballots WHERE verdict != '' ORDER BY time, id"
            return [Ballot(*row) for row in db.execute(sql)]

    def add(self, ballots: list[Ballot]) -> int:
        """Votes from a file: how many of them were new."""
        return self._insert([("", ballot) for ballot in ballots])


def parse(line: str) -> Ballot:
    """A vote from a line of JSON. Raises ValueError where it is none."""
    found = json.loads(line)
    ballot = Ballot(**{name: found[name] for name in ("id", "prompt", "seed", "left", "right", "verdict", "time")})
    texts = (ballot.id, ballot.prompt, ballot.left, ballot.right)
    if not all(isinstance(text, str) and 0 <= len(text) <= LONGEST for text in texts) or not ballot.id:
        raise ValueError("a text is missing, or too long")
    numbers = isinstance(ballot.seed, int) and isinstance(ballot.time, (int, float)) and abs(ballot.time) < 1e12
    if ballot.verdict not in ranking.VERDICTS or ballot.left == ballot.right or not numbers:
        raise ValueError("no such verdict")
    return ballot


def rank(ballots: list[Ballot]) -> list[dict[str, Any]]:
    """Everybody's strength with its interval, votes, and Elo, the strongest first."""
    names = list(dict.fromkeys([*CONTESTANTS, *(name for b in ballots for name in (b.left, b.right))]))
    index = {name: i for i, name in enumerate(names)}
    votes = [(index[b.left], index[b.right], b.verdict) for b in ballots]
    strength = ranking.bradley_terry(ranking.tally(votes, len(names)))
    (low, high), elo = ranking.intervals(votes, len(names)), ranking.elo(votes, len(names))
    count = np.bincount([i for vote in votes for i in vote[:2]], minlength=len(names))
    low[count < FEW], high[count < FEW] = -np.inf, np.inf
    rows = [
        {
            "name": names[i],
            "strength": float(strength[i]),
            "low": float(low[i]),
            "high": float(high[i]),
            "votes": int(count[i]),
            "elo": float(elo[i]),
        }
        for i in np.argsort(-strength)
    ]
    return viewer.finite(rows)  # what nobody knows yet is null


def draw_pair(owner: str, words: str, ballots: Ballots) -> dict[str, Any]:
    """Two pictures of the same words and seed, by those two of whom least is known."""
    names, rng = list(CONTESTANTS), np.random.default_rng()
    index = {name: i for i, name in enumerate(names)}
    votes = [
        (index[b.left], index[b.right], b.verdict) for b in ballots.cast() if b.left in index and b.right in index
    ]
    pair = [names[i] for i in ranking.least_certain(ranking.tally(votes, len(names)), rng)]
    prompt, seed = words.strip() or random.choice(WORDS), random.getrandbits(32)
    pictures = []
    for name in pair:
        model, settings = CONTESTANTS[name]
        one = CATALOGUE[model].settings(prompt=prompt, seed=seed, **settings)
        frame, note = live.draw_once(model, one)
        if frame is None:
            return {"error": note}
        pictures.append(viewer.picture(frame.preview))
    ballot = Ballot(uuid.uuid4().hex, prompt, seed, *pair, time=time.time())
    ballots.show(owner, ballot)
    return {"id": ballot.id, "prompt": prompt, "pictures": pictures}


def functions(ballots: Ballots) -> list[Callable]:
    """What the page asks; each is given one list and answers {"error": sentence} where it cannot."""

    def next_pair(owner: str, words: str) -> dict[str, Any]:
        with DRAWING:
            return draw_pair(str(owner), str(words), ballots)

    def cast_vote(owner: str, number: str, verdict: str) -> dict[str, Any]:
        if verdict not in ranking.VERDICTS:
            raise ValueError(verdict)
        ballot = ballots.vote(str(owner), str(number), verdict)
        if ballot is None:
            return {"error": "This pair has its vote already: here is the next one."}
        return {"left": ballot.left, "right": ballot.right, "ranking": rank(ballots.cast())}

    def list_ranking() -> dict[str, Any]:
        return {"ranking": rank(ballots.cast())}

    def export_votes() -> dict[str, Any]:
        lines = "".join(json.dumps(vars(ballot), ensure_ascii=False) + "\n" for ballot in ballots.cast())
        return {"text": lines}

    def import_votes(text: str) -> dict[str, Any]:
        good, broken = [], 0
        for line in non_blank(str(text)):
            try:
                good.append(parse(line))
            except (ValueError, TypeError, KeyError, RecursionError):
                broken += 1
        new = ballots.add(good)
        said = f"{new:,} votes are new, {len(good) - new:,} were there already"
        said += f", {broken:,} lines are no votes" if broken else ""
        return {"say": f"{said}.", "ranking": rank(ballots.cast())}

    return answer_in_sentences((next_pair, cast_vote, list_ranking, export_votes, import_votes), "list of votes")


def non_blank(text: str) -> Iterator[str]:
    """The lines of a file that have something, as many as are taken."""
    lines = text.splitlines()
    if len(lines) > LINES:
        raise ValueError(f"more than {LINES:,} lines")
    return (line for line in lines if line.strip())
