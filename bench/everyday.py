"""What a stranger's sentences become, not picked, as sheets for the README and for whoever names the pictures without
their captions.

python -m bench everyday            # 36 everyday ones, seeds 0 to 2
python -m bench everyday.together   # 18 with one thing to another, seeds 0 and 1
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines import load

MODEL, SIDE = "latent-diffusion-256", 128
FOLDER = Path(__file__).parents[1] / "assets" / "examples"
SENTENCES = [
    "a dog", "a red car", "a slice of pizza", "a rocket", "a cat", "a house by the sea",
    "a yellow umbrella", "a birthday cake", "a rose", "a bicycle", "a cup of coffee", "an elephant",
    "a sailboat at sunset", "two penguins in the snow", "a castle in the mountains", "a tree in autumn",
    "a bus in the city", "a tent in the forest at night", "a green dinosaur", "three red apples",
    "a purple butterfly", "a guitar", "a robot", "a snowman in winter", "a fish", "an owl at night",
    "a hot air balloon over a meadow", "strawberries", "a smiley", "thumbs up", "an astronaut", "a police officer",
    "a woman with curly red hair and round glasses, smiling", "a bald man with a grey beard", "a chef", "a unicorn",
]  # fmt: skip


TOGETHER = [
    "a cat on a sofa", "a penguin wearing a top hat", "a frog on a mushroom", "a balloon above a house",
    "a boy riding a bicycle", "a black cat on a pumpkin", "a dog under an umbrella", "a man riding a horse",
    "an owl on a book", "a robot holding a heart", "a king and a queen before a castle", "a bird on a tree",
    "a red car before a house by the sea", "a teddy bear and a gift", "two dogs on the beach",
    "a fire truck behind a burning house", "a snail wearing a crown", "christmas tree with presents",
]  # fmt: skip


def measure() -> dict[str, object]:
    """Everyday sentences."""
    return draw_sheet(SENTENCES, 3, FOLDER / "everyday.jpg", 12)


def together() -> dict[str, object]:
    """Sentences of things that are on, under, before or beside each other."""
    return draw_sheet(TOGETHER, 2, FOLDER / "together.jpg", 9)


def draw_sheet(sentences: list[str], seeds: int, path: Path, columns: int) -> dict[str, object]:
    """Draw them all; the sheet has one column a sentence and one row a seed, in bands."""
    pipe, pictures = load(MODEL), []
    for sentence in sentences:
        for seed in range(seeds):
            *_, last = pipe.generate(prompt=sentence, seed=seed)
            small = last.result.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            pictures.append(np.asarray(small))
    bands = np.stack(pictures).reshape(-1, columns, seeds, SIDE, SIDE, 3)  # (band, column, seed, h, w, 3)
    sheet = bands.transpose(0, 2, 3, 1, 4, 5).reshape(-1, columns * SIDE, 3)
    Image.fromarray(sheet).save(path, quality=88)
    return {"sentences": len(sentences), "seeds": seeds, "sheet": path.name}
