"""How things of each kind usually move, if they do. By their names, so that no data set is needed to draw."""

from __future__ import annotations

from pipelines.models.video.movement import Movement

STILL = {
    "house", "hut", "castle", "pagoda", "church", "school", "hospital", "factory", "skyscraper", "temple", "tent",
    "circus tent", "ferris wheel", "fountain", "tree", "pine tree", "palm tree", "Christmas tree", "cactus",
    "sunflower", "rose", "tulip", "flower", "mushroom", "pumpkin", "campfire", "volcano", "chair", "bed", "sofa",
    "door", "television",
}  # fmt: skip
DRIVING = {
    "car", "jeep", "taxi", "police car", "ambulance", "fire truck", "bus", "van", "pickup truck", "truck", "tractor",
    "racing car", "motorcycle", "scooter", "bicycle", "train", "tram",
}  # fmt: skip
AFLOAT = {
    "sailboat", "speedboat", "ship", "cruise ship", "canoe", "whale", "dolphin", "shark", "fish", "duck", "swan",
    "seal", "octopus",
}  # fmt: skip
FLYING = {"eagle", "dove", "bird", "bee", "bat", "butterfly", "helicopter", "dragon"}
UP_RIGHT = {"airplane", "rocket"}  # their noses point there
PULSING = {"smiley", "heart", "brain"}


def default_movement(kind: str, facing: str, speed: float, cut: bool = False) -> Movement:
    """How a thing moves of itself, `speed` pixels a frame where it goes anywhere; one that the picture's lower edge
    `cut`s does not leave it."""
    ahead = 1.0 if facing == "right" else -1.0
    if kind in STILL:
        return Movement()
    if kind in UP_RIGHT:
        return Movement(dx=speed, dy=-speed)
    if kind == "parachute":
        return Movement(dy=speed / 2, slide=8.0)
    if kind in ("balloon", "UFO"):
        return Movement(dy=-speed / 2, slide=6.0)
    if kind == "kite":
        return Movement(slide=12.0, hop=8.0)
    if kind in AFLOAT:
        return Movement(dx=ahead * speed / 2, hop=2.0)
    if kind in DRIVING:
        return Movement(dx=ahead * speed)
    if kind in FLYING:
        return Movement(dx=ahead * speed, hop=12.0)
    if cut:
        return Movement(slide=8.0, squash=0.04)
    if facing:
        return Movement(dx=ahead * speed / 2, hop=8.0, times=4)
    if kind.endswith("face") or kind in PULSING:
        return Movement(squash=0.1)
    return Movement(hop=8.0, slide=6.0)
