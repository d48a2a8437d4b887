"""A family of avatars that the base has never seen: DiceBear's *pixel-art* (CC0), with captions in plain words."""

from __future__ import annotations

import random

from pipelines import datasets as data
from pipelines.datasets.avatars import dicebear

HAIR = {"blonde": "cab188", "brown": "83623b", "dark": "28150a", "blue": "009bbd", "red": "bd1700", "green": "91cb15"}
CLOTH = {
    "blue": "428bca",
    "navy": "03396c",
    "green": "00b159",
    "red": "d11141",
    "yellow": "ffd969",
    "cream": "ffeead",
}
GROUND = {"white": "ffffff", "blue": "b6e3f4", "lavender": "c9c4f5", "pink": "ffd5dc", "mint": "c8f0d8"}
SKIN = ["ffdbac", "eac393", "cb9e6e", "a26d3d", "8d5524"]


def draw(rng: random.Random) -> tuple[dict, str]:
    """One avatar: DiceBear's options, and a caption that names some of what they are."""
    woman, smiling = rng.random() < 0.5, rng.random() < 0.6
    hair, cloth, ground = (rng.choice(list(colours)) for colours in (HAIR, CLOTH, GROUND))
    long = woman and rng.random() < 0.8
    glasses = rng.choices(["", "dark", "light"], [3, 1, 1])[0]
    beard = not woman and rng.random() < 0.3
    variants = {
        "hair": f"{'long' if long else 'short'}{rng.randint(1, 21):02}",
        "glasses": f"{glasses or 'dark'}{rng.randint(1, 7):02}",
        "mouth": f"{'happy' if smiling else 'sad'}{rng.randint(1, 10):02}", "beard": f"variant{rng.randint(1, 8):02}",
    }  # fmt: skip
    colours = {
        "hairColor": HAIR[hair],
        "clothingColor": CLOTH[cloth],
        "backgroundColor": GROUND[ground],
        "skinColor": rng.choice(SKIN),
    }
    chance = {
        "glassesProbability": 100 * bool(glasses),
        "beardProbability": 100 * beard,
        "hatProbability": 0,
        "accessoriesProbability": 0,
    }
    phrases = [f"with {'long' if long else 'short'} {hair} hair"]
    phrases += [{"dark": "wearing sunglasses", "light": "with glasses"}[glasses]] if glasses else []
    phrases += ["with a beard"] if beard else []
    phrases += rng.sample(
        ["smiling" if smiling else "sad", f"in a {cloth} shirt", f"on a {ground} background"], rng.randint(0, 3)
    )
    options = {"seed": str(rng.random()), **{k: [v] for k, v in (variants | colours).items()}, **chance}
    return options, f"a {'woman' if woman else 'man'} " + ", ".join(phrases)


def build(n: int = 600) -> None:
    """Draw them (ten seconds)."""
    rng = random.Random(0)
    drawn = [draw(rng) for _ in range(n)]
    rows = [
        {"caption": caption, "split": "test" if data.unit_hash(options["seed"]) < 0.1 else "train"}
        for options, caption in drawn
    ]
    print(
        f"{n} pixel avatars in {data.save('pixels', dicebear('pixel-art', [options for options, _ in drawn]), rows)}"
    )
