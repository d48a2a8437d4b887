"""python -m pipelines.training NAME [--steps N] [--minutes M] [--device cuda] [--fresh | --bundled]"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads starve a shared machine

import argparse
import importlib

from pipelines.training import loop

# in the order that they need each other; after a dash, of which kind
RECIPES = [
    "critic",
    "reader",
    "scene_reader",
    "autoencoder",
    "decoder",
    "resampler",
    "latent_diffusion",
    "eye",
    "inpainting",
    "outpainting",
]
RECIPES += [
    "controlnet-edges",
    "controlnet-scribble",
    "controlnet-palette",
    "pix2pix",
    "pix2pix-l1",
    "lora-flat",
    "lora-lines",
    "lora-pixels",
]
RECIPES += ["listener", "audio_codec", "words-audio", "audio_flow", "audio_tokens", "words-toy", "multiview", "video"]

parser = argparse.ArgumentParser(prog="python -m pipelines.training", description="Train one recipe, or go on with it.")
parser.add_argument("name", choices=RECIPES)
loop.arguments(parser)
args = parser.parse_args()
module, *kind = args.name.split("-")
recipe = importlib.import_module(f"pipelines.training.recipes.{module}").Recipe(*kind)
loop.train(recipe, args.steps or recipe.steps, args.minutes, args.device, args.seed, args.fresh, args.bundled)
