"""Long work that a page asks for a slice at a time: generators by token. Whoever stops asking, stops it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

SLICE = 0.5  # seconds of work a question: then the page shows what is there, and asks again
MOST = 16  # that are under way: the one that nobody asked for longest is dropped


class Slices:
    """Generators under way."""

    def __init__(self) -> None:
        self.underway: OrderedDict[str, Iterator[Any]] = OrderedDict()
        self.lock = threading.Lock()

    def begin(self, run: Iterator[Any]) -> str:
        """A token to ask with."""
        token = secrets.token_hex(8)
        self._keep(token, run)
        return token

    def _keep(self, token: str, run: Iterator[Any]) -> None:
        with self.lock:
            self.underway[token] = run
            while len(self.underway) > MOST:
                self.underway.popitem(last=False)

    def go_on(self, token: Any) -> tuple[Any, bool]:
        """The newest of what it gave in a slice of work, None where that is nothing, and whether it is over. KeyError for
        one that is no longer under way, or is worked on just now."""
        with self.lock:
            run = self.underway.pop(token if isinstance(token, str) else "")
        begun, item = time.perf_counter(), None
        for item in run:
            if time.perf_counter() - begun > SLICE:
                self._keep(token, run)
                return item, False
        return item, True

    def stop(self, token: Any) -> None:
        """Forget one."""
        with self.lock:
            self.underway.pop(token if isinstance(token, str) else "", None)
