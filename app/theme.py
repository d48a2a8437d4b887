"""The look: a darkroom's palette, one type scale, one spacing scale; a light theme as careful.

CSS and JS lie in static/.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.guard import Guard

STATIC = Path(__file__).parent / "static"


def theme() -> gr.themes.Base:
    """Gradio's variables bound to the palette of darkroom.css, which has a dark and a light set of values."""
    names = {
        "body_background_fill": "var(--ink-0)", "body_text_color": "var(--text)",
        "body_text_color_subdued": "var(--mute)",
        "background_fill_primary": "var(--ink-1)", "background_fill_secondary": "var(--ink-2)",
        "block_background_fill": "transparent", "block_border_width": "0px",
        "block_label_background_fill": "transparent",
        "block_label_text_color": "var(--mute)", "block_title_text_color": "var(--mute)",
        "block_info_text_color": "var(--mute)",
        "border_color_primary": "var(--line)", "border_color_accent": "var(--safelight)",
        "color_accent_soft": "var(--ink-3)",
        "input_background_fill": "var(--ink-2)", "input_background_fill_focus": "var(--ink-2)",
        "input_border_color": "var(--edge-line)",
        "input_border_color_focus": "var(--safelight)", "input_placeholder_color": "var(--mute)",
        "button_primary_background_fill": "var(--safelight)",
        "button_primary_background_fill_hover": "var(--safelight-hot)",
        "button_primary_text_color": "var(--on-safelight)", "button_secondary_background_fill": "transparent",
        "button_secondary_background_fill_hover": "var(--ink-3)", "button_secondary_text_color": "var(--text)",
        "button_secondary_border_color": "var(--line)", "slider_color": "var(--safelight)",
        "checkbox_background_color": "var(--ink-2)", "checkbox_background_color_selected": "var(--safelight)",
        "checkbox_border_color": "var(--edge-line)", "checkbox_label_background_fill": "transparent",
        "checkbox_label_text_color": "var(--text)", "table_even_background_fill": "transparent",
    }  # fmt: skip
    both = {
        key + suffix: value for key, value in names.items() for suffix in ("", "_dark") if key != "block_border_width"
    }
    font = ["Inter", "Helvetica Neue", "Arial", "sans-serif"]
    base = gr.themes.Base(
        primary_hue="red",
        neutral_hue="stone",
        radius_size="md",
        text_size="sm",
        spacing_size="sm",
        font=font,
        font_mono=["ui-monospace", "monospace"],
    )
    return base.set(
        block_border_width="0px",
        **{k: v for k, v in both.items() if k in inspect.signature(gr.themes.Base.set).parameters},
    )


class Modules(StaticFiles):
    """The page's own files. A browser asks each time whether they changed: modules of two versions never meet."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


LAUNCH: dict[str, Any] = {
    "theme": theme(),
    "css_paths": [STATIC / "darkroom.css"],
    # a promise of the page's module, relative to the page, so that it is found behind a proxy, too
    "head": '<script>window.darkroom = import(new URL("page/core/main.js", document.baseURI));</script>',
    "app_kwargs": {"routes": [Mount("/page", Modules(directory=STATIC))], "middleware": [Middleware(Guard)]},
    "footer_links": [],
    "ssr_mode": False,  # a second server in node, which costs seconds at the start
    "run_history": False,
    "max_file_size": "250mb",  # a million splats of degree 3; pictures and sounds have limits of their own
    "show_error": True,
    "enable_monitoring": False,
}
