"""The desktop: header, tabs, history and status bar, and what all tabs share."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from app import api, development, foreign, history_panel, live, metadata, variations, viewer
from app.desk import TabContext, hook, sentence
from app.forms import Form
from app.history import History, explain
from app.lessons import LESSONS
from app.tabs import TABS, Tab, layout
from pipelines.core.registry import get_spec
from pipelines.core.settings import Settings, editor_fields
from pipelines.media import audio as sounds
from pipelines.media import images as pictures
from pipelines.media import points

HEADER = '<div class="brand"><i class="lamp"></i>Darkroom</div>'
STATUS = """
<span>device <em id="s-device">–</em></span>
<span>memory <em id="s-memory">–</em></span>
<span>queue <em id="s-queue">0</em></span>
<span>last run <em id="s-time">–</em></span>
<span>seed <em id="s-seed">–</em></span>
<span class="grow"></span>
<span class="keys"><kbd>Ctrl</kbd>+<kbd>Enter</kbd> generates · <kbd>Esc</kbd> stops · <kbd>←</kbd> <kbd>→</kbd> scrub ·
<kbd>Space</kbd> plays · <kbd>I</kbd> hides the inspector</span>
"""

GAUSSIAN_FILES = (".ply", ".splat", ".glb")
UNREAD_GAUSSIAN_FILES = (".spz", ".ksplat", ".sog")  # refused by name, in whichever tab they are dropped


class Desktop:
    """The page. Tabs reach the viewer through `feed`, this browser's history through `owner`, and each other through
    it."""

    def __init__(self, history: History | None = None) -> None:
        self.history = history or History()
        self.tabs: dict[str, TabContext] = {}
        with gr.Blocks(
            title="Darkroom", fill_width=True, fill_height=True, analytics_enabled=False, delete_cache=(3600, 86400)
        ) as self.blocks:
            self.owner = gr.BrowserState("", storage_key="darkroom-owner", secret="darkroom")
            self.where = gr.Textbox(visible="hidden")  # the open tab, and whether it has an input; filled by the page
            self.feed = gr.HTML(
                "",
                elem_id="feed",
                html_template="",
                js_on_load=f"watch('value', () => {hook('receive(props.value)')})",
                visible="hidden",
            )
            with gr.Row(elem_id="header"):
                gr.HTML(HEADER, min_width=0)
                in_page = (
                    ("Light mode", "light", "switchLight"),
                    ("Lessons", "lessons", "openLessons"),
                    ("Open file", "open", "choose"),
                )
                for label, name, function in in_page:
                    gr.Button(label, elem_id=name, size="sm", min_width=0).click(
                        None, js=f"async () => {{ (await darkroom).{function}(); }}", api_visibility="private"
                    )
                self.share = gr.Button("Share", elem_id="share", size="sm", min_width=0)
            self.strip = gr.HTML(
                elem_id="history",
                render=False,
                server_functions=[*history_panel.functions(self.history), development.save_development],
                js_on_load=hook("mountHistory(element, server, trigger)"),
            )
            with gr.Tabs(elem_id="tabs"):
                for tab in TABS:
                    with gr.Tab(tab.title, id=tab.title, elem_id=f"tab-{tab.name}"):
                        layout.build(self, tab)
            self.strip.render()
            gr.HTML(STATUS, elem_id="status")
            api.expose(self.history)
            outputs = [part for c in self.tabs.values() for part in (c.model, c.again, c.in_files, *c.form.inputs)]
            self.blocks.load(
                self.begin,
                [self.owner, gr.Textbox(visible="hidden")],
                [self.owner, self.feed, *outputs],
                js="async (owner) => [owner, (await darkroom).savedForms()]",
                api_visibility="private",
                show_progress="hidden",
            )

    def tab_of(self, model: str) -> Tab:
        """The tab that runs a model."""
        return next(context.tab for context in self.tabs.values() if model in context.form.models)

    @staticmethod
    def tell(message: dict[str, Any], tab: str = "") -> str:
        """A message for the browser, or for one tab's viewer.

        The id makes each one differ from the last, so that none is taken for a repeat.
        """
        return viewer.to_json({**message, "tab": tab, "id": random.getrandbits(40)})

    def begin(self, owner: str, forms: str, request: gr.Request) -> list[Any]:
        """The page opens: who is it, what was in their forms, and does the link carry settings?"""
        if request:  # the page is up
            live.warm_up(delay=0.4)
        owner = owner or uuid.uuid4().hex
        link = dict(request.query_params).get("s") if request else None
        tabs = [
            {
                "name": t.name,
                "title": t.title,
                "accepts": t.accepts,
                "handOver": t.hand_over,
                "takesWords": t.takes_words,
            }
            for t in TABS
        ]
        message: dict[str, Any] = {
            "hello": {"memory": live.memory(), "tabs": tabs, "owner": owner, "lessons": LESSONS}
        }
        tab, values = "", []
        if link:
            try:
                model, settings = metadata.from_link(link)
                tab = self.tab_of(model).name
                model, again, *controls = self.tabs[tab].fill(model, settings)
                values = [model, again, gr.skip(), *controls]
                message["say"] = "The settings of the link: Generate makes the same."
                message["input"] = self.editor_values(settings)
            except metadata.MetadataError as error:
                message["error"] = str(error)
        drafts = read_drafts(forms)
        filled = [
            part
            for name, context in self.tabs.items()
            for part in (values if name == tab else self.draft(context, drafts.get(name)))
        ]
        return [owner, self.tell(message, tab), *filled]

    def draft(self, context: TabContext, saved: Any) -> list[Any]:
        """What a tab's form held before a reload, as far as it still fits: model, both boxes, controls."""
        form, saved = context.form, saved if isinstance(saved, dict) else {}
        model = saved.get("model") if saved.get("model") in form.models else next(iter(form.models))
        boxes = [saved[name] if isinstance(saved.get(name), bool) else gr.skip() for name in ("again", "in_files")]
        return [model if saved else gr.skip(), *boxes, *form.updates(form.fitting(model, saved))]

    def restore(self, context: TabContext, path: str | None) -> list[Any]:
        """A dropped file's settings into the form, or what it holds into the tab's editor or viewer."""
        tab, form = context.tab, context.form
        if path is None:
            return [gr.skip(), *context.unchanged]
        if path.lower().endswith(GAUSSIAN_FILES + UNREAD_GAUSSIAN_FILES):  # large, and without settings
            return [self.tell(self.loader(tab, path)(path), tab.name), *context.unchanged]
        try:
            model, settings = metadata.from_file(path)
            if model not in form.models:
                raise metadata.MetadataError(
                    f"This was made by {get_spec(model).title}; "
                    f"open the tab {self.tab_of(model).title} and drop it there."
                )
        except metadata.MetadataError as error:
            return self.load(context, path, error)
        varied = variations.read_fields(path)
        same = "Settings restored, and drawn again." if varied else "Settings restored: Generate makes the same."
        message = {
            "say": metadata.describe_differences(path, model) or same,
            "input": self.editor_values(settings),
            "varied": varied,
        }
        return [self.tell(message, tab.name), *context.fill(model, settings)]

    def load(self, context: TabContext, path: str, error: metadata.MetadataError) -> list[Any]:
        """A file whose settings cannot be had: what it shows goes into the editor, what another program wrote into it
        into the form; settings of ours that are refused are said to be."""
        tab, form = context.tab, context.form
        load = self.loader(tab, path)
        message = load(path) if load else {}
        without = isinstance(error, metadata.NoSettingsError)
        found = foreign.read_settings(path) if without else {}
        values = {}
        for model in form.models.values():
            values |= foreign.fit(found, model)
        if values:
            names = ", ".join(name.replace("_", " ") for name in values)
            message |= {"say": f"Taken from another program's picture: {names}."}
        elif not without or not message:
            message |= {"error": str(error)}
        again = False if "seed" in values else gr.skip()
        return [self.tell(message, tab.name), gr.skip(), again, *form.updates(values)]

    def loader(self, tab: Tab, path: str) -> Callable[[str], dict[str, Any]] | None:
        """What makes a message of a file without settings, by its ending and by what the tab's editor takes."""
        if path.lower().endswith(UNREAD_GAUSSIAN_FILES):
            return self.load_gaussians
        if path.lower().endswith(GAUSSIAN_FILES):
            home = next(other.title for other in TABS if other.files == "gaussians")
            text = f"This is a file of splats or a mesh: open the tab {home} and drop it there."
            return self.load_gaussians if tab.files == "gaussians" else lambda _: {"error": text}
        loads = {"audio": self.load_audio, "image": self.load_image, "points": self.load_points}
        return loads.get(tab.accepts)

    @staticmethod
    def load_image(picture: Any) -> dict[str, Any]:
        """A message that puts a picture on the canvas, or says why not."""
        try:
            message = {"input": {"image": pictures.image_url(picture)}}
            filmed = isinstance(picture, str) and metadata.film(picture) is not None
            return {**message, "say": "This is a film: its first frame was taken."} if filmed else message
        except ValueError as error:
            return {"error": sentence(error)}

    @staticmethod
    def load_audio(path: str) -> dict[str, Any]:
        """A message that takes a sound to work on, or says why not."""
        try:
            samples, note = sounds.mix_down(sounds.load_channels(path))
            sound = sounds.audio_url(samples)
        except ValueError as error:
            return {"error": sentence(error)}
        say = f"The sound is taken as mono at 16 kHz, its first 30 seconds. {note}".strip()
        return {"input": {"sound": sound}, "say": say}

    @staticmethod
    def load_points(path: str) -> dict[str, Any]:
        """A message that takes a CSV of points, or says why not."""
        try:
            return {"input": {"points": points.to_text(points.load_points(path))}}
        except ValueError as error:
            return {"error": sentence(error)}

    @staticmethod
    def load_gaussians(path: str) -> dict[str, Any]:
        """A message that shows a file of splats, or a mesh, to be turned; or says why not."""
        from pipelines.models.gaussian_splatting import files as scenes

        try:
            splats, missing = scenes.read_gaussians(path)
        except scenes.SceneError as error:
            return {"error": str(error)}
        note = f"{len(splats):,} splats of a file; drag to turn them"
        message = {"still": {"view": scenes.view(splats), "note": note}}
        return message | {"say": missing} if missing else message

    @staticmethod
    def editor_values(settings: Settings) -> dict[str, Any]:
        """What settings hold for the input editor."""
        return {name: getattr(settings, name) for name in editor_fields(type(settings))}

    def recall(self, context: TabContext, owner: str, event: gr.EventData) -> list[Any]:
        """A result of the history back into the viewer, and its settings into the form; or its picture into the editor
        of a tab that did not make it."""
        tab, form = context.tab, context.form
        if event._data["tab"] != tab.name:
            return [gr.skip(), *context.unchanged]
        entry = None
        try:
            entry = self.history.find(owner, int(event._data["id"]))
            if entry is None:
                raise metadata.MetadataError("This picture is no longer in the history.")
            if event._data.get("use") and tab.accepts == "image":
                return [
                    self.tell(self.load_image(Image.open(io.BytesIO(entry.png))), tab.name),
                    *context.unchanged,
                ]
            model, settings = metadata.checked(entry.model, entry.settings)
            if model not in form.models:
                raise metadata.MetadataError(
                    f"This was made by {get_spec(model).title}; open the tab {self.tab_of(model).title} first."
                )
        except metadata.MetadataError as error:  # what it shows is there all the same
            alone = viewer.picture_alone(entry.png, entry.model, entry.settings) if entry else {}
            shown = {"restored": {"id": entry.id, **alone}} if entry else {}
            return [self.tell({**shown, "error": str(error)}, tab.name), *context.unchanged]
        except (sqlite3.Error, OSError) as error:
            return [self.tell({"error": explain(error)}), *context.unchanged]
        message = {
            "input": self.editor_values(settings),
            "restored": {"id": entry.id, **viewer.restore(entry.png, model, settings)},
        }
        return [self.tell(message, tab.name), *context.fill(model, settings)]

    def link(self, model: str, form: Form, values: tuple[Any, ...], here: dict[str, Any]) -> str:
        """A link that restores the whole form, where the editor gives nothing to it that is too large for one."""
        if here["input"]:
            return self.tell(
                {"error": "A link cannot carry a picture: download the PNG instead, it holds everything."}
            )
        try:
            return self.tell(
                {"link": metadata.to_link(model, form.settings(model, values, here["given"]).model_dump())}
            )
        except metadata.MetadataError as error:
            return self.tell({"error": str(error)})
        except ValueError:
            return self.tell({"error": "These settings are not valid yet: correct them, then share."})


def read_drafts(text: Any) -> dict[str, Any]:
    """The forms that the browser kept, by tab; {} where that cannot be read."""
    try:
        found = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
