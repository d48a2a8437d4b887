"""The Image tab: words become a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from pydantic import ValidationError

from app import live, viewer
from app.forms import Form
from pipelines.cards import WeightsError, card
from pipelines.catalogue import find
from pipelines.settings import sentence

if TYPE_CHECKING:
    from app.desktop import Desktop

TAB = "image"
MODEL = "latent-diffusion"
FIRST = ["prompt", "negative_prompt", "sampler", "seed", "steps", "guidance", "count"]
EXAMPLES = {
    "red curls": "a woman with curly red hair and round glasses, smiling",
    "shades": "bald man in shades and white dungarees, dark skin, laughing",
    "pink bob": "girl, pink bob, winking, blue hoodie",
    "turban": "a man with a long grey beard and a green turban, on a lavender background",
    "heart eyes": "someone with a blonde afro, heart eyes and a black blazer",
    "rocket": "rocket",
    "pizza": "a slice of pizza",
}


def build(desktop: Desktop) -> None:
    """Lay out the tab and wire it."""
    entry = find(MODEL)
    form = Form.build(entry.settings, "image", FIRST)
    c = form.controls
    more = [name for name, field in entry.settings.model_fields.items() if (field.json_schema_extra or {}).get("more")]

    with gr.Row(elem_id="image-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            gr.HTML(f'<div class="model"><b>{entry.title}</b><span>{size(entry.weights)}</span></div>')
            c["prompt"].render()
            gr.Examples(
                [[said] for said in EXAMPLES.values()],
                c["prompt"],
                elem_id="image-examples",
                example_labels=list(EXAMPLES),
                api_visibility="private",
            )
            c["negative_prompt"].render()
            with gr.Row(elem_classes="pair"):
                c["sampler"].render()
                with gr.Column(min_width=100):
                    c["seed"].render()
                    again = gr.Checkbox(True, label="New seed each time", elem_id="image-again")
            for name in ("steps", "guidance", "count"):
                c[name].render()
            with gr.Accordion("More", open=False, elem_id="image-more"):
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(True, label="Settings in files", info="A saved PNG carries what made it.", elem_id="image-in-files")
            dropped = gr.File(elem_id="image-drop", visible="hidden")  # whatever is dropped on the page arrives here
            with gr.Row(elem_classes="act"):
                generate = gr.Button("Generate", variant="primary", elem_id="image-generate")
                stop = gr.Button("Stop", elem_id="image-stop", interactive=False)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(TAB))
            queue = gr.HTML("", elem_id="image-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(TAB) + model_card(entry.weights))

    inputs = form.inputs

    def develop(owner: str, keep: bool, *values: Any) -> Iterator[str]:
        try:
            settings = form.settings(values)
        except ValidationError as error:
            yield desktop.tell({"error": sentence(error)}, TAB)
            return
        for message in live.run(MODEL, settings, owner, desktop.history, keep):
            yield desktop.tell(message, TAB)

    def restore(path: str | None) -> list[Any]:
        return [None, *desktop.restore(TAB, form, path)]

    def recall(owner: str, event: gr.EventData) -> list[Any]:
        return desktop.recall(TAB, form, owner, event)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    picked = generate.click(desktop.new_seed, [again, c["seed"]], c["seed"], queue=False, js="(...v) => { darkroom.begin('image'); return v; }", **private)
    run = picked.then(
        develop, [desktop.owner, in_files, *inputs], desktop.feed,
        concurrency_id=live.SLOT, concurrency_limit=1, show_progress="minimal", show_progress_on=queue, api_visibility="private",
    )  # fmt: skip
    run.then(desktop.sheet_of, desktop.owner, desktop.sheet, js="(...v) => { darkroom.ended('image'); return v; }", **private)
    stop.click(None, None, None, cancels=[run], js="() => darkroom.stopped('image')")
    dropped.upload(restore, dropped, [dropped, desktop.feed, *inputs], **private)
    desktop.sheet.click(recall, desktop.owner, [desktop.feed, *inputs], **private)
    desktop.share.click(lambda *v: desktop.link(MODEL, form, v), inputs, desktop.feed, **private)
    desktop.opens(MODEL, form)


def size(bundles: tuple[str, ...]) -> str:
    """How many parameters the bundles have together."""
    try:
        return f"{sum(card(name)['parameters'] for name in bundles) / 1e6:.1f} M parameters"
    except WeightsError as error:
        return str(error)


def model_card(bundles: tuple[str, ...]) -> str:
    """What the cards say, as a table: every number there was measured by a command of the repository."""
    rows = []
    for name in bundles:
        try:
            about = card(name)
        except WeightsError as error:
            rows.append(f"<tr><td>{name}<td>{error}")
            continue
        rows.append(f"<tr><td>{name}<td>{about['parameters'] / 1e6:.1f} M, {about['seconds'] / 60:.0f} min of training")
        rows += [f"<tr><td>{label}<td>{value}" for label, value in about.get("shown", {}).items()]
    return f'<div class="card"><h4>Model card</h4><table>{"".join(rows)}</table></div>'
