"""The same signs as `emoji` in Fluent's other hands (MIT): `lines`, black on white, and `flat`, in plain colours.

A row says which picture of `emoji` it belongs to, and keeps its split. Lines know no skin tones, so that a drawing has
one answer.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import numpy as np

from pipelines import datasets as data

TONE = re.compile(r":? ?\b(medium-light|medium-dark|light|medium|dark) skin tone\b")
HANDS = {"lines": "high-contrast", "flat": "flat"}


def file_name(label: str) -> list[str]:
    """What Fluent may call a sign of this label: "man singer: light skin tone" is man-singer-light."""
    tone = TONE.search(label)
    plain = (
        unicodedata.normalize("NFKD", TONE.sub("", label).lower().replace("&", "and"))
        .encode("ascii", "ignore")
        .decode()
    )
    stem = re.sub(r"[^a-z0-9]+", "-", re.sub(r"['.!]", "", plain)).strip("-")
    return [f"{stem}-{tone[1]}"] if tone else [stem, f"{stem}-default"]


def draw(files: list[Path], size: int = data.SIZE) -> np.ndarray:
    """SVG files by resvg: uint8 (n, size, size, 3)."""
    cwd = data.node_modules().parent
    with tempfile.NamedTemporaryFile() as out:
        command = ["node", str(data.HERE / "render_svg.mjs"), str(size), out.name]
        subprocess.run(command, input="\n".join(map(str, files)).encode(), cwd=cwd, check=True)
        return np.frombuffer(Path(out.name).read_bytes(), np.uint8).reshape(len(files), size, size, 3)


def build() -> None:
    """Both sets, from the rows of `emoji` (half a minute)."""
    emoji = data.load("emoji")
    for name, hand in HANDS.items():
        folder = data.node_modules() / "fluentui-emoji" / "icons" / hand
        there = {path.stem: path for path in folder.glob("*.svg")}
        found = [
            (i, row, [there[n] for n in file_name(row["label"]) if n in there]) for i, row in enumerate(emoji.rows)
        ]
        found = [
            (i, row, files[0])
            for i, row, files in found
            if files and not (name == "lines" and TONE.search(row["label"]))
        ]
        rows = [{**row, "emoji": i} for i, row, _ in found]
        where = data.save(name, draw([file for _, _, file in found]), rows)
        print(f"{len(rows)} {name} of {len(emoji.rows)} emoji in {where}")
