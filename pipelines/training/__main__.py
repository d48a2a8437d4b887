"""python -m pipelines.training NAME [--steps N] [--minutes M] [--device cuda] [--fresh | --bundled | --pack FOLDER]
python -m pipelines.training pack NAME [--out FOLDER] [--without-weights]
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads starve a shared machine

import argparse
import importlib
from pathlib import Path

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

parser = argparse.ArgumentParser(
    prog="python -m pipelines.training",
    description="Train one recipe, or go on with it; or pack what a GPU needs for it.",
)
parser.add_argument("name", nargs="+", metavar="[pack] NAME", help=", ".join(RECIPES))
loop.arguments(parser)
args = parser.parse_args()
*verb, name = args.name
if verb not in ([], ["pack"]) or name not in RECIPES:
    parser.error(f"Say one of these, perhaps with 'pack' before it: {', '.join(RECIPES)}")
if args.pack or (args.out and not verb):
    os.environ["DARKROOM_CACHE"] = str((args.out or args.pack / "out").resolve())
module, *kind = name.split("-")
source = {"pack": args.pack} if args.pack else {}
recipe = importlib.import_module(f"pipelines.training.recipes.{module}").Recipe(*kind, **source)
if verb:
    folder = args.out or Path("pack") / name
    size = recipe.pack(folder, bring_weights=not args.without_weights)
    print(f"{size / 2**20:.1f} MiB in {folder}")
else:
    recipe.batch = args.batch or recipe.batch
    if args.pack and args.device != "cpu":
        recipe.to(args.device)
    steps = args.steps or recipe.steps
    loop.train(recipe, steps, args.minutes, args.device, args.seed, args.fresh, args.bundled, keep=not args.pack)
