"""The pipelines as named endpoints, for gradio_client, HTTP and MCP: signatures and help are the Settings'."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import gradio as gr
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from app import live
from app.history import History
from pipelines.core.registry import CATALOGUE
from pipelines.core.settings import format_error
from pipelines.core.spec import ModelSpec
from pipelines.media.images import UNTRUSTED


def expose(history: History) -> None:
    """One endpoint a model, named as in the catalogue with underscores."""
    for spec in CATALOGUE.values():
        gr.api(
            endpoint(spec, history),
            api_name=spec.name.replace("-", "_"),
            concurrency_id=live.SLOT,
            concurrency_limit=1,
        )


def endpoint(spec: ModelSpec, history: History) -> Any:
    """A generator with the Settings' fields as parameters: a dict a step, at the end with PNG files as data URLs."""

    declared = spec.settings.model_fields
    fields = {
        n: declared[n] for n in sorted(declared, key=lambda n: (not declared[n].is_required(), n == "seed"))
    }  # the seed last

    def run(*values: Any) -> Iterator[dict]:
        try:
            settings = spec.settings.model_validate(dict(zip(fields, values, strict=True)), context=UNTRUSTED)
        except ValidationError as error:
            raise gr.Error(format_error(error)) from None
        last: dict[str, Any] = {}
        for message in live.run(spec.name, settings, None, history):
            if "error" in message:
                raise gr.Error(message["error"])
            if "frame" in message:
                last = {key: message["frame"][key] for key in ("step", "steps", "note", "preview")}
                yield last
            if "done" in message:
                yield {
                    "step": last["step"],
                    "steps": last["steps"],
                    "files": message["done"]["files"],
                    "cost": message["done"]["cost"],
                }

    run.__name__ = spec.name.replace("-", "_")

    def parameter(name: str, field: FieldInfo) -> inspect.Parameter:
        default = inspect.Parameter.empty if field.is_required() else field.default
        return inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=field.annotation
        )

    run.__signature__ = inspect.Signature([parameter(n, f) for n, f in fields.items()], return_annotation=dict)
    run.__annotations__ = {n: f.annotation for n, f in fields.items()} | {"return": dict}
    lines = [f"    {n}: {f.description}" for n, f in fields.items()]
    run.__doc__ = (
        f"{spec.title}: {spec.task}.\n\nArgs:\n"
        + "\n".join(lines)
        + "\n\nReturns:\n    A dict a step; the last has the files."
    )
    return run
