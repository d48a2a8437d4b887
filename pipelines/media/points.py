"""Points in the plane that people give, as a CSV of two numbers a line. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "n 2"]
KEPT = 2_000  # points that are kept, evenly picked
ROWS = 1_000_000  # lines of a file that are read at most
BYTES = 100_000_000  # of a file that is opened at most
DIGITS = 3


def standardise(x: Points) -> Points:
    """Zero mean, and a standard deviation of 1 over both coordinates together, so that shapes keep their proportions."""
    x = x - x.mean(0)
    return (x / max(float(np.sqrt(x.var(0).mean())), 1e-9)).astype(np.float32)


def load_points(path: str | Path) -> Points:
    """The points of a CSV file. Raises ValueError, one sentence."""
    path = Path(path)
    if path.stat().st_size > BYTES:
        raise ValueError(f"{path.name} is larger than {BYTES // 1_000_000} MB: give at most a million points")
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        raise ValueError(f"{path.name} is no text: give a CSV, two numbers a line, x,y")
    return parse_points(data.decode("utf-8-sig", errors="replace"))


def parse_points(text: str) -> Points:
    """Points of a CSV, two numbers a line; a first line of words is its header. Raises ValueError, one sentence."""
    rows = [line for line in text.replace(";", ",").replace("\t", ",").splitlines() if line.strip()]
    if len(rows) > ROWS:
        raise ValueError(f"these are {len(rows):,} points: give at most a million")
    found: list[list[float]] = []
    for i, row in enumerate(rows):
        try:
            values = [float(part) for part in row.strip().strip(",").split(",")]
        except ValueError:
            if i == 0:
                continue
            raise ValueError(f"line {i + 1} of the points is '{row[:40]}': give two numbers a line, x,y") from None
        if len(values) != 2:
            raise ValueError(f"line {i + 1} of the points has {len(values)} numbers: give two a line, x,y")
        found.append(values)
    x = np.array(found, np.float64).reshape(-1, 2)
    if not np.isfinite(x).all():
        line = int(np.flatnonzero(~np.isfinite(x).all(1))[0]) + 1
        raise ValueError(f"point {line} is not finite: leave out NaN and infinity")
    if len(np.unique(x, axis=0)) < 3:
        raise ValueError("there are fewer than three different points: draw a stroke, or give a CSV of x,y")
    return x


def to_text(x: Points) -> str:
    """Points as the CSV that settings hold: standardised, at most KEPT of them, evenly picked."""
    x = standardise(x[np.linspace(0, len(x) - 1, min(len(x), KEPT)).round().astype(int)])
    return "\n".join(f"{a:.{DIGITS}g},{b:.{DIGITS}g}" for a, b in x)
