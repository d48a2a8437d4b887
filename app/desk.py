"""What the tabs that make pictures share: Generate and Stop, dropped files, the history, the share link, the model
card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from pydantic import ValidationError

from app import live
from app.forms import Form
from pipelines.core.cards import WeightsError, card
from pipelines.core.settings import format_error

if TYPE_CHECKING:
    from app.desktop import Desktop

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def sampling(tab: str, controls: dict[str, gr.components.Component]) -> gr.Checkbox:
    """Sampler, where there is one, and seed side by side, then steps, guidance and count; the switch for a new seed
    each time."""
    with gr.Row(elem_classes="pair"):
        if "sampler" in controls:
            controls["sampler"].render()
        with gr.Column(min_width=100):
            controls["seed"].render()
            again = gr.Checkbox(True, label="New seed each time", elem_id=f"{tab}-again")
    for name in ("steps", "guidance", "count"):
        if name in controls:
            controls[name].render()
    return again


def act(tab: str, does: str = "Generate") -> tuple[gr.Button, gr.Button]:
    """The button that begins a run, and Stop."""
    with gr.Row(elem_classes="act"):
        return gr.Button(does, variant="primary", elem_id=f"{tab}-generate"), gr.Button(
            "Stop", elem_id=f"{tab}-stop", interactive=False
        )


def wire(
    desktop: Desktop,
    tab: str,
    form: Form,
    model: gr.components.Component,
    again: gr.Checkbox,
    in_files: gr.Checkbox,
    dropped: gr.File,
    generate: gr.Button,
    stop: gr.Button,
    queue: gr.HTML,
) -> None:
    """Connect a tab's controls. `model` holds the name of the model that runs."""
    inputs, given, seed, feed = form.inputs, form.given, form.controls["seed"], desktop.feed
    payload = gr.Textbox(visible="hidden")  # what the input editor gives, as one JSON object, filled in by darkroom.run

    def develop(
        owner: str, keep: bool, name: str, _: bool, payload: str, *values: Any
    ) -> Iterator[tuple[str, Any, Any]]:
        try:
            settings = form.settings(name, values, json.loads(payload))
        except ValidationError as error:
            yield desktop.tell({"error": format_error(error)}, tab), gr.skip(), gr.skip()
            return
        for message in live.run(name, settings, owner, desktop.history, keep):
            chosen = settings.seed if "begin" in message else gr.skip()
            sheet = gr.skip() if "begin" in message or "frame" in message else desktop.sheet_of(owner)
            yield desktop.tell(message, tab), chosen, sheet

    before = [desktop.owner, in_files, model, again, payload]
    at = len(before) + list(form.controls).index("seed")
    # one event a run: the browser chooses the seed, the server sends frames, at the end the history
    run = generate.click(
        develop, [*before, *inputs], [feed, seed, desktop.sheet],
        js=f"(...v) => darkroom.run('{tab}', v, {json.dumps(given)}, {at})",
        concurrency_id=live.SLOT, concurrency_limit=1, show_progress="minimal", show_progress_on=queue,
        api_visibility="private",
    )  # fmt: skip
    run.then(None, None, None, js=f"() => darkroom.ended('{tab}')")  # in the browser alone
    stop.click(None, None, None, cancels=[run], js=f"() => darkroom.stopped('{tab}')")

    def restore(path: str | None) -> list[Any]:
        return [None, *desktop.restore(tab, form, path)]

    def recall(owner: str, event: gr.EventData) -> list[Any]:
        return desktop.recall(tab, form, owner, event)

    def share(where: str, name: str, *values: Any) -> Any:
        return desktop.link(name, form, values, pictured=where != tab) if where.startswith(tab) else gr.skip()

    dropped.upload(restore, dropped, [dropped, feed, model, *inputs], **PRIVATE)
    desktop.sheet.click(recall, desktop.owner, [feed, model, *inputs], **PRIVATE)
    desktop.share.click(
        share,
        [desktop.where, model, *inputs],
        feed,
        js=f"(_, ...v) => [darkroom.shown('{tab}', {json.dumps(given)}), ...v]",
        **PRIVATE,
    )
    desktop.opens(tab, form, model)


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
