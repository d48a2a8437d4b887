"""One setting varied, or two across each other, the rest and the seed as they are: small results to choose from."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import gradio as gr
import numpy as np
from annotated_types import Gt
from PIL import Image, ImageDraw, ImageFont
from pydantic import ValidationError

from app import live, metadata, viewer
from app.desk import PRIVATE, TabContext, sentence
from app.forms import bounds, title
from pipelines.core.cards import parse_loras
from pipelines.core.contract import ImageResult
from pipelines.core.settings import Settings, format_error

if TYPE_CHECKING:
    from app.desktop import Desktop

FIELDS = ("guidance", "steps", "sampler", "seed", "strength", "control_weight", "loras")
FACTORS = (0.3, 0.6, 1, 1.6, 2.5)
GAP, LABEL = 8, 40  # pixels between the cells of a sheet, and under each for two lines of text


def values_of(settings: Settings, field: str) -> list[Any]:
    """Five values of a field, or as many as it has: this run's own among them where it is a number."""
    declared, now = type(settings).model_fields[field], getattr(settings, field)
    if field == "seed":
        return [(now + k) % 2**32 for k in range(5)]
    if field == "loras":
        if not now:
            raise ValueError("choose a LoRA first, then vary its strength")
        (name, _), *rest = parse_loras(now)
        others = "".join(f", {other}:{strength}" for other, strength in rest)
        return [f"{name}:{strength}{others}" for strength in (0, 0.4, 0.7, 1, 1.3)]
    if choices := get_args(declared.annotation):
        return list(choices)
    low, high = bounds(declared)
    if (
        high is not None and high <= 2
    ):  # a share or a weight: evenly over its range, from just above a bound that is none
        least = max(low or 0.0, 0.05) if any(isinstance(m, Gt) for m in declared.metadata) else low or 0.0
        even = [round(least + (high - least) * k / 4, 2) for k in range(5)]
        even[min(range(5), key=lambda k: abs(even[k] - now))] = now
        return even
    found = [min(max(now * factor, low or 0), high or now * factor) for factor in FACTORS]
    return sorted({type(now)(round(value, 1) if isinstance(now, float) else round(value)) for value in found})


def label_of(field: str, value: Any) -> str:
    """A value as people read it."""
    return (
        value.split(",")[0].replace(":", " ")
        if field == "loras"
        else title(value)
        if field == "sampler"
        else f"{value:g}"
    )


def draw_sheet(pictures: list[np.ndarray], labels: list[str], columns: int) -> np.ndarray:
    """The cells as one picture, each above its label."""
    side = max(max(picture.shape[:2]) for picture in pictures)
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (side + GAP) + GAP, rows * (side + LABEL + GAP) + GAP), "white")
    write = ImageDraw.Draw(sheet)
    for k, (pixels, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = GAP + k % columns * (side + GAP), GAP + k // columns * (side + LABEL + GAP)
        sheet.paste(Image.fromarray(pixels), (x, y))
        write.multiline_text((x, y + side + 4), label, "black", ImageFont.load_default(14))
    return np.asarray(sheet)


def save_sheet(sheet: np.ndarray, model: str, settings: Settings, fields: list[str], in_files: bool) -> str:
    """A PNG as a data URL, which carries the settings and what was varied: dropped on the page, it is drawn again."""
    result = ImageResult(sheet, model, settings.model_dump())
    return viewer.data_url(result.file("png", in_files, varied=fields), viewer.TYPES["png"])


def read_fields(path: str) -> list[str]:
    """Which settings a saved sheet varied; none where the file is no sheet."""
    try:
        fields = json.loads(metadata.read_text(path)).get("varied", [])
    except (metadata.MetadataError, ValueError):
        return []
    return fields[:2] if isinstance(fields, list) and all(field in FIELDS for field in fields) else []


def wire(desktop: Desktop, context: TabContext) -> None:
    """The hidden button that the viewer's bar presses."""
    name, form = context.tab.name, context.form

    def vary(chosen: str, payload: str, in_files: bool, *values: Any) -> Iterator[str]:
        sent, cells, pictures = json.loads(payload), [], []
        try:
            settings = form.settings(chosen, values, sent["inputs"])
            fields = list(dict.fromkeys(sent["fields"]))
            if not 1 <= len(fields) <= 2 or not {*fields} <= {*FIELDS} & {*type(settings).model_fields}:
                raise ValueError("this setting cannot be varied")
            wanted = [values_of(settings, field) for field in fields]
        except ValueError as error:
            text = format_error(error) if isinstance(error, ValidationError) else sentence(error)
            yield desktop.tell({"error": text, "vary": {"cells": [], "of": 0}}, name)
            return
        shape = {"columns": len(wanted[-1]), "of": math.prod(map(len, wanted))}
        for combination in itertools.product(*wanted):
            values = dict(zip(fields, combination, strict=True))
            one = settings.model_copy(update=values | ({"count": 1} if "count" in form.controls else {}))
            begun = time.perf_counter()
            frame, note = live.draw_once(chosen, one)
            if frame:
                note = f"{frame.trace.get('calls', frame.steps)} calls, {1000 * (time.perf_counter() - begun):.0f} ms"
            drawn = {"url": viewer.picture(frame.preview)} if frame else {}
            label = " · ".join(itertools.starmap(label_of, values.items()))
            cells.append({"values": values, "label": label, "note": note, **drawn})
            pictures.append(frame.preview if frame else np.full((64, 64, 3), 255, np.uint8))
            message = {"title": " × ".join(map(title, fields)), "fields": fields, "cells": cells, **shape}
            if len(cells) == shape["of"]:
                sheet = draw_sheet(pictures, [f"{c['label']}\n{c['note']}" for c in cells], shape["columns"])
                message["sheet"] = save_sheet(sheet, chosen, settings, fields, in_files)
            yield desktop.tell({"vary": message}, name)

    event = gr.Button(elem_id=f"{name}-vary", visible="hidden").click(
        vary, [context.model, gr.Textbox(visible="hidden"), context.in_files, *form.inputs], desktop.feed,
        js=f"async (model, _, ...values) => [model, (await darkroom).stage('{name}').variations.payload(), ...values]",
        concurrency_id=live.SLOT, **PRIVATE,
    )  # fmt: skip
    gr.Button(elem_id=f"{name}-vary-stop", visible="hidden").click(None, cancels=[event], api_visibility="private")
