"""The things of the scenes: which sprite, where it belongs, how large it is, which colours it comes in, what people
call it.

They are listed in kinds.txt, by place: on the ground, in the sky, in the water, alone (food, objects, faces, hands),
people from the chest up in front of the landscape, people standing. A line is `names; sprite; size; colours; lands`.

The first name is the kind, the others are synonyms. The sprite is emojibase's label ("" where it is the kind's name;
"{person}" becomes man or woman, in every skin tone). Size is relative to a dog's 1; a "<" after it says that the sprite
has a front, and that it faces left. Colours are "paint" (people name them: cars, umbrellas), "fur" (animals), "tone"
(skin), or none. Lands are where it is seen most.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TONES = ["light", "medium-light", "medium", "medium-dark", "dark"]
# colour names and their OKLab lightness, chroma and hue (degrees)
PAINT = {
    "red": (0.60, 0.22, 25), "orange": (0.73, 0.17, 58), "yellow": (0.87, 0.17, 95), "green": (0.66, 0.17, 145),
    "blue": (0.60, 0.17, 255), "purple": (0.55, 0.19, 302), "pink": (0.76, 0.15, 352), "black": (0.30, 0.01, 270),
    "white": (0.94, 0.006, 270), "brown": (0.46, 0.08, 50), "grey": (0.66, 0.01, 270),
}  # fmt: skip
COLOURS = {
    "paint": ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white"],
    "fur": ["brown", "black", "white", "grey", "orange", "red", "yellow", "green", "blue", "purple", "pink"],
}

# pairs that no training picture has: the compositional test
HELD_OUT_LAND = {
    ("dog", "desert"), ("car", "forest"), ("house", "desert"), ("horse", "snow"), ("cat", "mountains"),
    ("penguin", "meadow"), ("bicycle", "farm"), ("tree", "city"), ("castle", "sea"), ("robot", "hills"),
}  # fmt: skip
HELD_OUT_COLOUR = {
    ("car", "purple"), ("dog", "blue"), ("cat", "green"), ("umbrella", "yellow"), ("balloon", "green"),
    ("house", "pink"), ("bus", "blue"), ("book", "orange"), ("heart", "black"), ("tulip", "white"),
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of thing."""

    name: str
    names: tuple[str, ...]
    sprite: str
    place: str  # ground, sky, water, alone, people
    size: float
    front: bool  # whether it faces left or right
    colours: str  # "paint", "fur", "tone" or ""
    lands: tuple[str, ...]

    @property
    def gendered(self) -> bool:
        """Whether there is one of a man and one of a woman."""
        return "{person}" in self.sprite


def _parse(line: str, place: str, colours: str) -> Kind:
    names, sprite, size, hues, lands = ([part.strip() for part in line.split(";")] + [""] * 4)[:5]
    listed = tuple(name.strip() for name in names.split(","))
    number = float(size.removesuffix("<") or 1)
    return Kind(
        listed[0],
        listed,
        sprite or listed[0],
        place,
        number,
        size.endswith("<"),
        hues or colours,
        tuple(lands.split()),
    )


def _load(path: Path) -> list[Kind]:
    found, place = [], ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            place = line.strip("[]")
        elif line:
            where = "ground" if place == "standing" else place  # people seen whole stand on the ground
            found.append(_parse(line, where, "tone" if place == "people" else ""))
    return found


# what people name most: drawn more often, and so learnt first
_EVERYDAY = """
    dog, cat, horse, cow, pig, sheep, giraffe, elephant, tiger, zebra, deer, rabbit, mouse, monkey, turtle, snake,
    parrot, penguin, owl, bear, panda, fox, wolf, lion, frog, unicorn, dinosaur, dragon, car, taxi, bus, truck,
    tractor, fire truck, motorcycle, bicycle, train, house, castle, church, skyscraper, tent, tree, pine tree,
    palm tree, Christmas tree, cactus, sunflower, rose, tulip, flower, mushroom, pumpkin, snowman, volcano, robot,
    ghost, alien, teddy bear, eagle, bird, butterfly, bee, airplane, helicopter, rocket, UFO, balloon, kite,
    sailboat, ship, whale, dolphin, shark, fish, octopus, duck, swan, pizza, burger, hot dog, bread, cheese, sushi,
    doughnut, cookie, cake, cupcake, ice cream, coffee, teapot, wine, beer, apple, pear, banana, orange, lemon,
    grapes, watermelon, strawberry, cherries, pineapple, carrot, tomato, guitar, violin, trumpet, drum, microphone,
    soccer ball, basketball, crown, key, light bulb, umbrella, heart, diamond, ring, glasses, t-shirt, dress,
    backpack, sneaker, top hat, alarm clock, laptop, phone, camera, book, pencil, gift, candle, lantern, chair,
    bed, sofa, door, star, planet, smiley, laughing face, winking face, heart eyes, sad face, crying face,
    angry face, cool face, clown, waving hand, thumbs up, fist, eye, baby, boy, girl, man, woman, old man,
    old woman, doctor, teacher, astronaut, police officer, firefighter, farmer, cook, ninja, princess, wizard,
    Santa, superhero, vampire, pilot
"""
EVERYDAY = {name.strip() for name in _EVERYDAY.split(",")}
KINDS: list[Kind] = _load(Path(__file__).with_name("kinds.txt"))
BY_NAME = {kind.name: kind for kind in KINDS}
# those that have a colour of their own, and another one only where words name it
NATURAL = {kind.name for kind in KINDS if kind.colours == "fur"} - {"robot", "dragon", "teddy bear", "fish"} | {
    "apple", "pear", "heart", "star", "rose", "mushroom",
}  # fmt: skip
SWIMMERS = {"rower", "swimmer", "surfer", "mermaid"}  # people who belong in the water
