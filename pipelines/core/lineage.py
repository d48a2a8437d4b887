"""The family tree of generative models: which paper came from which, what each kind can do, and which of them runs
here.

History is listed below; what runs here comes from the registry's specs, at the year of its paper, so that a new family
appears by itself.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.core.registry import CATALOGUE
from pipelines.core.spec import ModelSpec

# five kinds, by what is learnt: their title, likelihood, passes a sample, and what else tells them apart
KINDS: dict[str, tuple[str, str, str, str]] = {
    "autoregressive": ("Autoregressive", "exact", "one a token", "Sequential; every condition is more tokens before."),
    "flow": ("Normalising flow", "exact", "one", "Invertible: as many dimensions inside as out."),
    "latent": ("Latent variables", "a bound (ELBO)", "one", "Encodes as well as draws; a smooth code to walk in."),
    "adversarial": ("Adversarial", "none", "one", "Sharp and fast; modes may be missing, and nothing tells."),
    "diffusion": ("Diffusion and flow matching", "exact, by an ODE; slow", "one to hundreds",
        "Guidance, masks and controls at any step: the best to edit with."),
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A paper, or a model of this house."""

    name: str
    title: str
    year: int
    kind: str
    parents: tuple[str, ...] = ()
    paper: str = ""
    model: str = ""  # in the catalogue, where it runs here
    tab: str = ""


def _papers(kind: str, *rows: tuple[str, str, int, str, str]) -> list[Node]:
    return [
        Node(name, title, year, kind, tuple(parents.split()), paper) for name, title, year, parents, paper in rows
    ]


HISTORY = [
    *_papers(
        "autoregressive",
        ("made", "MADE", 2015, "", "Germain et al. 2015"),
        ("pixelcnn", "PixelCNN", 2016, "made", "van den Oord et al. 2016"),
        ("wavenet", "WaveNet", 2016, "pixelcnn", "van den Oord et al. 2016"),
        ("vqvae", "VQ-VAE", 2017, "vae-2013 pixelcnn", "van den Oord et al. 2017"),
        ("dalle", "DALL·E", 2021, "vqvae", "Ramesh et al. 2021"),
        ("audiolm", "AudioLM", 2022, "wavenet vqvae", "Borsos et al. 2022"),
        ("var", "VAR", 2024, "vqvae", "Tian et al. 2024"),
    ),
    *_papers(
        "flow",
        ("nice", "NICE", 2014, "", "Dinh et al. 2014"),
        ("realnvp", "RealNVP", 2016, "nice", "Dinh et al. 2016"),
        ("glow", "Glow", 2018, "realnvp", "Kingma and Dhariwal 2018"),
        ("nsf", "Spline flows", 2019, "realnvp", "Durkan et al. 2019"),
        ("tarflow", "TarFlow", 2024, "glow", "Zhai et al. 2024"),
    ),
    *_papers(
        "latent",
        ("vae-2013", "VAE", 2013, "", "Kingma and Welling 2013"),
        ("betavae", "β-VAE", 2017, "vae-2013", "Higgins et al. 2017"),
        ("nvae", "NVAE", 2020, "vae-2013", "Vahdat and Kautz 2020"),
    ),
    *_papers(
        "adversarial",
        ("gan-2014", "GAN", 2014, "", "Goodfellow et al. 2014"),
        ("cgan", "Conditional GAN", 2014, "gan-2014", "Mirza and Osindero 2014"),
        ("dcgan", "DCGAN", 2015, "gan-2014", "Radford et al. 2015"),
        ("wgan", "WGAN", 2017, "dcgan", "Arjovsky et al. 2017"),
        ("stylegan-2018", "StyleGAN", 2018, "wgan", "Karras et al. 2018"),
        ("stylegan2", "StyleGAN2", 2019, "stylegan-2018", "Karras et al. 2019"),
        ("r3gan", "R3GAN", 2024, "stylegan2", "Huang et al. 2024"),
    ),
    *_papers(
        "diffusion",
        ("thermo", "Diffusion", 2015, "", "Sohl-Dickstein et al. 2015"),
        ("ncsn", "Score matching", 2019, "thermo", "Song and Ermon 2019"),
        ("ddpm-2020", "DDPM", 2020, "thermo ncsn", "Ho et al. 2020"),
        ("ddim", "DDIM", 2020, "ddpm-2020", "Song et al. 2020"),
        ("guidance", "Guidance", 2021, "ddpm-2020", "Dhariwal and Nichol 2021; Ho and Salimans 2021"),
        ("ldm", "Latent diffusion", 2021, "ddpm-2020 vqvae", "Rombach et al. 2021"),
        ("dit", "DiT", 2022, "ldm", "Peebles and Xie 2022"),
        ("flowmatching", "Flow matching", 2022, "ddpm-2020 nice", "Lipman et al. 2022"),
        ("rectified", "Rectified flow", 2022, "flowmatching", "Liu et al. 2022"),
        ("consistency", "Consistency", 2023, "ddpm-2020", "Song et al. 2023"),
        ("sd3", "MMDiT", 2024, "dit rectified", "Esser et al. 2024"),
        ("meanflow", "MeanFlow", 2025, "rectified consistency", "Geng et al. 2025"),
    ),
]


def year_of(spec: ModelSpec) -> int:
    """The first year that its paper names; 2026 where it names none."""
    return int(found[0]) if (found := re.findall(r"\b(?:19|20)\d\d\b", spec.paper)) else 2026


def nodes() -> list[Node]:
    """All of them, by year."""
    here = [
        Node(s.name, s.label or s.title, year_of(s), s.kind, s.parents, s.paper, s.name, s.tab)
        for s in CATALOGUE.values()
        if s.kind in KINDS
    ]
    return sorted([*HISTORY, *here], key=lambda node: node.year)


def to_page() -> dict[str, Any]:
    """The tree as the page draws it."""
    titles = {
        name: dict(zip(("title", "likelihood", "passes", "word"), row, strict=True)) for name, row in KINDS.items()
    }
    return {"kinds": titles, "nodes": [asdict(node) for node in nodes()]}
