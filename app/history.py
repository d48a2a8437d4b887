"""The history: every finished picture with its settings, in SQLite. Each browser sees its own."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.core.cards import data_dir
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import bulky_fields

KEPT = 500  # pictures a browser; the oldest go
KEPT_IN_ALL = 20_000  # of all browsers, since a public Space has one disk
BYTES = 2_000_000_000  # of all browsers: clips and things are larger than pictures
UNDO = 3600  # seconds that a deleted picture can be had back
LATER = {"note": "TEXT NOT NULL DEFAULT ''", "starred": "INTEGER NOT NULL DEFAULT 0", "deleted": "REAL"}


@dataclass(frozen=True)
class HistoryItem:
    """One finished picture."""

    id: int
    model: str
    settings: dict[str, Any]
    png: bytes  # empty in a list
    thumbnail: bytes  # JPEG, about 96 pixels
    note: str = ""  # such as where it was stopped
    starred: bool = False


def explain(error: Exception) -> str:
    """Why the history cannot be read or written, and what to do, in one sentence."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return "The history is in use by another program: close that, then go on; your results can be downloaded."
    if "full" in text:
        return "The history could not be saved: free some disk space. Your result is here; download it to keep it."
    if "readonly" in text or "read-only" in text or isinstance(error, PermissionError):
        return "The history's folder cannot be written to: download your results to keep them."
    return "The history cannot be read or written; your results can be downloaded."


class History:
    """Raises sqlite3.Error or OSError where the disk is full or another program holds it; `explain` says why. A
    damaged file is put aside, and a new one begun."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_dir() / "history.sqlite"

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if "malformed" not in str(error) and "not a database" not in str(error):
                raise
            self.path.replace(self.path.with_suffix(f".damaged-{int(time.time())}"))
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=1)  # who makes pictures does not wait for another program
        db.execute(
            "CREATE TABLE IF NOT EXISTS pictures (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, made REAL NOT NULL, "
            "model TEXT NOT NULL, settings TEXT NOT NULL, png BLOB NOT NULL, thumbnail BLOB NOT NULL)"
        )
        there = {row[1] for row in db.execute("PRAGMA table_info(pictures)")}
        for name in LATER.keys() - there:  # a file of an older version
            db.execute(f"ALTER TABLE pictures ADD COLUMN {name} {LATER[name]}")
        db.execute("CREATE INDEX IF NOT EXISTS by_owner ON pictures (owner, id)")
        return db

    def add(
        self, owner: str, model: str, settings: dict[str, Any], png: bytes, thumbnail: bytes, note: str = ""
    ) -> int:
        """Keep a picture; the id that it got."""
        with closing(self._open()) as db, db:
            row = (owner, time.time(), model, json.dumps(settings, ensure_ascii=False), png, thumbnail, note)
            columns = "owner, made, model, settings, png, thumbnail, note"
            sql = f"INSERT INTO pictures ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            new = db.execute(sql, row).lastrowid
            db.execute("DELETE FROM pictures WHERE deleted < ?", (time.time() - UNDO,))
            newest = "SELECT id FROM pictures WHERE owner = ? ORDER BY starred DESC, id DESC LIMIT ?"
            db.execute(f"DELETE FROM pictures WHERE owner = ? AND id NOT IN ({newest})", (owner, owner, KEPT))
            first = "SELECT id FROM pictures WHERE id < ? ORDER BY deleted IS NULL, starred, id LIMIT"
            count = db.execute("SELECT count(*) FROM pictures").fetchone()[0]
            db.execute(f"DELETE FROM pictures WHERE id IN ({first} ?)", (new, max(0, count - KEPT_IN_ALL)))
            used = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            oldest = f"DELETE FROM pictures WHERE id IN ({first} 10)"
            while db.execute(used).fetchone()[0] > BYTES and db.execute(oldest, (new,)).rowcount:
                pass
            return int(new or 0)

    def recent(
        self, owner: str, limit: int = 60, before: int | None = None, words: str = "", starred: bool = False
    ) -> list[HistoryItem]:
        """A browser's last pictures, newest first, without the pictures themselves: neither their PNG nor those that
        settings hold. Of those older than `before`, with each of the words in their prompt or model's name, and a
        star."""
        given = {name for spec in CATALOGUE.values() for name in bulky_fields(spec.settings)}
        paths = ", ".join(f"'$.{name}'" for name in sorted(given))
        light = f"json_remove(settings, {paths}), x''"
        where, values = "owner = ? AND deleted IS NULL", [owner]
        if before is not None:
            where, values = f"{where} AND id < ?", [*values, before]
        for word in words.split()[:10]:
            where += " AND instr(lower(model || ' ' || coalesce(json_extract(settings, '$.prompt'), '')), ?)"
            values.append(word.lower())
        if starred:
            where += " AND starred"
        return self._select(light, f"{where} ORDER BY id DESC LIMIT ?", (*values, limit))

    def find(self, owner: str, number: int) -> HistoryItem | None:
        """One picture of this browser."""
        return next(iter(self._select("settings, png", "owner = ? AND id = ?", (owner, number))), None)

    def star(self, owner: str, number: int, on: bool) -> None:
        """Mark one picture, or take its mark away: marked ones are the last to make room."""
        self._set("starred", int(on), owner, number)

    def delete(self, owner: str, number: int, undo: bool = False) -> None:
        """Delete one picture; or, within UNDO seconds, have it back."""
        self._set("deleted", None if undo else time.time(), owner, number)

    def _set(self, column: str, value: float | None, owner: str, number: int) -> None:
        with closing(self._open()) as db, db:
            db.execute(f"UPDATE pictures SET {column} = ? WHERE owner = ? AND id = ?", (value, owner, number))

    def _select(self, columns: str, where: str, values: tuple) -> list[HistoryItem]:
        with closing(self._open()) as db:
            rows = db.execute(
                f"SELECT id, model, {columns}, thumbnail, note, starred FROM pictures WHERE {where}", values
            ).fetchall()
        return [
            HistoryItem(i, model, json.loads(settings), png, thumbnail, note, bool(starred))
            for i, model, settings, png, thumbnail, note, starred in rows
        ]
