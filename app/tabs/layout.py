"""One layout for every tab, from the specs of its models: settings left, stage in the middle, inspector right."""

from __future__ import annotations

import contextlib
import html
import json
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from app import desk, variations, viewer
from app.forms import Form, shows, title
from app.inputs import SERVED
from app.pages import PAGES
from app.tabs import Tab
from pipelines.core.cards import BUNDLED, WeightsError, card
from pipelines.core.registry import get_spec, in_tab
from pipelines.core.settings import is_advanced
from pipelines.core.spec import EXAMPLES, ModelSpec
from pipelines.media import images

if TYPE_CHECKING:
    from app.desktop import Desktop

WORDS = ("prompt", "negative_prompt")
SAMPLING = ("sampler", "seed", "steps", "guidance", "count")
DRAFTS = {"sketch": "As I draw", "mask": "As I paint"}  # by editor
STARTERS = EXAMPLES.parent / "starters"


def build(desktop: Desktop, tab: Tab) -> None:
    """Lay out a tab and wire it."""
    specs, name = in_tab(tab.name), tab.name
    if not specs:
        with gr.Row(elem_id=f"{name}-desk", elem_classes=["desk", "without-stage"]):
            show_pages(tab)
        return
    form = Form.build({spec.name: spec.settings for spec in specs}, name)
    c = form.controls
    groups = {title: fields for spec in specs for title, fields in spec.groups.items()}
    own = dict.fromkeys(f for spec in specs for f in spec.fields if f not in (*WORDS, *SAMPLING))
    placed = {*WORDS, *SAMPLING, *own, *(field for fields in groups.values() for field in fields)}
    rest = [field for field in c if field not in placed]
    more = [field for field in rest if is_advanced(form.models, field)]

    def render(*fields: str) -> None:
        for field in fields:
            if field in c:
                c[field].render()

    if "prompt" in c:
        c["prompt"].visible = True  # it is hidden with all that belongs to it
        tried = (
            p for s in specs for p in (*s.examples.values(), *(one.get("prompt") for one in s.starters.values()))
        )
        first = next(filter(None, tried), "")
        c["prompt"].placeholder = f"such as: {first}" if first else None
    stage = tab.stage()
    kinds = ["desk", f"kind-{stage['kind']}", f"place-{stage['place']}", "" if "prompt" in c else "wordless"]
    with gr.Row(elem_id=f"{name}-desk", elem_classes=[kind for kind in kinds if kind]):
        with gr.Column(elem_classes="settings", min_width=280):
            model, hint = choose_model(tab, specs)
            with gr.Column(elem_classes="composer"):
                with gr.Column(visible="prompt" in specs[0].settings.model_fields) as words:
                    render("prompt")
                    with gr.Column() as chips:
                        if "prompt" in c and specs[0].examples:
                            examples(specs[0], c["prompt"])
                with gr.Row(elem_classes="act"):
                    generate = gr.Button(tab.action, variant="primary", elem_id=f"{name}-generate")
                    stop = gr.Button(tab.stop, elem_id=f"{name}-stop", interactive=False)
                if any(spec.draft for spec in specs):
                    info = "Drafts at every change; Generate develops the one that you like."
                    drafts = gr.Checkbox(
                        label=DRAFTS.get(tab.editor, "As I type"), info=info, elem_id=f"{name}-drafts"
                    )
                    drafts.change(None, None, None, js=desk.call(f"redraw('{name}')"))
            if stage["place"] == "form":
                editor(tab)
            render(*own, *(field for field in rest if field not in more), "negative_prompt")
            with gr.Row(elem_classes="pair"):
                render("sampler")
                with gr.Column(min_width=100):
                    render("seed")
                    again = gr.Checkbox(tab.again, label="New seed each time", elem_id=f"{name}-again")
            render("steps", "guidance", "count")
            accordions = []
            for title, fields in groups.items():
                here = any(shows(specs[0].settings, field) for field in fields)
                with gr.Accordion(title, open=False, visible=here, elem_id=f"{name}-{fields[0]}-group") as group:
                    render(*fields)
                accordions.append(group)
            with gr.Accordion("More", open=False, elem_id=f"{name}-more"):
                render(*more)
                in_files = gr.Checkbox(
                    True,
                    label="Settings in files",
                    info="A saved file carries what made it.",
                    elem_id=f"{name}-in-files",
                )
            many = "multiple" if tab.editor == "pictures" else "single"
            dropped = gr.File(
                elem_id=f"{name}-drop", visible="hidden", file_count=many
            )  # whatever is dropped comes here
        with gr.Column(elem_classes="view"):
            if tab.pages:
                show_pages(tab)
            tray = gr.HTML(
                element("data-stage", stage | example(tab) | {"starters": starters(specs), "varies": varied(specs)}),
                js_on_load=desk.hook("mountStage(element, trigger)"),
            )
            queue = gr.HTML("", elem_id=f"{name}-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(inspector(specs), js_on_load=desk.hook("mountInspector(element)"))

    context = desk.TabContext(tab, form, model, again, in_files, dropped, generate, stop, queue)
    if len(specs) > 1:
        shown = [hint, chips, words, *(control for field, control in c.items() if field != "prompt"), *accordions]

        def choose(chosen: str) -> list[Any]:
            spec = next(spec for spec in specs if spec.name == chosen)
            visible = [
                gr.update(visible=shows(spec.settings, f)) for f in ("prompt", *(f for f in c if f != "prompt"))
            ]
            opened = [gr.update(visible=any(shows(spec.settings, f) for f in fields)) for fields in groups.values()]
            return [describe(spec), gr.update(visible=spec is specs[0]), *visible, *opened]

        model.change(choose, model, shown, queue=False, **desk.PRIVATE)
        model.input(form.follow, [model, *form.inputs], form.inputs, queue=False, **desk.PRIVATE)
    desk.wire(desktop, context)

    def fill(event: gr.EventData) -> list[Any]:
        """A starter's settings into the form, or values that the page wants there, such as those of a variation."""
        chosen = event._data["model"]
        if "starter" in event._data:
            spec = get_spec(chosen)
            settings = spec.settings(**spec.starters[event._data["starter"]])
            message = {"input": desktop.editor_values(settings)}
            return [desktop.tell(message, name), *context.fill(chosen, settings)]
        return [gr.skip(), chosen, False, *form.updates(form.fitting(chosen, event._data["values"]))]

    # the page says whether it then runs
    tray.click(fill, None, [desktop.feed, *context.filled], **desk.PRIVATE).then(
        None, None, None, js=desk.call(f"stage('{name}').form.filled()")
    )
    if varied(specs):
        variations.wire(desktop, context)
    if tab.editor in SERVED:
        SERVED[tab.editor](desktop, context)


def choose_model(tab: Tab, specs: list[ModelSpec]) -> tuple[gr.components.Component, gr.HTML]:
    """The control that holds the name of the model to run, and a line that says what that one does."""
    if len(specs) == 1:
        gr.HTML(f'<div class="model"><b>{specs[0].title}</b><span>{desk.size(specs[0].weights)}</span></div>')
        return gr.State(specs[0].name), gr.HTML("", visible=False)
    choices = [(spec.label or spec.title, spec.name) for spec in specs]
    model = gr.Radio(choices, value=specs[0].name, label="Mode", elem_id=f"{tab.name}-model")
    return model, gr.HTML(describe(specs[0]), elem_classes="hint")


def describe(spec: ModelSpec) -> str:
    """What a model does, in a line."""
    return f"<small>{spec.help}</small>"


def examples(spec: ModelSpec, prompt: gr.components.Component) -> None:
    """Chips that fill in a prompt."""
    gr.Examples(
        [[text] for text in spec.examples.values()],
        prompt,
        elem_id=f"{spec.tab}-examples",
        example_labels=list(spec.examples),
        api_visibility="private",
    )


def element(attribute: str, value: dict[str, Any]) -> str:
    """An element that the browser fills, with what it needs as JSON."""
    return f'<div {attribute}="{html.escape(json.dumps(value, ensure_ascii=False))}"></div>'


def editor(tab: Tab) -> None:
    """The input editor's place in the form."""
    slots = html.escape(json.dumps(tab.slots))
    gr.HTML(
        f'<div data-editor="{tab.editor}" data-label="{tab.label}" data-slots="{slots}"></div>',
        elem_id=f"{tab.name}-input",
        elem_classes="editor",
        js_on_load=desk.hook("mountEditor(element)"),
    )


def show_pages(tab: Tab) -> None:
    """What can be shown in the stage's place, and the switch between them."""
    pages = {name: PAGES[name] for name in tab.pages}
    data = {name: {"title": page.title, "data": page.data()} for name, page in pages.items()}
    gr.HTML(
        element("data-pages", {"home": tab.home, "pages": data}),
        server_functions=[ask for page in pages.values() for ask in page.asks],
        js_on_load=desk.hook("mountPages(element, server, upload)"),
    )


def example(tab: Tab) -> dict[str, str]:
    """The picture that an editor begins with."""
    return {"example": images.to_url(Image.open(EXAMPLES / tab.example))} if tab.example else {}


def starters(specs: list[ModelSpec]) -> list[list[str]]:
    """Caption, picture and model of each finished one that `python -m bench starters` has made."""
    found = [
        (label, STARTERS / f"{spec.name}-{k}.jpg", spec.name)
        for spec in specs
        for k, label in enumerate(spec.starters)
    ]
    return [
        [label, viewer.data_url(path.read_bytes(), "image/jpeg"), name]
        for label, path, name in found
        if path.exists()
    ]


def varied(specs: list[ModelSpec]) -> dict[str, list[list[str]]]:
    """By model, the fields that can be varied one at a time, and what each is called."""
    found = {
        s.name: [[name, title(name)] for name in variations.FIELDS if shows(s.settings, name)]
        for s in specs
        if s.result == "image" and "guidance" in s.settings.model_fields  # a sampler's: done in a moment
    }
    return {name: fields for name, fields in found.items() if fields}


def inspector(specs: list[ModelSpec]) -> str:
    """The cards that the browser fills, how its models learnt, and what their cards say."""
    bundles: dict[str, list[str]] = {}
    for spec in specs:
        for name in spec.all_weights:
            bundles.setdefault(name, []).append(spec.name)
    about = "".join(
        f'<div class="card" data-models="{s.name}"><h4>What happens</h4><small>{s.about}</small></div>'
        for s in specs
        if s.about
    )
    replays = "".join(replay(name, models) for name, models in bundles.items())
    return '<div class="cards"></div>' + about + replays + desk.model_card(tuple(bundles))


def replay(bundle: str, models: list[str]) -> str:
    """How the training of these models' weights went: what it drew meanwhile, to scrub through. "" where none was
    recorded."""
    strip, record = BUNDLED.parent / "replay" / f"{bundle}.jpg", {}
    with contextlib.suppress(WeightsError):
        record = card(bundle).get("replay", {})
    if not record or not strip.exists():
        return ""
    gr.set_static_paths([strip.parent])
    last = len(record["step"]) - 1
    style = f"--strip: url('gradio_api/file={strip}'); --tall: {100 * (last + 2)}%"
    return f"""<div class="card replay" style="{style}" data-models="{" ".join(models)}"
        data-record="{html.escape(json.dumps(record))}">
      <h4>The training of {bundle}, replayed</h4><div></div><div class="drawn"></div>
      <input type="range" min="0" max="{last}" value="{last}" aria-label="Stage of the training">
      <small></small></div>"""
