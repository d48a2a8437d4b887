"""A tab whose models need nothing but their settings: words, or numbers, become a result.

It is laid out from the specs alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from app import desk, tabs, viewer
from pipelines.core.settings import is_advanced

if TYPE_CHECKING:
    from app.desktop import Desktop

SAMPLING = ("sampler", "seed", "steps", "guidance", "count")


def build(desktop: Desktop, tab: str) -> None:
    """Lay out the tab and wire it."""
    own = [name for spec in tabs.in_tab(tab) for name in spec.fields]
    form = tabs.form_of(tab, [name for name in ("prompt", "negative_prompt", "sampler", "seed") if tabs.has(tab, name)])
    c = form.controls
    shared = [name for name in ("sampler", "steps", "guidance", "count") if name in c]
    more = [name for name in c if name not in ("prompt", "negative_prompt", "seed", *shared, *own)]
    more = [name for name in more if is_advanced(form.models, name)]
    plain = [name for name in c if name not in ("prompt", "negative_prompt", "seed", *shared, *more)]

    with gr.Row(elem_id=f"{tab}-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            specs, model, hint = tabs.choose_model(tab)
            if "prompt" in c:
                c["prompt"].render()
                if specs[0].examples:
                    tabs.examples(specs[0], c["prompt"])
            for name in ("negative_prompt", *plain):
                if name in c:
                    c[name].render()
            again = desk.sampling(tab, c)
            with gr.Accordion("More", open=False, elem_id=f"{tab}-more"):
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(
                    True,
                    label="Settings in files",
                    info="A saved file carries what made it.",
                    elem_id=f"{tab}-in-files",
                )
            dropped = gr.File(elem_id=f"{tab}-drop", visible="hidden")  # whatever is dropped on the page arrives here
            generate, stop = desk.act(tab)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(tab))
            queue = gr.HTML("", elem_id=f"{tab}-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(tab) + desk.model_card(tabs.weights_of(tab)))

    if len(specs) > 1:

        def choose(name: str) -> list[Any]:
            spec = next(spec for spec in specs if spec.name == name)
            has = [gr.update(visible=field in spec.settings.model_fields) for field in c]
            return [tabs.hint(spec), *has]

        model.change(choose, model, [hint, *c.values()], queue=False, **desk.PRIVATE)
    desk.wire(desktop, tab, form, model, again, in_files, dropped, generate, stop, queue)
