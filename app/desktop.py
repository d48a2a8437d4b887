"""The desktop: header, tabs, history and status bar, and what all tabs share."""

from __future__ import annotations

import html
import json
import logging
import random
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import api, live, metadata, viewer
from app.forms import Form
from app.history import History
from app.tabs import image

TABS: dict[str, Callable[[Desktop], None]] = {"Image": image.build}

HEADER = '<div class="brand"><i class="lamp"></i>Darkroom</div>'
STATUS = """
<span>device <em id="s-device">–</em></span>
<span>memory <em id="s-memory">–</em></span>
<span>queue <em id="s-queue">0</em></span>
<span>last run <em id="s-time">–</em></span>
<span>seed of this picture <em id="s-seed">–</em></span>
<span class="grow"></span>
<span class="keys"><kbd>Ctrl</kbd>+<kbd>Enter</kbd> develops · <kbd>Esc</kbd> stops · <kbd>←</kbd> <kbd>→</kbd> scrub</span>
"""

log = logging.getLogger("darkroom")


class Desktop:
    """The page. Tabs reach the viewer through `feed`, this browser's history through `owner`, and each other through it."""

    def __init__(self, history: History | None = None) -> None:
        self.history = history or History()
        self.forms: dict[str, Form] = {}
        with gr.Blocks(title="Darkroom", fill_width=True, fill_height=True, analytics_enabled=False, delete_cache=(3600, 86400)) as self.blocks:
            self.owner = gr.BrowserState("", storage_key="darkroom-owner", secret="darkroom")
            self.feed = gr.HTML("", elem_id="feed", html_template="", js_on_load="watch('value', () => darkroom.feed(props.value))", visible="hidden")
            with gr.Row(elem_id="header"):
                gr.HTML(HEADER, min_width=0)
                gr.Button("Open", elem_id="open", size="sm", min_width=0).click(None, js="() => darkroom.choose()", api_visibility="private")
                self.share = gr.Button("Share", elem_id="share", size="sm", min_width=0)
            self.sheet = gr.HTML(
                "", elem_id="sheet", render=False,
                js_on_load="darkroom.chooser(element, trigger)",
            )  # fmt: skip
            with gr.Tabs(elem_id="tabs"):
                for name, build in TABS.items():
                    with gr.Tab(name, id=name):
                        build(self)
            self.sheet.render()
            gr.HTML(STATUS, elem_id="status")
            api.expose(self.history)
            form = self.forms[image.MODEL]
            self.blocks.load(self.begin, [self.owner], [self.owner, self.sheet, self.feed, *form.inputs], api_visibility="private", show_progress="hidden")

    def opens(self, model: str, form: Form) -> None:
        """A tab says which model's links it opens."""
        self.forms[model] = form

    @staticmethod
    def tell(message: dict[str, Any], tab: str = "") -> str:
        """A message for the browser, or for one tab's viewer. The number makes each one differ from the last, so that none is taken for a repeat."""
        return json.dumps({**message, "tab": tab, "id": random.getrandbits(40)})

    @staticmethod
    def new_seed(again: bool, seed: int | None) -> Any:
        """The next run's seed, chosen before it and shown in the form, so that it can be told and repeated."""
        return random.getrandbits(32) if again or seed is None else gr.skip()

    def begin(self, owner: str, request: gr.Request) -> list[Any]:
        """The page opens: who is it, what did they make, and does the link carry settings?"""
        owner = owner or uuid.uuid4().hex
        form = self.forms[image.MODEL]
        held = dict(request.query_params).get("s") if request else None
        message: dict[str, Any] = {"hello": {"memory": live.memory()}}
        values: list[Any] = [gr.skip()] * len(form.inputs)
        if held:
            try:
                _, settings = metadata.from_link(held)
                values = form.values(settings)
                message["same_seed"] = True
            except metadata.MetadataError as error:
                message["error"] = str(error)
        return [owner, self.sheet_of(owner), self.tell(message, image.TAB), *values]

    def restore(self, tab: str, form: Form, path: str | None) -> list[Any]:
        """A dropped file's settings into the form."""
        keep = [gr.skip()] * len(form.inputs)
        if path is None:
            return [gr.skip(), *keep]
        try:
            model, settings = metadata.from_png(path)
            if self.forms.get(model) is not form:
                raise metadata.MetadataError(f"This picture was made by {model}; open its tab and drop it there.")
        except metadata.MetadataError as error:
            return [self.tell({"error": str(error)}), *keep]
        return [self.tell({"same_seed": True, "say": "Settings restored: Generate makes the same picture."}, tab), *form.values(settings)]

    def recall(self, tab: str, form: Form, owner: str, event: gr.EventData) -> list[Any]:
        """A picture of the history back into the viewer, and its settings into the form."""
        keep = [gr.skip()] * len(form.inputs)
        try:
            entry = self.history.find(owner, int(event._data["id"]))
            if entry is None:
                raise metadata.MetadataError("This picture is no longer in the history.")
            model, settings = metadata.checked(entry.model, entry.settings)
        except (metadata.MetadataError, sqlite3.Error, OSError) as error:
            return [self.tell({"error": str(error)}), *keep]
        name = f"{model}-{settings.seed}.png"
        shown = {"name": name, "url": viewer.data_url(entry.png, "png"), "seed": settings.seed}
        return [self.tell({"picture": shown, "same_seed": True}, tab), *form.values(settings)]

    def link(self, model: str, form: Form, values: tuple[Any, ...]) -> str:
        """A link that restores the whole form."""
        try:
            return self.tell({"link": metadata.to_link(model, form.settings(values).model_dump())})
        except ValueError:
            return self.tell({"error": "These settings are not valid yet: correct them, then share."})

    def sheet_of(self, owner: str) -> str:
        """The contact sheet of this browser's history."""
        try:
            made = self.history.recent(owner) if owner else []
        except (sqlite3.Error, OSError):
            log.exception("the history could not be read")
            return "<p>History</p><small>The history cannot be read; what you make now can still be downloaded.</small>"
        if not made:
            return "<p>History</p><small>What you develop is kept here, with its settings.</small>"
        frames = []
        for entry in made:
            prompt = html.escape(str(entry.settings.get("prompt", "")) or "without words", quote=True)
            url = viewer.data_url(entry.thumbnail, "jpeg")
            frames.append(f'<button type="button" data-id="{entry.id}" title="{prompt}"><img src="{url}" alt="{prompt}"></button>')
        return "<p>History</p>" + "".join(frames)
