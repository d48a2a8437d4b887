"""What the history's strip asks of the server (static/core/history.js): a page of entries, one of them, a star, a
deletion. Each call names the browser whose history it is, as a run does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app import live, viewer
from app.answers import answer_in_sentences
from app.history import History, HistoryItem
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import bulky_fields

PAGE = 60  # entries a request


def functions(history: History) -> list[Callable[..., Any]]:
    """The functions, for gr.HTML(server_functions=…). An answer with "error" is a sentence for the toast."""

    def list_entries(owner: str, before: int | None, words: str, starred: bool) -> dict[str, Any]:
        items = history.recent(str(owner), PAGE, before, str(words), bool(starred)) if owner else []
        return {"entries": [summary(item) for item in items], "more": len(items) == PAGE}

    def open_entry(owner: str, number: int) -> dict[str, Any]:
        item = history.find(str(owner), int(number))
        if item is None:
            return {"error": "This picture is no longer in the history."}
        given = bulky_fields(CATALOGUE[item.model].settings) if item.model in CATALOGUE else {}
        settings = {name: value for name, value in item.settings.items() if name not in given}
        return {
            **summary(item),
            "url": viewer.data_url(item.png, "image/png"),
            "settings": {"model": item.model, **settings},
        }

    def star_entry(owner: str, number: int, on: bool) -> dict[str, Any]:
        history.star(str(owner), int(number), bool(on))
        return {}

    def delete_entry(owner: str, number: int, undo: bool) -> dict[str, Any]:
        history.delete(str(owner), int(number), bool(undo))
        return {}

    def list_run(owner: str, run: str) -> dict[str, Any]:
        return {"ids": live.RUNNING[run].entries if run in live.RUNNING else []}

    return answer_in_sentences((list_entries, open_entry, star_entry, delete_entry, list_run))


def summary(item: HistoryItem) -> dict[str, Any]:
    """An entry as the strip shows it."""
    spec = CATALOGUE.get(item.model)
    return {
        "id": item.id,
        "tab": spec.tab if spec else "",
        "badge": item.note.partition(" ")[0] or (spec.result if spec and spec.result != "image" else ""),
        "name": f"{item.model}-{item.settings.get('seed', 0)}.png",
        "prompt": str(item.settings.get("prompt") or "without words"),
        "note": item.note,
        "starred": item.starred,
        "thumbnail": viewer.data_url(item.thumbnail, "image/jpeg"),
    }
