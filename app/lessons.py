"""Two-minute lessons: each sets the form, runs, points at one thing, and ends with something to try.

A step is what is said, and what is done with it: `fill` sets fields of the form, `starter` takes one of the tab's,
`run` presses Generate, `vary` varies one field, `point` names what is outlined: the end of an element's id.
"""

from __future__ import annotations

from typing import Any

PERSON = {
    "prompt": "a woman with curly red hair and round glasses, smiling",
    "seed": 3, "guidance": 4, "steps": 20, "count": 1,
}  # fmt: skip

LESSONS: list[dict[str, Any]] = [
    {
        "title": "What is a seed?",
        "tab": "image",
        "steps": [
            {
                "say": "A picture begins as noise, and the seed says which. This is seed 3.",
                "fill": PERSON,
                "run": True,
                "point": "seed",
            },
            {
                "say": "The same seed again gives the same picture, bit for bit: so others can repeat what you made.",
                "run": True,
                "point": "again",
            },
            {"say": "Five seeds, the same words: other noise becomes another person.", "vary": "seed"},
            {"say": "Now you: change one word, and keep the seed. What stays?", "point": "prompt"},
        ],
    },
    {
        "title": "Too much guidance",
        "tab": "image",
        "steps": [
            {
                "say": "Guidance says how strongly the words pull. Here is 4.",
                "fill": PERSON,
                "run": True,
                "point": "guidance",
            },
            {
                "say": "Less follows the words less; more makes colours harsh and edges hard.",
                "vary": "guidance",
            },
            {"say": "Now you: click the one that you like best; the form takes its value.", "point": "guidance"},
        ],
    },
    {
        "title": "Five samplers, one picture",
        "tab": "image",
        "steps": [
            {
                "say": "A sampler is a way down the same slope from noise to picture. These weights serve all five.",
                "fill": PERSON | {"steps": 8},
                "vary": "sampler",
                "point": "sampler",
            },
            {
                "say": "With 8 steps they differ: DPM-Solver++ and Heun look ahead, Euler does not, and DDPM adds noise "
                "of its own at every step.",
                "point": "sampler",
            },
            {"say": "Now you: set 60 steps and vary the sampler again. Which ones agree now?", "point": "steps"},
        ],
    },
    {
        "title": "Where a word shows",
        "tab": "image",
        "steps": [
            {
                "say": "While it develops, every place of the picture looks at every word. On the right each word has a "
                "small map: red is where it is looked at.",
                "fill": PERSON,
                "run": True,
                "point": "words",
            },
            {"say": "Go through the steps below the picture: the maps sharpen as it does.", "point": "scrub"},
            {
                "say": "Now you: take “glasses” out of the prompt and keep the seed. What else changed?",
                "point": "prompt",
            },
        ],
    },
    {
        "title": "Why frames are drawn together",
        "tab": "video",
        "steps": [
            {
                "say": "A clip is many pictures. Drawn each for itself they flicker; drawn together, every frame looks "
                "at the others. All three ways, from one seed:",
                "fill": {"prompt": "beating heart", "seed": 0, "compare": True, "frames": 8, "steps": 10},
                "run": True,
                "point": "generate",
            },
            {
                "say": "The card on the right shows how much each frame differs from the one before it: calm when they "
                "are drawn together.",
            },
            {"say": "Now you: take “compare” back and let it run with 16 frames.", "point": "frames"},
        ],
    },
    {
        "title": "When a ControlNet takes hold",
        "tab": "sketch",
        "steps": [
            {
                "say": "Words say what, a drawing says where. The ControlNet adds the drawing to every step.",
                "starter": "a face",
                "run": True,
                "point": "control_weight",
            },
            {
                "say": "The weight says how strongly: 0 is the model alone.",
                "vary": "control_weight",
            },
            {"say": "Now you: draw a line of your own over the face, and run again.", "point": "canvas"},
        ],
    },
    {
        "title": "A code that is ignored",
        "tab": "atlas",
        "steps": [
            {
                "say": "Six families learn eight clusters, one training step each at a time. Look at the VAE.",
                "fill": {"distribution": "ring", "beta": 1, "rounds": 400, "seed": 0},
                "run": True,
                "point": "distribution",
            },
            {
                "say": "Now a beta of 30: codes cost so much that the encoder says nothing, and the decoder draws "
                "the mean. That is posterior collapse.",
                "fill": {"beta": 30},
                "run": True,
                "point": "beta-group",
            },
            {
                "say": "Now you: press Reset and Play, and while it learns make the discriminator's rate 2. What "
                "becomes of the GAN?",
                "point": "generator_rate-group",
            },
        ],
    },
    {
        "title": "Why noise is no code",
        "tab": "latent",
        "steps": [
            {
                "say": "An autoencoder packs a face into 64 numbers and unpacks them. These numbers never were a "
                "face: they are noise of the same size.",
                "starter": "Noise as code",
                "point": "now",
            },
            {
                "say": "A VAE pays for every code that does not look like noise. So noise is a code, and the plane "
                "between four of them is full of faces.",
                "starter": "Four faces",
                "point": "now",
            },
            {
                "say": "Now you: drag over the plane, then set beta to 5 and drag again. What is lost?",
                "point": "beta",
            },
        ],
    },
]
