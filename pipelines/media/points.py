"""Points in the plane that people give, as a CSV of two numbers a line. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "n 2"]
KEPT = 2_000  # points that are kept, evenly picked
ROWS = 1_000_000  # lines of a file that are read at most
BYTES = 100_000_000  # of a file that is opened at most
DIGITS = 5


def standardise(x: Points) -> Points:
    """Zero mean, and a standard deviation of 1 over both coordinates together: shapes keep their proportions."""
    x = x / max(float(np.abs(x).max()), 1e-300)  # however large the numbers are
    x = x - x.mean(0)
    return (x / max(float(np.sqrt(x.var(0).mean())), 1e-9)).astype(np.float32)


def load_points(path: str | Path) -> Points:
    """The points of a CSV file. Raises ValueError, one sentence."""
    path = Path(path)
    if path.stat().st_size > BYTES:
        raise ValueError(f"{path.name} is larger than {BYTES // 1_000_000} MB: give at most a million points")
    data = path.read_bytes()
    if path.suffix.lower() == ".json":
        raise ValueError(f"{path.name} holds no settings of ours: give a file that Darkroom saved, or a CSV of x,y")
    if b"\0" in data[:4096]:
        raise ValueError(f"{path.name} is no text: give a CSV, two numbers a line, x,y")
    return parse_points(data.decode("utf-8-sig", errors="replace"))


def parse_points(text: str) -> Points:
    """Points of a CSV, two numbers a line; a first line of words is its header. Raises ValueError, one sentence."""
    lines = text.replace(";", ",").replace("\t", ",").splitlines()
    rows = [(k, line) for k, line in enumerate(lines, 1) if line.strip()]
    if len(rows) > ROWS:
        raise ValueError(f"these are {len(rows):,} points: give at most a million")
    found: list[list[float]] = []
    for k, row in rows:
        try:
            values = [float(part) for part in row.strip().strip(",").split(",")]
        except ValueError:
            if k == rows[0][0]:
                continue
            raise ValueError(f"line {k} of the points is '{row[:40]}': give two numbers a line, x,y") from None
        if len(values) != 2:
            raise ValueError(f"line {k} of the points has {len(values)} numbers: give two a line, x,y")
        if not np.isfinite(values).all():
            raise ValueError(f"line {k} of the points is not finite: leave out NaN and infinity")
        found.append(values)
    x = np.array(found, np.float64).reshape(-1, 2)
    if len(x) < 3 or len(np.unique(standardise(x).round(3), axis=0)) < 3:
        raise ValueError("there are fewer than three different points: draw a stroke, or give a CSV of x,y")
    return x


def to_text(x: Points) -> str:
    """Points as the CSV that settings hold: at most KEPT of them, evenly picked, rounded once."""
    x = x[np.linspace(0, len(x) - 1, min(len(x), KEPT)).round().astype(int)]
    return "\n".join(f"{a:.{DIGITS}g},{b:.{DIGITS}g}" for a, b in x)
