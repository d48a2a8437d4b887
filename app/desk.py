"""What happens in every tab: Generate and Stop, drops, the history, the share link; and what a model's card says."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from pydantic import ValidationError

from app import live, viewer
from app.forms import Form
from app.tabs import Tab
from pipelines.core.cards import WeightsError, card
from pipelines.core.registry import get_spec
from pipelines.core.settings import Settings, format_error

if TYPE_CHECKING:
    from app.desktop import Desktop

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class TabContext:
    """A tab as it was laid out."""

    tab: Tab
    form: Form
    model: gr.components.Component  # its value is the name of the model that runs
    again: gr.Checkbox
    in_files: gr.Checkbox
    dropped: gr.File
    generate: gr.Button
    stop: gr.Button
    queue: gr.HTML

    @property
    def filled(self) -> list[gr.components.Component]:
        """What settings that come from elsewhere go into: model, "New seed each time", controls."""
        return [self.model, self.again, *self.form.inputs]

    @property
    def unchanged(self) -> list[Any]:
        """Nothing for all of them."""
        return [gr.skip()] * len(self.filled)

    def fill(self, model: str, settings: Settings) -> list[Any]:
        """A run's settings, its seed with them."""
        return [model, False, *self.form.values(settings)]


def hook(call: str) -> str:
    """JavaScript of an element that calls a function of static/core/main.js once that is there."""
    return f"darkroom.then((page) => page.{call})"


def call(function: str, result: str = "{}") -> str:
    """JavaScript of an event that calls one, and what of it goes to the server."""
    return f"async () => {result.format(f'(await darkroom).{function}')}"


def sentence(error: Exception) -> str:
    """What an error says, as a sentence."""
    return f"{str(error)[0].upper()}{str(error)[1:].rstrip('.')}."


def wire(desktop: Desktop, context: TabContext) -> None:
    """Connect a tab's controls."""
    name, form, model, feed = context.tab.name, context.form, context.model, desktop.feed
    inputs, seed = form.inputs, form.controls["seed"]
    payload = gr.Textbox(
        visible="hidden"
    )  # which run it is, and what the input editor gives, as JSON, filled in by the page

    def develop(
        owner: str, keep: bool, chosen: str, _: bool, payload: str, *values: Any
    ) -> Iterator[tuple[str, Any]]:
        sent = json.loads(payload)
        try:
            settings = form.settings(chosen, values, sent["inputs"])
        except ValidationError as error:
            yield desktop.tell({"error": format_error(error)}, name), gr.skip()
            return
        for message in live.run(chosen, settings, owner, desktop.history, keep, sent["run"]):
            number = settings.seed if "begin" in message else gr.skip()
            yield desktop.tell({**message, "run": sent["run"]}, name), number

    before = [desktop.owner, context.in_files, model, context.again, payload]
    at = len(before) + list(form.controls).index("seed")
    # one event a run: the browser chooses the seed, the server sends frames
    run = context.generate.click(
        develop, [*before, *inputs], [feed, seed],
        js=f"async (...values) => (await darkroom).run('{name}', values, {at})",
        **slot(form), show_progress="minimal", show_progress_on=context.queue,
        api_visibility="private",
    )  # fmt: skip
    for over in (run.then, run.failure):  # a full queue, too; in the browser alone
        over(None, None, None, js=call(f"end('{name}')"))

    def stopped(number: str) -> str:
        ending = live.wait_for_end(number)
        return desktop.tell({"stopped": {"run": number, "files": ending.files, "entries": ending.entries}}, name)

    # Gradio does these one after the other: stop in the browser, cancel on the server, ask what was there
    context.stop.click(None, None, None, cancels=[run], js=call(f"stop('{name}')"))
    context.stop.click(
        stopped, gr.Textbox(visible="hidden"), feed, js=call(f"stage('{name}').stopped"), queue=False, **PRIVATE,
    )  # fmt: skip

    def restore(path: str | list[str] | None) -> list[Any]:
        return [None, *desktop.restore(context, path[0] if isinstance(path, list) else path)]

    def recall(owner: str, event: gr.EventData) -> list[Any]:
        return desktop.recall(context, owner, event)

    def share(whereabouts: str, chosen: str, *values: Any) -> Any:
        here = json.loads(whereabouts)
        return desktop.link(chosen, form, values, here) if here["tab"] == name else gr.skip()

    context.dropped.upload(restore, context.dropped, [context.dropped, feed, *context.filled], **PRIVATE).then(
        None, None, None, js=call(f"stage('{name}').form?.filled()")
    )
    desktop.strip.click(recall, desktop.owner, [feed, *context.filled], trigger_mode="always_last", **PRIVATE)
    desktop.share.click(
        share,
        [desktop.where, model, *inputs],
        feed,
        js="async (_, ...values) => [(await darkroom).whereabouts(), ...values]",
        **PRIVATE,
    )
    # in the browser alone: what is typed survives a reload
    kept = {"model": model, "again": context.again, "in_files": context.in_files, **form.controls}
    gr.on(
        [part.change for part in kept.values() if hasattr(part, "change")], None, list(kept.values()), None,
        js=f"async (...values) => {{ (await darkroom).saveForm('{name}', {json.dumps(list(kept))}, values); }}",
        **PRIVATE,
    )  # fmt: skip
    wire_live(desktop, context)
    wire_turns(desktop, context)
    desktop.tabs[name] = context


