"""python -m bench NAME …, each a module of this folder; NAME.part is a part of one, such as edits.words.

Without a name, those that need no data set: page and speed.
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
