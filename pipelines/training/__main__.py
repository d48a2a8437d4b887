"""python -m pipelines.training NAME [--steps N] [--minutes M] [--device cuda]
       [--fresh | --start FOLDER | --pack FOLDER]
python -m pipelines.training pack NAME [--out FOLDER] [--without-weights]
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads starve a shared machine

import argparse
import importlib
from pathlib import Path

from pipelines.training import loop

LDM, EVAL, AUDIO = "models.latent_diffusion", "evaluation", "models.audio"
# where each recipe is, in the order that they need each other; after a dash, of which kind
RECIPES = {
    "perceptual": f"{LDM}.recipe_perceptual", "reader": f"{EVAL}.recipe_attributes",
    "scene_reader": f"{EVAL}.recipe_scenes",
    "autoencoder": f"{LDM}.recipe_autoencoder", "decoder": f"{LDM}.recipe_decoder",
    "resampler": f"{LDM}.recipe_resampler",
    "latent_diffusion": f"{LDM}.recipe", "layout": f"{LDM}.recipe_layout", "eye": f"{EVAL}.recipe_clip",
    "inpainting": "models.editing.recipe_inpainting",
    "controlnet-edges": "models.controlnet.recipe", "controlnet-scribble": "models.controlnet.recipe",
    "controlnet-palette": "models.controlnet.recipe", "controlnet_256": "models.controlnet.recipe_256",
    "depth": "models.controlnet.recipe_depth", "pix2pix": "models.pix2pix.recipe",
    "pix2pix-l1": "models.pix2pix.recipe",
    "lora-flat": "models.lora.recipe", "lora-lines": "models.lora.recipe", "lora-pixels": "models.lora.recipe",
    **{f"lora-{style}": "models.lora.recipe_256" for style in ("ink", "neon", "paper")},
    "listener": f"{EVAL}.recipe_instruments", "audio_codec": f"{AUDIO}.recipe_codec",
    "words-audio": f"{AUDIO}.recipe_words",
    "audio_flow": f"{AUDIO}.recipe_flow", "audio_tokens": f"{AUDIO}.recipe_tokens",
    "words-toy": f"{AUDIO}.recipe_words",
    "multiview": "models.multiview.recipe", "video": "models.video.recipe",
    "video_256": "models.video.recipe_256",
    **{f"vae-{kind}": "models.vae.recipe" for kind in ("plain", "low", "mid", "high", "map")},
    "gan": "models.gan.recipe", "gan-conditional": "models.gan.recipe", "gan-collapse": "models.gan.recipe",
    "stylegan": "models.stylegan.recipe", "ddpm": "models.ddpm.recipe", "next_scale": "models.next_scale.recipe",
    "reflow": "models.rectified_flow.recipe_reflow",
}  # fmt: skip

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
_, *kind = name.split("-")
source = {"pack": args.pack} if args.pack else {}
recipe = importlib.import_module(f"pipelines.{RECIPES[name]}").Recipe(*kind, **source)
if verb:
    folder = args.out or Path("pack") / name
    size = recipe.pack(folder, bring_weights=not args.without_weights)
    print(f"{size / 2**20:.1f} MiB in {folder}")
else:
    recipe.batch = args.batch or recipe.batch
    if args.pack and args.device != "cpu":
        getattr(recipe, "to", lambda _: None)(args.device)
    steps = args.steps or recipe.steps
    loop.train(recipe, steps, args.minutes, args.device, args.seed, args.from_scratch, args.start, keep=not args.pack,
        compiled=args.compiled)  # fmt: skip
