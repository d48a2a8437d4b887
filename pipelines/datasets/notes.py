"""Notes: phrases of four seconds at 16 kHz, composed here and played by FluidSynth with the FluidR3 GM sound font
(MIT).

A melody has a number of its own (a seed of its intervals and rhythm); splits are cut by it, so a test's melodies are
new. `apt-get install fluidsynth fluid-soundfont-gm` brings both; only training needs them.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import mido
import numpy as np
from scipy.signal import resample_poly

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.models.audio.codec import MODES

RATE, SECONDS = 16_000, 4
COUNT, BATCH = 24_000, 200  # phrases in all, and in one run of FluidSynth
WORKERS, WAYS = 2, 2
SLOT = 4.5  # seconds from one phrase's begin to the next one's
FONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"

# family -> General MIDI programs (from 0): name, and the lowest note that it is asked for
INSTRUMENTS = {
    "piano": {0: ("grand piano", 48), 4: ("electric piano", 48), 6: ("harpsichord", 48)},
    "mallets": {9: ("glockenspiel", 72), 10: ("music box", 60), 11: ("vibraphone", 53), 12: ("marimba", 48),
        13: ("xylophone", 65),
        14: ("tubular bells", 60), 8: ("celesta", 60)},
    "organ": {16: ("drawbar organ", 48), 19: ("church organ", 48), 21: ("accordion", 53), 22: ("harmonica", 60)},
    "guitar": {24: ("nylon guitar", 48), 25: ("steel guitar", 48), 26: ("jazz guitar", 48),
        30: ("distorted guitar", 45), 28: ("muted guitar", 48)},
    "bass": {32: ("acoustic bass", 29), 33: ("bass guitar", 29), 36: ("slap bass", 29), 38: ("synth bass", 29)},
    "strings": {40: ("violin", 60), 42: ("cello", 40), 48: ("string ensemble", 48), 45: ("pizzicato strings", 48),
        44: ("tremolo strings", 48)},
    "harp": {46: ("harp", 48), 107: ("koto", 50), 104: ("sitar", 50), 105: ("banjo", 50), 108: ("kalimba", 55)},
    "voices": {52: ("choir", 50), 53: ("humming voices", 50)},
    "brass": {56: ("trumpet", 57), 57: ("trombone", 43), 60: ("french horn", 45), 61: ("brass section", 45),
        58: ("tuba", 31)},
    "reeds": {64: ("soprano saxophone", 58), 66: ("tenor saxophone", 46), 68: ("oboe", 60), 70: ("bassoon", 36),
        71: ("clarinet", 52)},
    "flutes": {72: ("piccolo", 67), 73: ("flute", 62), 74: ("recorder", 65), 75: ("pan flute", 62),
        79: ("ocarina", 62)},
    "synth": {80: ("square lead", 52), 81: ("saw lead", 52), 88: ("synth pad", 48), 90: ("polysynth", 48)},
    "drums": {128: ("drum kit", 0), 129: ("electronic drums", 0)},
}  # fmt: skip
FAMILIES = {program: family for family, members in INSTRUMENTS.items() for program in members}
NAMES = {program: name for members in INSTRUMENTS.values() for program, (name, _) in members.items()}
LOWEST = {program: low for members in INSTRUMENTS.values() for program, (_, low) in members.items()}
SAID = {  # synonyms
    "grand piano": ["piano", "grand piano", "acoustic piano"],
    "electric piano": ["electric piano", "rhodes", "e-piano"],
    "music box": ["music box", "musical box"], "vibraphone": ["vibraphone", "vibes"],
    "tubular bells": ["tubular bells", "bells", "chimes"],
    "drawbar organ": ["organ", "drawbar organ", "hammond organ"],
    "church organ": ["church organ", "pipe organ"], "nylon guitar": ["classical guitar", "nylon guitar", "guitar"],
    "steel guitar": ["acoustic guitar", "steel guitar", "folk guitar"],
    "jazz guitar": ["jazz guitar", "electric guitar"],
    "distorted guitar": ["distorted guitar", "rock guitar", "heavy guitar"],
    "muted guitar": ["muted guitar", "palm-muted guitar"],
    "acoustic bass": ["double bass", "acoustic bass", "upright bass"],
    "bass guitar": ["bass guitar", "electric bass", "bass"],
    "synth bass": ["synth bass", "electronic bass"],
    "string ensemble": ["strings", "string ensemble", "orchestra strings"],
    "pizzicato strings": ["pizzicato strings", "plucked strings"],
    "choir": ["choir", "voices", "choir of voices"], "humming voices": ["humming voices", "humming choir"],
    "french horn": ["french horn", "horn"],
    "brass section": ["brass section", "brass", "horn section"],
    "soprano saxophone": ["soprano saxophone", "soprano sax"],
    "tenor saxophone": ["tenor saxophone", "saxophone", "tenor sax"],
    "square lead": ["square lead", "chiptune synth", "8-bit synth"],
    "saw lead": ["saw lead", "synth lead", "buzzing synth"],
    "synth pad": ["synth pad", "pad", "soft synth"],
    "polysynth": ["polysynth", "analog synth", "synthesizer"], "drum kit": ["drums", "drum kit", "acoustic drums"],
    "electronic drums": ["electronic drums", "drum machine"],
}  # fmt: skip
KINDS = {
    "melody": ["melody", "tune", "line"],
    "arpeggio": ["arpeggio", "broken chords"],
    "chords": ["chords", "chord progression"],
    "drums": ["beat", "groove", "pattern"],
}
KEYS = ["C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"]
TEMPI = {"slow": range(60, 86, 5), "medium": range(95, 116, 5), "fast": range(125, 171, 5)}  # beats a minute
PACE = {
    "slow": ["slow", "calm", "leisurely"],
    "medium": ["medium tempo", "moderate", "walking pace"],
    "fast": ["fast", "lively", "quick"],
}
VELOCITIES = {"soft": (35, 60), "": (70, 90), "loud": (100, 125)}
LOUDNESS = {"soft": ["soft", "quiet", "gentle"], "": [], "loud": ["loud", "powerful", "strong"]}
LENGTHS = {"staccato": 0.35, "": 0.85, "legato": 1.05}  # of the time to the next note
TOUCH = {"staccato": ["staccato", "short notes", "detached"], "": [], "legato": ["legato", "smooth", "connected"]}
REGISTERS = {
    "low": 0,
    "": 1,
    "high": 2,
}  # about octaves above an instrument's lowest note; of small instruments half octaves
HEIGHT = {"low": ["low", "deep"], "": [], "high": ["high", "bright"]}
RHYTHMS = [
    [1, 1, 1, 1],
    [0.5] * 8,
    [1, 0.5, 0.5, 1, 1],
    [1.5, 0.5, 1, 1],
    [0.5, 0.5, 1, 0.5, 0.5, 1],
    [2, 1, 1],
    [0.75, 0.25, 1, 0.75, 0.25, 1],
    [1, 1, 0.5, 0.5, 1],
]  # a bar of 4 beats
PROGRESSIONS = [[0, 3, 4, 0], [0, 4, 5, 3], [0, 5, 3, 4], [1, 4, 0, 0], [0, 2, 3, 4], [5, 3, 0, 4], [0, 0, 3, 4]]
KICK, SNARE, CLAP, CLOSED, OPENED, TOM, RIDE = 36, 38, 39, 42, 46, 45, 51

Beat = tuple[float | int, float | int, int]  # begin and length in beats, MIDI pitch
Note = tuple[float, float, int, int]  # begin and length in seconds, MIDI pitch, velocity


def compose(number: int) -> dict:
    """Phrase `number`'s score and labels; everything follows from the number."""
    rng = random.Random(number)
    program = rng.choice(list(NAMES)) if rng.random() < 0.9 else rng.choice([128, 129])
    pace, loudness = rng.choice(list(TEMPI)), rng.choice(list(VELOCITIES))
    row = {
        "program": program,
        "instrument": NAMES[program],
        "family": FAMILIES[program],
        "pace": pace,
        "tempo": rng.choice(list(TEMPI[pace])),
        "loudness": loudness,
    }
    low, high = VELOCITIES[loudness]
    if program >= 128:
        beats = drums(rng)
        row |= {"kind": "drums", "tonic": None, "mode": None, "touch": "", "register": ""}
    else:
        kinds = (
            ["melody"]
            if row["family"] in ("bass", "reeds", "flutes") or program in (56, 57, 58, 60)
            else ["melody", "arpeggio", "chords"]
        )
        tonic, mode, touch, register = (
            rng.randrange(12),
            rng.choice(list(MODES)),
            rng.choice(list(LENGTHS)),
            rng.choice(list(REGISTERS)),
        )
        row |= {"kind": rng.choice(kinds), "tonic": tonic, "mode": mode, "touch": touch, "register": register}
        lowest = LOWEST[program] + REGISTERS[register] * (6 if LOWEST[program] > 55 else 10)
        root = lowest + (tonic - lowest) % 12
        scale = [root + 12 * octave + step for octave in range(3) for step in MODES[mode]]
        beats = {"melody": melody, "arpeggio": arpeggio, "chords": chords}[row["kind"]](rng, scale)
    second = 60 / row["tempo"]
    score: list[Note] = []
    for at, length, pitch in beats:
        if at * second < SECONDS - 0.05:
            accent = 8 if at % 2 == 0 else 0
            score.append(
                (
                    round(at * second, 4),
                    round(max(0.06, length * second * LENGTHS[row["touch"]]), 4),
                    pitch,
                    min(127, rng.randint(low, high) + accent),
                )
            )
    return {**row, "notes": score}


