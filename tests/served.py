"""A running desktop, for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.desktop import Desktop
from app.history import History
from app.theme import LAUNCH


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a desktop with an empty history."""
    demo = Desktop(History(tmp_path_factory.mktemp("home") / "history.sqlite")).blocks
    demo.queue(max_size=64, default_concurrency_limit=8)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **LAUNCH)
    yield url
    demo.close()
