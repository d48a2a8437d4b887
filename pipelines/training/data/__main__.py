"""python -m pipelines.training.data avatars|emoji|signs|pixels|motion|captions|latents|notes, in this order; latents need a trained autoencoder."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse

from pipelines.training.data import avatars, captions, emoji, latents, motion, notes, pixels, signs

SETS = {module.__name__.rpartition(".")[2]: module.build for module in (avatars, emoji, signs, pixels, motion, captions, latents, notes)}
parser = argparse.ArgumentParser(prog="python -m pipelines.training.data", description="Build a data set into the cache.")
parser.add_argument("name", choices=list(SETS))
SETS[parser.parse_args().name]()
