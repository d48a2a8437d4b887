"""What a stranger's sentences become: 36 of them, seeds 0 to 2, not picked, as a sheet for the README and for whoever
names the pictures without their captions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines import load

MODEL, SEEDS, COLUMNS, SIDE = "latent-diffusion-256", 3, 12, 128
SHEET = Path(__file__).parents[1] / "assets" / "examples" / "everyday.jpg"
SENTENCES = [
    "a dog", "a red car", "a slice of pizza", "a rocket", "a cat", "a house by the sea",
    "a yellow umbrella", "a birthday cake", "a rose", "a bicycle", "a cup of coffee", "an elephant",
    "a sailboat at sunset", "two penguins in the snow", "a castle in the mountains", "a tree in autumn",
    "a bus in the city", "a tent in the forest at night", "a green dinosaur", "three red apples",
    "a purple butterfly", "a guitar", "a robot", "a snowman in winter", "a fish", "an owl at night",
    "a hot air balloon over a meadow", "strawberries", "a smiley", "thumbs up", "an astronaut", "a police officer",
    "a woman with curly red hair and round glasses, smiling", "a bald man with a grey beard", "a chef", "a unicorn",
]  # fmt: skip


def measure() -> dict[str, object]:
    """Draw them all; the sheet has one column a sentence and one row a seed, in three bands."""
    pipe, pictures = load(MODEL), []
    for sentence in SENTENCES:
        for seed in range(SEEDS):
            *_, last = pipe.generate(prompt=sentence, seed=seed)
            small = last.result.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            pictures.append(np.asarray(small))
    bands = np.stack(pictures).reshape(-1, COLUMNS, SEEDS, SIDE, SIDE, 3)  # (band, column, seed, h, w, 3)
    sheet = bands.transpose(0, 2, 3, 1, 4, 5).reshape(-1, COLUMNS * SIDE, 3)
    Image.fromarray(sheet).save(SHEET, quality=88)
    return {"sentences": len(SENTENCES), "seeds": SEEDS, "sheet": SHEET.name}
