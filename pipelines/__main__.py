"""python -m pipelines list | generate NAME --prompt … --out … | card NAME | evaluate NAME … or FOLDER"""

from __future__ import annotations

import argparse
import json
import subprocess
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
    commands.add_parser("evaluate", help="measure models, or pictures of your own", add_help=False)
    args, rest = parser.parse_known_args(argv)
    try:
        if args.command == "list":
            for entry in catalogue():
                print(f"{entry.name:20} {entry.task}")
        elif args.command == "card":
            print(
                json.dumps({name: card(name) for name in get_spec(args.name).weights}, indent=1, ensure_ascii=False)
            )
        elif args.command == "evaluate":
            evaluate(rest)
        else:
            generate(args.name, rest)
    except ValidationError as error:
        print(format_error(error), file=sys.stderr)
        return 2
    except (KeyError, RuntimeError, OSError, ValueError) as error:
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
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


def evaluate(argv: list[str]) -> None:
    """Report cards of models, each in a process of its own, so that memory is its own; or a folder or zip of pictures
    against another one or a reference."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines evaluate",
        description="A report card of each model, by default of all that have one.",
    )
    parser.add_argument(
        "what", nargs="*", metavar="NAME or PATH", help="models, or folders, zips and files of pictures"
    )
    parser.add_argument("--against", nargs="+", help="real pictures of your own, or one of: world, people, faces")
    parser.add_argument("--extractor", default="eye", help="what sees your pictures: eye, open_clip")
    parser.add_argument("--n", type=int, default=100, help="pictures of each of three sets (default: %(default)s)")
    parser.add_argument("--label", help="which settings of a model, such as '6 steps' (default: all)")
    parser.add_argument("--out", type=Path, help="where reports go (default: assets/reports.json)")
    args = parser.parse_args(argv)
    from pipelines.evaluation import report  # it needs torch, and the other commands do not

    if args.n < 4:
        raise ValueError(f"--n is {args.n}: neighbours need four pictures at least.")
    if args.extractor not in report.EXTRACTORS:
        raise ValueError(f"There is no extractor '{args.extractor}'; choose of: {', '.join(report.EXTRACTORS)}.")
    names = {spec.name for spec in catalogue()}
    if args.what and not names & set(args.what):
        known = [path.stem for path in report.REFERENCES.glob("*.safetensors")]
        if not args.against:
            raise ValueError(f"Say --against what: real pictures of your own, or one of {', '.join(sorted(known))}.")
        named = len(args.against) == 1 and args.against[0] in known
        against: Any = args.against[0] if named else [Path(one) for one in args.against]
        record = print_progress(report.score([Path(one) for one in args.what], against, args.extractor))
        print(json.dumps(record, indent=1, ensure_ascii=False))
        return
    specs = [get_spec(name) for name in args.what] or [spec for spec in catalogue() if spec.reference]
    wanted = [(spec.name, label) for spec in specs for label in spec.evaluated if args.label in (None, label)]
    if not wanted:
        raise ValueError(f"No model has the label '{args.label}'.")
    if len(wanted) > 1:
        options = ["--n", str(args.n), *(["--out", str(args.out)] if args.out else [])]
        commands = [["evaluate", name, "--label", label, *options] for name, label in wanted]
        failed = [one for one in commands if subprocess.run([sys.executable, "-m", "pipelines", *one]).returncode]
        if failed:
            raise RuntimeError(f"These failed: {', '.join(' '.join(one[1:4]).strip() for one in failed)}.")
        return
    record = print_progress(report.evaluate(*wanted[0], n=args.n))
    report.add_card(record, args.out or report.CARDS)
    print(json.dumps(record, indent=1, ensure_ascii=False))


def print_progress(run: Any) -> dict[str, Any]:
    """Follow an evaluation on stderr; its report as a record."""
    from pipelines.evaluation import report

    last = None
    for last in run:
        if isinstance(last, report.Progress):
            print(f"\r{last.done:5}/{last.total}  {last.text[:60]:60}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return report.to_record(last)


if __name__ == "__main__":
    sys.exit(main())