def melody(rng: random.Random, scale: list[int]) -> list[Beat]:
    """A walk over the scale that begins and rests on notes of the tonic's triad, in a rhythm that returns."""
    rhythm, at, degree, found = rng.sample(RHYTHMS, 2), 0.0, rng.choice([0, 2, 4, 7]), []
    while at < 12:
        for length in rhythm[int(at // 4) % 2]:
            found.append((at, length, scale[degree]))
            at += length
            degree = int(np.clip(degree + rng.choice([-2, -1, -1, 1, 1, 2, 0, 3, -3]), 0, 11))
            if at % 4 == 0:
                degree = min((0, 2, 4, 7, 9, 11), key=lambda d: abs(d - degree))
    return found


def arpeggio(rng: random.Random, scale: list[int]) -> list[Beat]:
    """The notes of a chord one by one, a chord a bar."""
    order, length, steps = (
        rng.choice([[0, 1, 2, 3], [0, 2, 1, 2], [3, 2, 1, 0], [0, 1, 2, 3, 2, 1, 0, 1]]),
        rng.choice([0.5, 0.5, 0.25]),
        rng.choice(PROGRESSIONS),
    )
    return [
        (k * length, length, scale[steps[int(k * length // 4) % 4] + [0, 2, 4, 7][order[k % len(order)]]])
        for k in range(int(12 / length))
    ]


def chords(rng: random.Random, scale: list[int]) -> list[Beat]:
    """Triads, once or more often a bar, a chord each one or two bars' halves."""
    steps, rhythm = rng.choice(PROGRESSIONS), rng.choice([[2, 2], [4], [1, 1, 1, 1], [1.5, 1.5, 1], [1, 2, 1]])
    found, at = [], 0.0
    while at < 12:
        for length in rhythm:
            found += [(at, length, scale[steps[int(at // 2) % 4] + third]) for third in (0, 2, 4)]
            at += length
    return found


def drums(rng: random.Random) -> list[Beat]:
    """Kick, snare or clap, and a cymbal, in a bar that returns."""
    snare, cymbal = rng.choice([SNARE, SNARE, CLAP]), rng.choice([CLOSED, CLOSED, RIDE])
    kicks = rng.choice([[0, 2], [0, 1, 2, 3], [0, 2, 2.5], [0, 0.75, 2], [0, 1.5, 2]])
    bar = [(k, KICK) for k in kicks] + [(k, snare) for k in rng.choice([[1, 3], [1, 3], [2], [1, 3, 3.5]])]
    bar += (
        [(k * every, cymbal) for every in [rng.choice([0.5, 0.5, 1, 0.25])] for k in range(int(4 / every))]
        + [(3.5, OPENED)] * (rng.random() < 0.3)
        + [(3.75, TOM)] * (rng.random() < 0.2)
    )
    return sorted((4 * b + at, 0.25, pitch) for b in range(3) for at, pitch in bar)


def caption(row: dict, rng: random.Random) -> tuple[str, list[str]]:
    """A line that says the instrument or its family, most of the time the rest, and which labels it names."""
    named, before, after = ["instrument"], [], []
    what = rng.choice(SAID.get(row["instrument"], [row["instrument"]]))
    if rng.random() < 0.85:
        named.append("kind")
        kind = rng.choice(KINDS[row["kind"]])
        what = f"{what} {kind}" if rng.random() < 0.7 else f"{kind} on {article(what)}{what}"
    for label, words, share in (("loudness", LOUDNESS, 0.6), ("register", HEIGHT, 0.6), ("touch", TOUCH, 0.6)):
        if words[row[label]] and rng.random() < share:
            named.append(label)
            (before if rng.random() < 0.5 else after).append(rng.choice(words[row[label]]))
    if row["tonic"] is not None and rng.random() < 0.7:
        named += ["tonic", "mode"]
        after.append(f"{rng.choice(['', '', 'in '])}{KEYS[row['tonic']]} {row['mode']}")
    if rng.random() < 0.6:
        named.append("tempo")
        after.append(f"{rng.choice(['', '', 'at '])}{row['tempo']} bpm")
    if rng.random() < 0.5:
        named.append("pace")
        (before if rng.random() < 0.3 else after).append(rng.choice(PACE[row["pace"]]))
    rng.shuffle(before)
    rng.shuffle(after)
    return ", ".join([" ".join([*before, what]), *after]), named


def score(row: dict, named: list[str]) -> tuple[float, int]:
    """Tempo and key of a phrase as a caption that names those labels says them: what audio.score reads off it."""
    return float(row["tempo"]) if "tempo" in named else 0.0, 1 + row["tonic"] + 12 * (
        row["mode"] == "minor"
    ) if "tonic" in named else 0


def article(what: str) -> str:
    """Its article, if it has one."""
    return "" if what.endswith("s") and not what.endswith("bass") else "an " if what[0] in "aeiou8" else "a "


def split_of(number: int) -> str:
    """By hash of the melody's number."""
    place = data.unit_hash(f"notes {number}")
    return "test" if place < 0.02 else "validation" if place < 0.04 else "train"


def midi(rows: list[dict]) -> mido.MidiFile:
    """Phrases one after the other, SLOT seconds apart, each cut off at its end; a tick is a millisecond."""
    events: list[tuple[int, int, mido.Message]] = []
    for k, row in enumerate(rows):
        begin, channel = round(1000 * SLOT * k), 9 if row["program"] >= 128 else 0
        program = {128: 0, 129: 25}.get(row["program"], row["program"])
        events.append((begin, 1, mido.Message("program_change", channel=channel, program=program)))
        for at, length, pitch, velocity in row["notes"]:
            on, off = begin + round(1000 * at), begin + round(1000 * min(at + length, SECONDS + 0.1))
            events += [
                (on, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)),
                (off, 0, mido.Message("note_off", channel=channel, note=pitch)),
            ]
        events.append(
            (
                begin + round(1000 * (SECONDS + 0.1)),
                3,
                mido.Message("control_change", channel=channel, control=120, value=0),
            )
        )  # all sound off
    track, before = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)]), 0
    for at, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=at - before))
        before = at
    return mido.MidiFile(tracks=[track], ticks_per_beat=1000)


def play(rows: list[dict]) -> np.ndarray:
    """The phrases as sound: int16 (n, 64000).

    FluidSynth plays at 32 kHz, so that what folds back there lies above 8 kHz.
    """
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.raw"
        midi([*rows, {"program": 0, "notes": []}]).save(score)
        subprocess.run(
            [
                "fluidsynth",
                "-ni",
                "-q",
                "-R",
                "0",
                "-C",
                "0",
                "-g",
                "0.8",
                "-r",
                str(2 * RATE),
                "-O",
                "s16",
                "-T",
                "raw",
                "-F",
                sound,
                FONT,
                score,
            ],
            check=True,
            capture_output=True,
        )
        stereo = np.fromfile(sound, np.int16).astype(np.float32).reshape(-1, 2)
    mono = resample_poly(stereo.mean(1), 1, 2)
    cuts = np.stack([mono[int(RATE * SLOT * k) :][: RATE * SECONDS] for k in range(len(rows))])
    cuts[:, -400:] *= np.linspace(1, 0, 400)  # the cut makes no click
    return cuts.clip(-32768, 32767).round().astype(np.int16)


def load() -> tuple[np.ndarray, list[dict]]:
    """Sounds int16 (n, 64000) by memory map, and their rows.

    Raises FileNotFoundError saying which command builds them.
    """
    folder = data.cache_dir() / "data" / "notes"
    if not (folder / "rows.jsonl").exists():
        raise FileNotFoundError("The data set 'notes' is not built: run python -m pipelines.datasets notes")
    return np.load(folder / "sounds.npy", mmap_mode="r"), [
        json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()
    ]


def write_captions(rows: list[dict]) -> None:
    """Read the captions of training phrases, WAYS of saying each."""
    ways = [
        (k, *caption(row, random.Random(f"{way} ways to say {k}")))
        for k, row in enumerate(rows)
        if row["split"] == "train"
        for way in range(WAYS)
    ]
    of, lines, named = map(list, zip(*ways, strict=True))
    captions.keep("notes", lines, of, named)


def build() -> None:
    """Compose and play them all (ten minutes on two cores)."""
    if not shutil.which("fluidsynth") or not Path(FONT).exists():
        raise SystemExit("FluidSynth or its sound font is missing: apt-get install fluidsynth fluid-soundfont-gm")
    folder, rows = data.cache_dir() / "data" / "notes", [compose(k) for k in range(COUNT)]
    folder.mkdir(parents=True, exist_ok=True)
    sounds = np.lib.format.open_memmap(folder / "sounds.npy", "w+", np.int16, (COUNT, RATE * SECONDS))
    with ProcessPoolExecutor(WORKERS) as pool:
        for k, part in enumerate(pool.map(play, [rows[i : i + BATCH] for i in range(0, COUNT, BATCH)])):
            sounds[k * BATCH : k * BATCH + len(part)] = part
    for number, row in enumerate(rows):
        line, named = caption(row, random.Random(f"caption {number}"))
        peak = int(np.abs(sounds[number].astype(np.int32)).max())  # what is silent or clipped belongs to no split
        row |= {
            "split": split_of(number) if 300 < peak < 32_700 else "",
            "caption": line,
            "named": named,
            "peak": peak,
        }
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_captions(rows)
    print(f"{COUNT} phrases in {folder}; {sum(not row['split'] for row in rows)} silent or clipped")
