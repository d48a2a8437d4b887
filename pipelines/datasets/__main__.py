"""python -m pipelines.datasets avatars|faces|emoji|scenes|signs|pixels|motion|captions|latents|notes|codes|toys|
scenes_wide|films, in this order.

Latents need a trained autoencoder, codes the audio codec and the audio words.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse

from pipelines.datasets import (
    avatars,
    captions,
    codes,
    emoji,
    faces,
    films,
    latents,
    motion,
    notes,
    pixels,
    scenes,
    scenes_wide,
    signs,
    toys,
    vocabulary,
)

SETS = {
    module.__name__.rpartition(".")[2]: module.build
    for module in (
        avatars,
        faces,
        emoji,
        scenes,
        vocabulary,
        signs,
        pixels,
        motion,
        captions,
        latents,
        notes,
        codes,
        toys,
        scenes_wide,
        films,
    )
}
parser = argparse.ArgumentParser(prog="python -m pipelines.datasets", description="Build a data set into the cache.")
parser.add_argument("name", choices=list(SETS))
SETS[parser.parse_args().name]()
