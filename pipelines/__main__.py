"""python -m pipelines list | generate NAME --prompt … --out … | card NAME"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines import catalogue, load
from pipelines.core.cards import card
from pipelines.core.registry import get_spec
from pipelines.core.settings import format_error


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0 when it went well; 2 with one clear sentence on stderr when it did not."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="python -m pipelines", description="Generate from a shell, with the same settings as in the browser."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the models there are")
    for command, text in (("card", "what a model was trained on and how well it does"), ("generate", "run a model")):
        sub = commands.add_parser(command, help=text, add_help=False)
        sub.add_argument("name", metavar="NAME")
    args, rest = parser.parse_known_args(argv)
    try:
        if args.command == "list":
            for entry in catalogue():
                print(f"{entry.name:20} {entry.task}")
        elif args.command == "card":
            print(
                json.dumps({name: card(name) for name in get_spec(args.name).weights}, indent=1, ensure_ascii=False)
            )
        else:
            generate(args.name, rest)
    except ValidationError as error:
        print(format_error(error), file=sys.stderr)
        return 2
    except (KeyError, RuntimeError, OSError, ValueError) as error:
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)
        return 2
    return 0


def generate(name: str, argv: list[str]) -> None:
    """Run one model with options made from its Settings, printing each step's note, and save the result."""
    settings = get_spec(name).settings
    parser = argparse.ArgumentParser(prog=f"python -m pipelines generate {name}")
    parser.add_argument("--out", default="out.png", help="where to save; several pictures get numbers")
    parser.add_argument("--device", default="auto")
    for key, field in settings.model_fields.items():
        names = [key, *(old for old, new in settings.old_names().items() if new == key)]
        parser.add_argument(
            *("--" + name.replace("_", "-") for name in names),
            dest=key,
            help=f"{field.description} (default: {field.default!r})",
            default=argparse.SUPPRESS,
        )
    given: dict[str, Any] = vars(parser.parse_args(argv))
    out, device = Path(given.pop("out")), given.pop("device")
    if not out.parent.is_dir():
        raise OSError(f"The folder {out.parent} is not there: make it, or choose another --out.")
    if out.suffix[1:] not in (formats := get_spec(name).formats):
        raise OSError(
            f"What {name} makes is no {out.suffix or 'file without an ending'}: let --out end in "
            f".{', .'.join(formats)}."
        )
    settings(**given)  # refuse before anything is loaded
    frame = None
    for frame in load(name, device).generate(**given):
        print(f"{frame.step:4}/{frame.steps}  {frame.note}")
    results = frame.result if isinstance(frame.result, list) else [frame.result]
    for i, result in enumerate(results, 1):
        print(result.save(out if len(results) == 1 else out.with_stem(f"{out.stem}-{i}")))


if __name__ == "__main__":
    sys.exit(main())
