"""How things, colours, times and places are called: synonyms, and ways in which people put them."""

from __future__ import annotations

WORDS = {
    "one": ["a", "a", "a", "one", "the"], "two": ["two", "two", "2", "a pair of", "a couple of"], "three": ["three",
    "three", "3"],
}  # fmt: skip
HUES = {
    "red": ["red", "red", "crimson", "scarlet"], "blue": ["blue", "blue", "bright blue"], "purple": ["purple",
    "violet"], "pink": ["pink", "pink", "rose"],
    "grey": ["grey", "gray"], "brown": ["brown", "brown", "chocolate brown"], "orange": ["orange"],
    "yellow": ["yellow", "yellow", "golden"],
    "green": ["green"], "black": ["black"], "white": ["white"],
}  # fmt: skip
CAT_HUES = {"orange": ["orange", "ginger"]}
GROUND_HUES = {
    "blue": ["blue", "light blue", "sky blue"], "purple": ["purple", "lavender", "lilac"], "pink": ["pink",
    "light pink"], "grey": ["grey", "gray", "light grey"],
    "teal": ["teal", "mint", "turquoise"], "orange": ["orange", "peach"], "yellow": ["yellow", "cream",
    "pale yellow"], "green": ["green", "light green"],
    "brown": ["brown", "tan"], "red": ["red", "coral"], "white": ["white", "plain white"], "black": ["black", "dark"],
}  # fmt: skip
TIMES = {
    "dawn": [
        "at dawn",
        "at sunrise",
        "in the early morning",
        "in the morning light",
        "dawn",
        "sunrise",
        "at daybreak",
    ],
    "day": [
        "by day",
        "during the day",
        "on a sunny day",
        "in bright daylight",
        "daytime",
        "in the sunshine",
        "at noon",
    ],
    "sunset": [
        "at sunset",
        "at sunset",
        "sunset",
        "in the evening",
        "at dusk",
        "in the golden hour",
        "in the evening sun",
        "at twilight",
        "as the sun goes down",
        "under a red evening sky",
    ],
    "night": [
        "at night",
        "at night",
        "night",
        "by night",
        "in the moonlight",
        "under the stars",
        "under a starry sky",
        "late at night",
        "on a moonlit night",
        "at midnight",
        "in the dark",
    ],
}
WEATHERS = {
    "clear": ["clear sky", "under a clear sky", "fine weather"],
    "rain": [
        "in the rain",
        "rain",
        "rainy",
        "it is raining",
        "on a rainy day",
        "raining",
        "in a downpour",
        "in a storm",
        "stormy weather",
        "wet weather",
    ],
    "snow": ["snow", "in the snow", "snowing", "in falling snow", "it is snowing", "snowfall", "snowflakes falling"],
    "fog": ["in the fog", "fog", "foggy", "in the mist", "misty", "in thick fog", "hazy"],
}
SEASONS = {
    "spring": ["in spring", "spring", "in springtime", "with blossoming trees"], "summer": ["in summer", "summer",
    "on a summer day"],
    "autumn": ["in autumn", "autumn", "in the fall", "with autumn colours", "in October"],
    "winter": ["in winter", "winter", "in wintertime", "with everything covered in snow"],
}  # fmt: skip
# how things stand in a land, and how a land is called alone
LANDS = {
    "hills": (["in the hills", "on a hill", "among green hills", "on a hillside", "before rolling hills"], ["hills",
    "rolling hills", "a hilly landscape"]),
    "mountains": (["in the mountains", "before the mountains", "in front of mountains", "in the Alps",
    "below snowy peaks", "in the Himalayas", "on a mountain"],
                  ["mountains", "a mountain landscape", "snowy peaks", "mountain range"]),
    "sea": (["by the sea", "at the beach", "on the beach", "at the seaside", "by the ocean", "at the coast",
    "on an island", "by the shore",
    "at sea"], ["the sea", "a beach", "the ocean", "seaside"]),
    "lake": (["by a lake", "at the lake", "by the water", "on the shore of a lake", "near a pond", "by a river",
    "at the riverside"], ["a lake",
    "a mountain lake", "a calm lake"]),
    "desert": (["in the desert", "in the sand", "among dunes", "in the Sahara", "in the savannah",
    "in the wild west", "on a dune"], ["a desert",
    "sand dunes", "the Sahara"]),
    "snow": (["in the snow", "in a snowy landscape", "in the Arctic", "in Antarctica", "on a glacier", "in Lapland",
    "on the ice", "in deep snow",
    "at the North Pole"],
             ["a snowy landscape", "the Arctic", "a snow field"]),
    "city": (["in the city", "in town", "on the street", "on the road", "downtown", "in front of tall buildings",
    "in a big city", "in New York", "among skyscrapers"],
    ["a city", "a street", "a city skyline", "downtown"]),
    "meadow": (["in a meadow", "on the grass", "in a field of flowers", "in a garden", "in the grass",
    "on a green field", "on a lawn", "in the park"], ["a meadow",
    "a field of flowers", "a park", "grassland"]),
    "forest": (["in the forest", "in the woods", "among the trees", "in front of a forest", "in the jungle",
    "in the rainforest", "in a wood"],
    ["a forest", "the woods", "trees"]),
    "farm": (["on a farm", "at the farm", "in the countryside", "in a village", "in a wheat field", "before a barn",
    "in a farm field"], ["a farm",
    "a barn and a field", "the countryside"]),
}  # fmt: skip
AFLOAT = ["on the sea", "at sea", "on the water", "on the ocean", "in the waves"]
THIRDS = {
    "left": ["on the left", "to the left", "at the left side"], "middle": ["in the middle", "in the centre"],
    "right": ["on the right", "to the right", "at the right side"]
}  # fmt: skip
FACING = {
    "left": ["facing left", "looking left", "looking to the left"],
    "right": ["facing right", "looking right", "looking to the right"],
}
HEADING = {
    "left": ["heading left", "going left", "facing left"],
    "right": ["heading right", "going right", "facing right"],
}
VEHICLES = {"car", "jeep", "taxi", "police car", "ambulance", "fire truck", "bus", "van", "pickup truck", "truck",
"tractor", "racing car", "motorcycle", "scooter",
            "bicycle", "train", "sailboat", "speedboat", "ship", "cruise ship", "canoe"}  # fmt: skip
TONES = {
    "light": ["with light skin", "with pale skin", "white", "light-skinned"],
    "medium-light": ["with medium-light skin", "with fair skin", "fair-skinned"],
    "medium": ["with tanned skin", "with medium skin", "with olive skin"], "medium-dark": ["with brown skin",
    "with medium-dark skin", "brown-skinned"],
    "dark": ["with dark skin", "black", "dark-skinned", "with black skin"],
}  # fmt: skip
GENDERED = {
    ("police officer", "man"): "policeman",
    ("police officer", "woman"): "policewoman",
    ("firefighter", "man"): "fireman",
    ("wizard", "woman"): "witch",
}
UNCOUNTED = {
    "popcorn",
    "sushi",
    "milk",
    "coffee",
    "beer",
    "wine",
    "corn",
    "broccoli",
    "bread",
    "cheese",
    "chocolate",
    "luggage",
    "fire",
    "applause",
    "lightning",
}
