"""docs/results.md and the README's table of families, made from the cards and the specs: no figure is typed by hand.

    python -m bench results

A test holds both current.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pipelines import catalogue
from pipelines.core.cards import BUNDLED, WeightsError, card
from pipelines.core.spec import ModelSpec
from pipelines.evaluation.report import cards

ROOT = Path(__file__).parent.parent
RESULTS, README = ROOT / "docs" / "results.md", ROOT / "README.md"
MARKS = "<!-- families -->", "<!-- /families -->"
HEAD = """# What the weights can do

Made by `python -m bench results` from the cards beside the weights in `assets/weights/`. Each figure there was measured by
a command of this repository (`python -m bench NAME`), with the number of samples that it says; seeds are 0, 1, 2, ….
"""


def about(name: str) -> dict[str, Any]:
    """A bundle's card; empty where it is missing."""
    try:
        return card(name, BUNDLED)
    except WeightsError:
        return {}


def own_weights(spec: ModelSpec) -> list[str]:
    """The bundles that a model has beyond those of the model it stands on."""
    base = {"latent-diffusion", "autoencoder"} if spec.name != "latent-diffusion" else set()
    base |= {"latent-diffusion-256", "autoencoder-256", "layout", "next-scale"} if spec.worlds else set()
    return [name for name in spec.all_weights if name not in base]


def flatten(value: Any) -> str:
    """A figure as text, a dict as its parts."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return str(value)


def results() -> str:
    """docs/results.md."""
    parts = [HEAD]
    names = sorted(
        json.loads(path.read_text())["name"] for path in BUNDLED.glob("*.json") if "part_of" not in path.read_text()
    )
    for name in names:
        record = about(name)
        parts.append(f"\n## {name}\n\n{record['parameters'] / 1e6:.2f} M parameters")
        if "steps" in record:
            parts[-1] += f", {record['steps']:,} steps in {record['seconds'] / 60:.0f} minutes"
        parts[-1] += f". {record['data'][0].upper() + record['data'][1:]}.\n" if record.get("data") else ".\n"
        rows = {**record.get("metrics", {}), **record.get("shown", {})}
        if rows:
            lines = [f"| {label} | {flatten(value)} |" for label, value in rows.items()]
            parts.append("\n| measured | |\n| --- | --- |\n" + "\n".join(lines) + "\n")
    return "".join([*parts, *report_cards()])


def report_cards() -> list[str]:
    """A table a reference: what `python -m pipelines evaluate` found."""
    rows = cards()
    parts = [
        "\n# Report cards\n\nMade by `python -m pipelines evaluate`: mean over sets of seeds, ± their standard deviation.\n"
    ]
    for against in sorted({row["against"] for row in rows}):
        mine = [row for row in rows if row["against"] == against]
        names = list(dict.fromkeys(name for row in mine for name in row["figures"]))
        lines = [
            f"| {' · '.join(filter(None, (row['name'], row['label'])))} | "
            + " | ".join(mean_and_spread(row["figures"].get(name)) for name in names)
            + f" | {row['memory']} | {row['n']} × {row['sets']} |"
            for row in mine
        ]
        parts.append(f"\n## Against {against}, seen with the {mine[0]['extractor']}\n\n")
        n, real = mine[0]["n"], mine[0]["floor"]
        floor = ", ".join(f"{name} {real[name]:.3g}" for name in names if name in real)
        parts.append(f"{n} real pictures have themselves: {floor}.\n\n")
        parts.append(
            f"| model | {' | '.join(names)} | MB | n |\n|{' --- |' * (len(names) + 3)}\n" + "\n".join(lines) + "\n"
        )
    return parts


def mean_and_spread(figure: list[float | None] | None) -> str:
    """A figure of a report card; nothing where there is none."""
    if figure is None:
        return ""
    mean, spread = figure
    return f"{mean:.3g}" if spread is None else f"{mean:.3g} ± {spread:.2g}"


def families() -> str:
    """The README's table: a row a model."""
    rows = ["| model | what it does | paper | parameters of its own |", "| --- | --- | --- | --- |"]
    for spec in catalogue():
        size = sum(about(name).get("parameters", 0) for name in own_weights(spec)) / 1e6
        folder = f"pipelines/models/{spec.pipeline.split('.')[0]}"
        rows.append(f"| [{spec.title}]({folder}) | {spec.task} | {spec.paper} | {f'{size:.1f} M' if size else '–'} |")
    return "\n".join(rows)


def readme() -> str:
    """The README with its table made anew."""
    begin, end = MARKS
    return re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{families()}\n{end}", README.read_text(), flags=re.S)


def measure() -> dict[str, str]:
    """Write both."""
    RESULTS.write_text(results())
    README.write_text(readme())
    return {"written": f"{RESULTS.name}, {README.name}"}
