"""The desktop: header, tabs, history and status bar, and what all tabs share."""

from __future__ import annotations

import html
import io
import json
import logging
import random
import sqlite3
import uuid
from typing import Any

import gradio as gr
from PIL import Image

from app import api, live, metadata, viewer
from app.forms import Form
from app.history import History
from app.tabs import Tab, audio, edit, shape, sketch, train, video, words
from pipelines.core.registry import CATALOGUE, get_spec
from pipelines.core.settings import Settings
from pipelines.media import audio as sounds
from pipelines.media import images as pictures

TABS = [
    Tab("image", "Image", words.build),
    Tab("edit", "Edit", edit.build, "image"),
    Tab("sketch", "Sketch", sketch.build, "image"),
    Tab("video", "Video", video.build, "image"),
    Tab("audio", "Audio", audio.build, "audio"),
    Tab("shape", "3D", shape.build, "gaussians"),
    Tab("train", "Train", train.build, "image"),
]
TABS += [  # a family that names a tab of its own gets one
    Tab(name, name.capitalize(), words.build)
    for name in dict.fromkeys(spec.tab for spec in CATALOGUE.values())
    if name not in {tab.name for tab in TABS}
]

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
    """The page. Tabs reach the viewer through `feed`, this browser's history through `owner`, and each other through
    it."""

    def __init__(self, history: History | None = None) -> None:
        self.history = history or History()
        self.tabs: dict[str, tuple[Form, gr.components.Component]] = {}
        with gr.Blocks(
            title="Darkroom", fill_width=True, fill_height=True, analytics_enabled=False, delete_cache=(3600, 86400)
        ) as self.blocks:
            self.owner = gr.BrowserState("", storage_key="darkroom-owner", secret="darkroom")
            self.where = gr.Textbox(visible="hidden")  # which tab is open, filled on the way by darkroom.open
            self.feed = gr.HTML(
                "",
                elem_id="feed",
                html_template="",
                js_on_load="watch('value', () => darkroom.feed(props.value))",
                visible="hidden",
            )
            with gr.Row(elem_id="header"):
                gr.HTML(HEADER, min_width=0)
                gr.Button("Open", elem_id="open", size="sm", min_width=0).click(
                    None, js="() => darkroom.choose()", api_visibility="private"
                )
                self.share = gr.Button("Share", elem_id="share", size="sm", min_width=0)
            self.sheet = gr.HTML(
                "", elem_id="sheet", render=False,
                js_on_load="darkroom.chooser(element, trigger)",
            )  # fmt: skip
            with gr.Tabs(elem_id="tabs"):
                for tab in TABS:
                    with gr.Tab(tab.title, id=tab.title):
                        tab.build(self, tab.name)
            self.sheet.render()
            gr.HTML(STATUS, elem_id="status")
            api.expose(self.history)
            outputs = [part for form, model in self.tabs.values() for part in (model, *form.inputs)]
            self.blocks.load(
                self.begin,
                [self.owner],
                [self.owner, self.sheet, self.feed, *outputs],
                api_visibility="private",
                show_progress="hidden",
            )

    def opens(self, tab: str, form: Form, model: gr.components.Component) -> None:
        """A tab says which models' links and files it opens, and where it holds the model's name."""
        self.tabs[tab] = (form, model)

    def tab_of(self, model: str) -> str:
        """The tab that runs a model; "" if none does."""
        return next((tab for tab, (form, _) in self.tabs.items() if model in form.models), "")

    def tab_title(self, model: str) -> str:
        """What that tab is called."""
        return next(tab.title for tab in TABS if tab.name == self.tab_of(model))

    @staticmethod
    def tell(message: dict[str, Any], tab: str = "") -> str:
        """A message for the browser, or for one tab's viewer.

        The number makes each one differ from the last, so that none is taken for a repeat.
        """
        return json.dumps({**message, "tab": tab, "id": random.getrandbits(40)})

    def begin(self, owner: str, request: gr.Request) -> list[Any]:
        """The page opens: who is it, what did they make, and does the link carry settings?"""
        if request:  # the page is up
            live.warm_up()
        owner = owner or uuid.uuid4().hex
        held = dict(request.query_params).get("s") if request else None
        message: dict[str, Any] = {"hello": {"memory": live.memory()}}
        tab, model, values = "", "", []
        if held:
            try:
                model, settings = metadata.from_link(held)
                tab = self.tab_of(model)
                values = [model, *self.tabs[tab][0].values(settings)]
                message["same_seed"] = True
            except metadata.MetadataError as error:
                message["error"] = str(error)
        filled = [
            part for name, (form, _) in self.tabs.items() for part in (values if name == tab else self.unchanged(form))
        ]
        return [owner, self.sheet_of(owner), self.tell(message, tab), *filled]

    @staticmethod
    def unchanged(form: Form) -> list[Any]:
        """Nothing for a tab's model and controls."""
        return [gr.skip()] * (1 + len(form.inputs))

    def restore(self, tab: str, form: Form, path: str | None) -> list[Any]:
        """A dropped file's settings into the form, or the picture onto the tab's canvas."""
        if path is None:
            return [gr.skip(), *self.unchanged(form)]
        try:
            model, settings = metadata.from_file(path)
            if model not in form.models:
                raise metadata.MetadataError(
                    f"This picture was made by {get_spec(model).title}; open the tab {self.tab_title(model)} and "
                    "drop it there."
                )
        except metadata.MetadataError as error:
            take = {"gaussians": self.load_gaussians, "audio": self.load_audio, "image": self.load_image}.get(
                self.takes(tab, path)
            )
            laid = take(path) if take else {"error": str(error)}
            return [self.tell(laid, tab), *self.unchanged(form)]
        said = {
            "same_seed": True,
            "say": "Settings restored: Generate makes the same picture.",
            "canvas": self.editor_values(form, settings),
        }
        return [self.tell(said, tab), model, *form.values(settings)]

    @staticmethod
    def takes(tab: str, path: str) -> str:
        """What a dropped file is to a tab.

        Of splats' files the others know nothing; to theirs, other files are pictures.
        """
        kind = next(entry.accepts for entry in TABS if entry.name == tab)
        if kind == "gaussians" and not path.lower().endswith((".ply", ".splat", ".glb")):
            return "image"
        return kind

    @staticmethod
    def load_image(picture: Any) -> dict[str, Any]:
        """A message that puts a picture on the canvas, or says why not."""
        try:
            laid = {"canvas": {"image": pictures.image_url(picture)}}
            filmed = isinstance(picture, str) and metadata.film(picture) is not None
            return {**laid, "say": "This is a film: its first frame was taken."} if filmed else laid
        except ValueError as error:
            return {"error": f"{str(error)[0].upper()}{str(error)[1:]}."}

    @staticmethod
    def load_audio(path: str) -> dict[str, Any]:
        """A message that takes a sound to work on, or says why not."""
        try:
            sound = sounds.audio_url(path)
        except ValueError as error:
            return {"error": f"{str(error)[0].upper()}{str(error)[1:]}."}
        return {"canvas": {"sound": sound}, "say": "The sound is taken as mono at 16 kHz, its first 30 seconds."}

    @staticmethod
    def load_gaussians(path: str) -> dict[str, Any]:
        """A message that shows a file of splats, or a mesh, to be turned; or says why not."""
        from pipelines.models.gaussian_splatting import files as scenes
        from pipelines.models.gaussian_splatting.files import splat_url

        try:
            splats = scenes.load_gaussians(path)
        except scenes.SceneError as error:
            return {"error": str(error)}
        note = f"{len(splats):,} splats of a file; drag to turn them"
        return {"canvas": {"splats": {"url": splat_url(splats), "count": len(splats)}, "note": note}}

    @staticmethod
    def editor_values(form: Form, settings: Settings) -> dict[str, str]:
        """What settings hold for the canvas."""
        return {name: getattr(settings, name) for name in form.given if hasattr(settings, name)}

    def recall(self, tab: str, form: Form, owner: str, event: gr.EventData) -> list[Any]:
        """A picture of the history back into the viewer, and its settings into the form; or onto the canvas of a tab
        that did not make it."""
        if event._data["tab"] != tab:
            return [gr.skip(), *self.unchanged(form)]
        try:
            entry = self.history.find(owner, int(event._data["id"]))
            if entry is None:
                raise metadata.MetadataError("This picture is no longer in the history.")
            if entry.model not in form.models and "image" in form.accepts:
                return [self.tell(self.load_image(Image.open(io.BytesIO(entry.png))), tab), *self.unchanged(form)]
            model, settings = metadata.checked(entry.model, entry.settings)
            if model not in form.models:
                raise metadata.MetadataError(
                    f"This picture was made by {get_spec(model).title}; open the tab {self.tab_title(model)} first."
                )
        except (metadata.MetadataError, sqlite3.Error, OSError) as error:
            return [self.tell({"error": str(error)}), *self.unchanged(form)]
        shown = {
            "name": f"{model}-{settings.seed}.png",
            "url": viewer.data_url(entry.png, "image/png"),
            "seed": settings.seed,
        }
        shown |= viewer.restore(get_spec(model).result, entry.png, model, settings)
        return [
            self.tell({"picture": shown, "same_seed": True, "canvas": self.editor_values(form, settings)}, tab),
            model,
            *form.values(settings),
        ]

    def link(self, model: str, form: Form, values: tuple[Any, ...], pictured: bool) -> str:
        """A link that restores the whole form, where no picture is `pictured` in it."""
        if pictured:
            return self.tell({"error": "A link cannot carry a picture: download the PNG instead, it holds everything."})
        try:
            return self.tell({"link": metadata.to_link(model, form.settings(model, values).model_dump())})
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
            url = viewer.data_url(entry.thumbnail, "image/jpeg")
            frames.append(
                f'<button type="button" data-id="{entry.id}" title="{prompt}"><img src="{url}" alt="{prompt}"></button>'
            )
        return "<p>History</p>" + "".join(frames)
