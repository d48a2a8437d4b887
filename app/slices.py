"""Long work that a page asks for a slice at a time: generators by token. Whoever stops asking, stops it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Generator
from typing import Any

SLICE = 0.5  # seconds of work a question: then the page shows what is there, and asks again
MOST = 16  # that are under way: the one that nobody asked for longest is dropped


class Gone(KeyError):
    """What was asked for is no longer under way, or is worked on just now."""


class Slices:
    """Generators under way."""

    def __init__(self) -> None:
        self.underway: OrderedDict[str, Generator] = OrderedDict()
        self.at_work: set[str] = set()  # tokens whose slice is being done just now
        self.stopped: set[str] = set()  # of those, what is not to go on
        self.lock = threading.Lock()

    def begin(self, run: Generator) -> str:
        """A token to ask with."""
        token = secrets.token_hex(8)
        with self.lock:
            self.underway[token] = run
            dropped = self.underway.popitem(last=False)[1] if len(self.underway) > MOST else None
        if dropped is not None:
            dropped.close()
        return token

    def go_on(self, token: Any) -> tuple[Any, bool]:
        """The newest of what it gave in a slice of work, None where that is nothing, and whether it is over. Raises Gone,
        and whatever the work raises."""
        with self.lock:
            run = self.underway.pop(token, None) if isinstance(token, str) else None
            if run is None:
                raise Gone(token)
            self.at_work.add(token)
        begun, item, over = time.perf_counter(), None, True
        try:
            while time.perf_counter() - begun < SLICE:
                new = next(run, self)
                if new is self:
                    break
                item = new
            else:
                over = False
        finally:
            with self.lock:
                self.at_work.discard(token)
                over = over or token in self.stopped
                self.stopped.discard(token)
                if not over:
                    self.underway[token] = run
        if over:
            run.close()
        return item, over

    def stop(self, token: Any) -> None:
        """End one, at once or after the slice that is being done."""
        if not isinstance(token, str):
            return
        with self.lock:
            run = self.underway.pop(token, None)
            if run is None and token in self.at_work:
                self.stopped.add(token)
        if run is not None:
            run.close()
