"""Numbers that depend on a text alone: splits of data are cut with them, so they never change."""

from __future__ import annotations

import hashlib


def unit_hash(text: str) -> float:
    """A number in [0, 1), evenly distributed over texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
