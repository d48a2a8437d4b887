"""python -m bench [speed|page|quality|distance|edits]; without a name, those that need no data set."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import importlib
import json
import sys

NEEDS_DATA = ("quality", "distance", "edits")
for name in sys.argv[1:] or ("page", "speed"):
    print(json.dumps({name: importlib.import_module(f"bench.{name}").measure()}, indent=1))
