"""python -m pipelines.lab [NAME …] [--quick]: five seeds of each experiment; a JSON and a picture each in ./lab."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines.lab import EXPERIMENTS
from pipelines.lab.experiment import Experiment, Finding

SEEDS, WIDTH, HEIGHT, EDGE = 5, 720, 440, 60
COLOURS = ((46, 74, 255), (205, 226, 240), (187, 155, 102), (134, 198, 168))  # blue, green, red


def run(experiment: Experiment, seed: int) -> Finding:
    """The whole experiment with one seed, everything else as it is to begin with."""
    *_, finding = experiment.run(experiment.controls(seed=seed))
    return finding


def draw(experiment: Experiment, finding: Finding) -> np.ndarray:
    """The curves as a picture."""
    sheet = np.full((HEIGHT, WIDTH, 3), (18, 16, 14), np.uint8)

    def scale(values: list[float], logarithmic: bool) -> np.ndarray:
        return np.log10(np.maximum(values, 1e-9)) if logarithmic else np.array(values)

    if not finding.x:
        return sheet
    x = scale(finding.x, "x" in experiment.logarithmic)
    curves = {name: scale(values, "y" in experiment.logarithmic) for name, values in finding.series.items()}
    low, high = min(v.min() for v in curves.values()), max(v.max() for v in curves.values())
    across = EDGE + (x - x.min()) / max(np.ptp(x), 1e-9) * (WIDTH - 2 * EDGE)
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        down = HEIGHT - EDGE - (values - low) / max(high - low, 1e-9) * (HEIGHT - 2 * EDGE)
        points = np.stack([across[: len(down)], down], 1).round().astype(np.int32)
        cv2.polylines(sheet, [points], False, colour, 2, cv2.LINE_AA)
        place = (EDGE, 24 + 18 * list(curves).index(name))
        cv2.putText(sheet, ascii_of(name), place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    label = f"{experiment.x} -> {experiment.y}"
    cv2.putText(
        sheet, ascii_of(label), (EDGE, HEIGHT - 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (160, 150, 140), 1, cv2.LINE_AA
    )
    return sheet


def ascii_of(text: str) -> str:
    """What OpenCV's letters can write."""
    return text.replace("é", "e").encode("ascii", "replace").decode()


def main() -> int:
    """Run them; 0 where every verdict is the same for all seeds."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.lab")
    parser.add_argument("names", nargs="*", help=", ".join(EXPERIMENTS))
    parser.add_argument("--quick", action="store_true", help="one seed each")
    parser.add_argument("--out", type=Path, default=Path("lab"))
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in EXPERIMENTS]:
        parser.error(f"There is no experiment '{unknown[0]}'; choose of: {', '.join(EXPERIMENTS)}")
    args.out.mkdir(exist_ok=True)
    steady = True
    for name in args.names or EXPERIMENTS:
        experiment, begun = EXPERIMENTS[name], time.perf_counter()
        findings = [run(experiment, seed) for seed in range(1 if args.quick else SEEDS)]
        seconds = (time.perf_counter() - begun) / len(findings)
        holds = [finding.holds for finding in findings]
        steady &= len(set(holds)) == 1
        record: dict[str, Any] = {"claim": experiment.claim, "holds, by seed": holds, "found": findings[0].text}
        record |= {"seconds": round(seconds, 2), "x": findings[0].x, "series": findings[0].series}
        (args.out / f"{name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        cv2.imwrite(str(args.out / f"{name}.png"), draw(experiment, findings[0]))
        print(f"{name}: {'holds' if all(holds) else 'fails' if not any(holds) else 'depends on the seed'} "
              f"({sum(holds)} of {len(holds)}, {seconds:.1f} s). {findings[0].text}", flush=True)  # fmt: skip
    return 0 if steady else 1


if __name__ == "__main__":
    sys.exit(main())
