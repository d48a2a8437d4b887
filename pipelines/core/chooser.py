"""Five questions that end in a kind of model, with the reason, and with what cannot work and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.core.lineage import KINDS
from pipelines.core.registry import CATALOGUE

# what is asked: a title, and the choices by name
QUESTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "what": ("What is modelled?", {
        "picture": "Pictures", "clip": "Clips", "sound": "Sounds", "shape": "Things in space",
        "table": "A few numbers"}),
    "likelihood": ("Is a likelihood needed?", {
        "none": "No", "bound": "A bound will do", "exact": "Exact, in nats"}),
    "budget": ("How long may one take?", {"instant": "50 ms", "second": "A second", "patient": "A minute"}),
    "condition": ("What does it follow?", {
        "nothing": "Nothing", "words": "Words or labels", "picture": "A picture that goes with each",
        "edit": "A picture to change"}),
    "data": ("How much data is there?", {"few": "Under 1,000", "some": "Tens of thousands", "many": "A million"}),
}  # fmt: skip


@dataclass(frozen=True)
class Advice:
    """A kind of model, why it is, which one of the house it is like, and what was refused."""

    kind: str  # of lineage.KINDS; "" where nothing works
    reason: str
    model: str = ""  # in the catalogue
    refused: tuple[tuple[str, str], ...] = ()  # title of a kind, why not


def refusals(what: str, likelihood: str, budget: str, condition: str, data: str) -> dict[str, str]:
    """By kind, why it cannot work; kinds that can are missing."""
    found = {}
    large = what != "table"
    if likelihood != "none":
        found["adversarial"] = "A GAN has no likelihood, not even a bound."
    if likelihood == "exact":
        found["latent"] = "A VAE bounds the likelihood; how loose the bound is, nobody can tell."
    if data == "few" and large:
        found["adversarial"] = found.get(
            "adversarial", "With under 1,000 examples the discriminator knows them by heart."
        )
        found["flow"] = "A flow of so many dimensions cannot be learnt from under 1,000 examples."
    if budget == "instant" and large:
        found["autoregressive"] = "One pass a token: hundreds of passes do not fit into 50 ms."
        found["diffusion"] = (
            "Tens of passes do not fit into 50 ms; a distilled one draws in one or two, without a density."
        )
        if likelihood == "none":
            found["flow"] = (
                "It would fit, but what an invertible network draws is soft: only worth it for its density."
            )
    if budget == "second" and large and likelihood == "exact":
        found["diffusion"] = "Its exact density is an integral of hundreds of passes."
    if condition == "edit":
        found.setdefault("adversarial", "It cannot hold on to what is outside a mask without another training.")
        found.setdefault("flow", "It cannot hold on to what is outside a mask without another training.")
    if what in ("clip", "shape"):
        found.setdefault("flow", "Invertible networks of this many dimensions are not to be had.")
        found.setdefault(
            "latent", "On its own it blurs what moves or turns; it is the first half of a latent diffusion."
        )
    if condition in ("words", "picture", "edit") and likelihood == "none" and budget != "instant":
        found.setdefault("latent", "On its own it draws the mean of what fits: blurred.")
    return found


def choose(what: str, likelihood: str, budget: str, condition: str, data: str) -> Advice:
    """Where the five answers lead. Raises ValueError, one sentence, for an answer that is none."""
    answers = {"what": what, "likelihood": likelihood, "budget": budget, "condition": condition, "data": data}
    for name, answer in answers.items():
        title, choices = QUESTIONS[name]
        if answer not in choices:
            raise ValueError(f"{title} Answer with one of: {', '.join(choices)}.")
    wrong = refusals(**answers)
    refused = tuple((KINDS[kind][0], why) for kind, why in wrong.items())

    left = [kind for kind in ORDER[likelihood, budget] if kind not in wrong]
    if not left:
        return Advice(
            "", "Nothing does all of this: give it more time, or ask for less of a likelihood.", "", refused
        )
    kind = left[0]
    model = example_of(kind, what, condition, data)
    return Advice(kind, reason_for(kind, **answers), model if model in CATALOGUE else "", refused)


# which kind is tried first, by what is asked of the likelihood and how long one may take
_SAMPLES = ("diffusion", "adversarial", "autoregressive", "latent", "flow")
ORDER = {
    ("none", "instant"): ("adversarial", "latent", "autoregressive", "diffusion", "flow"),
    ("none", "second"): _SAMPLES, ("none", "patient"): _SAMPLES,
    ("bound", "instant"): ("latent", "flow", "autoregressive", "diffusion"),
    ("bound", "second"): ("diffusion", "latent", "autoregressive", "flow"),
    ("bound", "patient"): ("diffusion", "latent", "autoregressive", "flow"),
    ("exact", "instant"): ("flow", "autoregressive", "diffusion"),
    ("exact", "second"): ("flow", "autoregressive", "diffusion"),
    ("exact", "patient"): ("autoregressive", "flow", "diffusion"),
}  # fmt: skip


def reason_for(kind: str, what: str, likelihood: str, budget: str, condition: str, data: str) -> str:
    """Why a kind is right for these answers."""
    if kind == "diffusion" and data == "few" and what != "table":
        return "So few examples do not make a model: teach them to one that is there, as a LoRA of a diffusion model."
    return {
        "autoregressive": "It factors the density, so it has the exact likelihood, and takes any condition as more "
        "tokens; you pay with one pass a token.",
        "flow": "One pass to draw and one for the exact density: the only kind that has both.",
        "latent": "One pass, a bound on the likelihood, and a code to walk in; the price is softness.",
        "adversarial": "One pass, and sharp. Watch for missing modes: no number of its own tells.",
        "diffusion": "The best samples for their training, and every condition can come in at every step.",
    }[kind]


def example_of(kind: str, what: str, condition: str, data: str) -> str:
    """The model of the house that is most like it; "" where there is none yet."""
    if what == "table":
        return "plane"
    if kind == "diffusion" and data == "few" and what == "picture":
        return "lora"
    pictures = {
        "diffusion": {"nothing": "latent-diffusion-256", "words": "latent-diffusion-256", "picture": "controlnet",
            "edit": "inpainting"},
        "adversarial": {"picture": "pix2pix", "nothing": "gan", "words": "conditional-gan"},
        "autoregressive": {"nothing": "next-scale", "words": "next-scale"},
        "latent": dict.fromkeys(("nothing", "words"), "vae"),
    }  # fmt: skip
    sounds = {"diffusion": "audio-flow", "autoregressive": "audio-tokens", "latent": "audio-codec"}
    if what == "sound":
        return sounds.get(kind, "")
    if what in ("clip", "shape"):
        shape = "image-to-3d" if condition in ("picture", "edit") else "text-to-3d"
        return ("video" if what == "clip" else shape) if kind == "diffusion" else ""
    return pictures.get(kind, {}).get(condition, "")


def to_page(advice: Advice) -> dict[str, Any]:
    """An advice as the page shows it."""
    spec = CATALOGUE.get(advice.model)
    title = KINDS[advice.kind][0] if advice.kind else "Nothing"
    opens = {"title": spec.title, "tab": spec.tab, "model": spec.name} if spec else None
    return asdict(advice) | {"title": title, "opens": opens}
