"""python -m pipelines.training.data avatars|emoji|signs|pixels|captions|latents, in this order; latents need a trained autoencoder."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse

from pipelines.training.data import avatars, captions, emoji, latents, pixels, signs

SETS = {"avatars": avatars.build, "emoji": emoji.build, "signs": signs.build, "pixels": pixels.build, "captions": captions.build, "latents": latents.build}
parser = argparse.ArgumentParser(prog="python -m pipelines.training.data", description="Build a data set into the cache.")
parser.add_argument("name", choices=list(SETS))
SETS[parser.parse_args().name]()