def slot(form: Form) -> dict[str, Any]:
    """Whom a run waits for: one at a time, but those that are played and paused take turns step by step."""
    if any(get_spec(model).turns for model in form.models):
        return {"concurrency_id": f"{live.SLOT}-turns", "concurrency_limit": 4}
    return {"concurrency_id": live.SLOT, "concurrency_limit": 1}


def wire_turns(desktop: Desktop, context: TabContext) -> None:
    """Settings that may change while a model runs reach the run."""
    name, form = context.tab.name, context.form
    turned = {field for model in form.models for field in get_spec(model).turns}
    if not turned:
        return

    def turn(number: str, given: str, chosen: str, *values: Any) -> Any:
        if not number:
            return gr.skip()
        try:
            live.turn(number, form.settings(chosen, values, json.loads(given)))
        except ValidationError as error:
            return desktop.tell({"error": format_error(error)}, name)
        return gr.skip()

    gr.on(
        [form.controls[field].change for field in turned], turn,
        [gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden"), context.model, *form.inputs], desktop.feed,
        js=f"async (_, __, ...values) => [...(await darkroom).underWay('{name}'), ...values]",
        queue=False, trigger_mode="always_last", **PRIVATE,
    )  # fmt: skip


def wire_live(desktop: Desktop, context: TabContext) -> None:
    """Models that are fast enough draw whenever their input changes, outside the queue."""
    name, form = context.tab.name, context.form
    fast = {model: get_spec(model).draft for model in form.models if get_spec(model).live or get_spec(model).draft}
    if not fast:
        return

    def redraw(chosen: str, payload: str, *values: Any) -> str:
        sent = json.loads(payload)
        given, answer = sent["inputs"], {"number": sent["number"], "model": chosen, "note": ""}
        if chosen not in fast or (given and all(value == "" for value in given.values())):
            return desktop.tell({"live": answer}, name)
        try:
            drawing, settings = as_draft(chosen, form.settings(chosen, values, given))
        except ValidationError as error:
            return desktop.tell({"live": answer | {"note": format_error(error)}}, name)
        begun = time.perf_counter()
        frame, note = live.draw_once(drawing, settings)
        if frame and fast[chosen]:
            milliseconds = 1000 * (time.perf_counter() - begun)
            note = f"a draft of {frame.steps} steps, {milliseconds:.0f} ms; Enter develops it"
        shown = {"frame": frame and viewer.frame_message(frame, lossless=not fast[chosen]), "note": note}
        return desktop.tell({"live": answer | shown}, name)

    # "once" would lose the last stroke; the page asks again only after an answer
    gr.Button(elem_id=f"{name}-live", visible="hidden").click(
        redraw, [context.model, gr.Textbox(visible="hidden"), *form.inputs], desktop.feed,
        js=f"async (model, _, ...values) => [model, (await darkroom).stage('{name}').live.payload(), ...values]",
        queue=False, trigger_mode="multiple", **PRIVATE,
    )  # fmt: skip
    changing = {field for model in fast for field in form.models[model].model_fields}
    for control in (context.model, *(form.controls[field] for field in changing if field in form.controls)):
        control.change(None, None, None, js=call(f"redraw('{name}')"))


def as_draft(model: str, settings: Settings) -> tuple[str, Settings]:
    """Who draws a draft of settings, and with which: a quicker model, where there is one and it can all that they ask
    for. A branch stays at its share of the steps."""
    spec = get_spec(model)
    if spec.drafted_by:
        quick = get_spec(spec.drafted_by)
        given = settings.model_dump(include={*quick.settings.model_fields})
        with contextlib.suppress(ValidationError):
            return quick.name, quick.settings(**given | shortened(settings, quick.draft))
    return model, settings.model_copy(update=shortened(settings, spec.draft))


def shortened(settings: Settings, draft: Mapping[str, Any]) -> dict[str, Any]:
    """A draft's settings, with a branch where it is in fewer steps."""
    branch = getattr(settings, "branch_step", 0)
    moved = {"branch_step": round(branch * draft["steps"] / settings.steps)} if branch and "steps" in draft else {}
    return {**draft, **moved}


def size(bundles: tuple[str, ...]) -> str:
    """How many parameters the bundles have together; "" of none."""
    if not bundles:
        return ""
    try:
        return f"{sum(card(name)['parameters'] for name in bundles) / 1e6:.1f} M parameters"
    except WeightsError as error:
        return str(error)


def model_card(bundles: tuple[str, ...]) -> str:
    """What the cards say, as a table: every number there was measured by a command of the repository."""
    if not bundles:
        return ""
    rows = []
    for name in bundles:
        try:
            about = card(name)
        except WeightsError as error:
            rows.append(f"<tr><td>{name}<td>{error}")
            continue
        rows.append(
            f"<tr><td>{name}<td>{about['parameters'] / 1e6:.1f} M, {about['seconds'] / 60:.0f} min of training"
        )
        rows += [f"<tr><td>{label}<td>{value}" for label, value in about.get("shown", {}).items()]
    return f'<details class="card"><summary><h4>Model card</h4></summary><table>{"".join(rows)}</table></details>'
