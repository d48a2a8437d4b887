"""As I type: from a keystroke to the new picture in the browser, and how alike a draft and what is developed
of it are.

python -m bench drafts            # in a Chromium, n = 50 keystrokes, the model warm
python -m bench drafts.likeness   # in the eye's features, n = 60 everyday sentences, seeds 0, 1, 2, …
"""

from __future__ import annotations

import numpy as np

from app.desk import as_draft
from bench.everyday import SENTENCES
from bench.served import open_tab, serve_desktop
from pipelines import load
from pipelines.core.registry import get_spec
from pipelines.evaluation.metrics import ClipFeatures
from pipelines.media.images import resized

MODEL, KEYSTROKES = "latent-diffusion-256", 50
TYPED = """async (text) => {
  const box = document.querySelector("#image-prompt textarea"), now = document.getElementById("image-now");
  const before = now.src, begun = performance.now();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  while (now.src === before && performance.now() - begun < 3000) await new Promise((done) => setTimeout(done, 1));
  await now.decode();
  return performance.now() - begun;
}"""


def measure() -> dict[str, object]:
    """Milliseconds from the keystroke to the decoded picture: median and p95."""
    words = "a small red house with a tree beside it, by the sea, at sunset, in the snow, and a black dog"
    prefixes = [words[:k] for k in range(2, len(words)) if words[k - 1] != " "]  # a blank changes no picture
    with serve_desktop() as (browser, url):
        page = open_tab(browser, url, "Image")
        page.get_by_label("As I type").check()
        page.fill("#image-prompt textarea", "warm")
        page.wait_for_selector("#image-now:not([hidden])", timeout=120_000)
        page.wait_for_timeout(2000)
        times = []
        for text in prefixes[:KEYSTROKES]:
            times.append(page.evaluate(TYPED, text))
            page.wait_for_timeout(200)
    times.sort()
    median, late = times[KEYSTROKES // 2], times[int(0.95 * KEYSTROKES)]
    return {f"keystroke to picture, ms: median, p95 (bar 120); n = {KEYSTROKES}": [round(median), round(late)]}


def likeness(n: int = 60) -> dict[str, object]:
    """Cosine of the eye's features of a draft and of what Generate develops with the same words and seed: median."""
    pairs = []
    for k in range(n):
        whole = get_spec(MODEL).settings(prompt=SENTENCES[k % len(SENTENCES)], seed=k)
        runs = (as_draft(MODEL, whole), (MODEL, whole))
        pairs.append([resized(last_picture(load(model), settings.model_dump()), 128) for model, settings in runs])
    one, two = (ClipFeatures().features(np.stack(side)) for side in zip(*pairs, strict=True))
    return {f"cosine, median (bar 0.9); n = {n}": round((one * two).sum(1).median().item(), 3)}


def last_picture(pipe: object, settings: dict) -> np.ndarray:
    """What a run ends with."""
    *_, frame = pipe.generate(**settings)
    return frame.result.pixels
