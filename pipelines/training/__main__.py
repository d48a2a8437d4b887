"""python -m pipelines.training NAME [--steps N] [--minutes M] [--device cuda] [--fresh | --bundled]"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads starve a shared machine

import argparse
import importlib

from pipelines.training import loop

RECIPES = ["critic", "reader", "autoencoder", "decoder", "resampler", "latent_diffusion", "eye"]  # in the order that they need each other

parser = argparse.ArgumentParser(prog="python -m pipelines.training", description="Train one recipe, or go on with it.")
parser.add_argument("name", choices=RECIPES)
loop.arguments(parser)
args = parser.parse_args()
recipe = importlib.import_module(f"pipelines.training.recipes.{args.name}").Recipe()
loop.train(recipe, args.steps or recipe.steps, args.minutes, args.device, args.seed, args.fresh, args.bundled)
