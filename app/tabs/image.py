"""The Image tab: words become a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from app import desk, viewer
from app.forms import Form
from pipelines.core.registry import get_spec

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
    "police": "police officer, dark skin tone",
    "firefighter": "woman firefighter",
}


def build(desktop: Desktop) -> None:
    """Lay out the tab and wire it."""
    entry = get_spec(MODEL)
    form = Form.build({MODEL: entry.settings}, TAB, FIRST)
    c = form.controls
    more = [name for name, field in entry.settings.model_fields.items() if (field.json_schema_extra or {}).get("more")]

    with gr.Row(elem_id="image-desk", elem_classes="desk"):
        with gr.Column(elem_classes="settings", min_width=280):
            gr.HTML(f'<div class="model"><b>{entry.title}</b><span>{desk.size(entry.weights)}</span></div>')
            c["prompt"].render()
            gr.Examples(
                [[said] for said in EXAMPLES.values()],
                c["prompt"],
                elem_id="image-examples",
                example_labels=list(EXAMPLES),
                api_visibility="private",
            )
            c["negative_prompt"].render()
            again = desk.sampling(TAB, c)
            with gr.Accordion("More", open=False, elem_id="image-more"):
                for name in more:
                    c[name].render()
                in_files = gr.Checkbox(
                    True, label="Settings in files", info="A saved PNG carries what made it.", elem_id="image-in-files"
                )
            dropped = gr.File(elem_id="image-drop", visible="hidden")  # whatever is dropped on the page arrives here
            generate, stop = desk.act(TAB)
        with gr.Column(elem_classes="view"):
            gr.HTML(viewer.shell(TAB))
            queue = gr.HTML("", elem_id="image-queue", elem_classes="queue")
        with gr.Column(elem_classes="inspect", min_width=280):
            gr.HTML(viewer.inspector(TAB) + desk.model_card(entry.weights))

    desk.wire(desktop, TAB, form, gr.State(MODEL), again, in_files, dropped, generate, stop, queue)
