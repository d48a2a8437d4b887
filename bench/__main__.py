"""python -m bench [speed|page|autoencoder|scenes|quality|distance|edits|controls|video|audio|shape|gpu|starters|everyday|memory|plane|faces|costs|results]

Without a name, those that need no data set. edits.words is a part of one.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import importlib
import json
import sys

for name in sys.argv[1:] or ("page", "speed"):
    module, _, part = name.partition(".")
    print(
        json.dumps({name: getattr(importlib.import_module(f"bench.{module}"), part or "measure")()}, indent=1),
        flush=True,
    )
