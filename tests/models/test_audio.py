"""The codec, the generators over it, and sounds that people give: with small random weights, so what is tested is the
mathematics."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.core.contract import AudioResult, Frame
from pipelines.core.settings import format_error
from pipelines.datasets import notes
from pipelines.media import audio as sounds
from pipelines.media.audio import RATE
from pipelines.models.audio import codec as audio
from pipelines.models.audio import flow as audio_flow
from pipelines.models.audio import tokens as audio_tokens
from pipelines.models.audio.quantize import ResidualQuantizer

torch.manual_seed(0)


def tone(seconds: float = 1.0, pitch: float = 440.0, loud: float = 0.5) -> np.ndarray:
    return (loud * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def run(name: str, **settings: Any) -> list[Frame]:
    return list(load(name).generate(**{"seed": 3, **settings}))


# the quantiser


def test_each_codebook_says_what_is_left_and_a_prefix_is_the_sum_of_its_books() -> None:
    quantizer = ResidualQuantizer(16, books=4, codes=64).eval()
    x = torch.randn(2, 30, 16)
    whole, indices, _ = quantizer(x)
    assert torch.allclose(whole, quantizer.decode(indices), atol=1e-5)
    for k in range(1, 5):
        some, _, _ = quantizer(x, torch.full((2,), k))
        assert torch.allclose(some, quantizer.decode(indices[..., :k]), atol=1e-5)


def test_a_trained_quantiser_errs_less_with_each_codebook() -> None:
    torch.manual_seed(0)
    quantizer, x = ResidualQuantizer(8, books=4, codes=32, dim=4), torch.randn(8, 64, 8) * torch.linspace(2, 0.2, 8)
    optim = torch.optim.Adam(quantizer.parameters(), 1e-2)
    for _ in range(150):
        made, _, loss = quantizer(x, torch.randint(1, 5, (8,)))
        ((made - x).square().mean() + loss).backward()
        optim.step()
        optim.zero_grad()
    _, indices, _ = quantizer.eval()(x)
    errors = [(quantizer.decode(indices[..., :k]) - x).square().mean().item() for k in range(1, 5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.6 * errors[0]


def test_dead_codes_are_thrown_back_and_gradients_pass_straight_through() -> None:
    quantizer = ResidualQuantizer(8, books=1, codes=64)
    book = quantizer.books[0]
    with torch.no_grad():
        book.codes[0] = 5 * torch.ones(8)
        book.use.fill_(0.0)
    x = torch.randn(4, 50, 8, requires_grad=True)
    made, _, _ = quantizer(x)
    assert (book.use > 0).all()
    made.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


# the codec


def test_the_codec_keeps_the_length_has_no_constant_part_and_stays_below_full_scale() -> None:
    codec = audio.load()
    wave = torch.from_numpy(np.stack([tone(0.5, loud=0.99), tone(0.5, 3000)]))
    z = codec.encode(wave)
    assert z.shape == (2, 25, 16)
    made = codec.decode(30 * z)
    assert made.shape == wave.shape
    assert made.abs().max() <= 1.0
    assert made.mean(1).abs().max() < 1e-3


def test_silence_in_gives_silence_out() -> None:
    assert not audio.noise_gate(1e-5 * torch.randn(1, 3200)).any()
    loud = torch.from_numpy(tone(0.5))[None]
    assert torch.equal(audio.noise_gate(loud)[:, 400:-400], loud[:, 400:-400])


def test_what_is_loud_is_bent_and_what_is_not_stays() -> None:
    wave = torch.linspace(-3, 3, 601)[None]
    bent = audio.soft_clip(wave)
    assert bent.abs().max() <= 1 and (bent.diff() >= 0).all()
    assert torch.equal(bent[wave.abs() < 0.9], wave[wave.abs() < 0.9])


def test_windows_laid_over_each_other_give_back_the_sound() -> None:
    wave = torch.randn(1, 3200)
    window, margin = torch.hann_window(audio.WINDOW), (audio.WINDOW - audio.HOP) // 2
    frames = torch.nn.functional.pad(wave, (margin, margin)).unfold(1, audio.WINDOW, audio.HOP) * window
    assert torch.allclose(audio.overlap_add(frames * window, window)[:, 300:-300], wave[:, 300:-300], atol=1e-4)


def test_a_part_of_the_latents_sounds_as_in_the_whole() -> None:
    codec = audio.Codec().eval()  # of the real shape: its reach is what counts
    for parameter in codec.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    z = torch.randn(1, 60, 64)
    with torch.inference_mode():
        whole, part = codec.decode(z), codec.decode(z[:, 20 - audio_tokens.AROUND : 40 + audio_tokens.AROUND])
    first = audio_tokens.AROUND * audio.STRIDE
    assert torch.allclose(
        part[:, first : first + 20 * audio.STRIDE], whole[:, 20 * audio.STRIDE : 40 * audio.STRIDE], atol=1e-4
    )


def test_the_codec_pipeline_tells_the_true_bitrate_of_each_codebook() -> None:
    frames = run("audio-codec", sound=tone(), books=3)
    assert [f.step for f in frames] == [1, 2, 3]
    assert [s["bits"] for s in frames[-1].trace["stages"]] == [250, 500, 750]  # 50 a second, 32 codes each
    assert isinstance(frames[-1].result, AudioResult) and len(frames[-1].result.samples) == RATE


# the score


@pytest.mark.parametrize(
    ("prompt", "score"),
    [
        ("piano, at 105 bpm", (105, 0)),
        ("60BPM groove in C major", (60, 1)),
        ("72.5 beats per minute, B minor", (72.5, 24)),
        ("E flat minor, 999 bpm", (0, 16)),
        ("F# Major", (0, 7)),
        ("in f sharp minor, or in C-major", (0, 19)),
        ("Cb major, 10 bpm", (0, 12)),
        ("fast 8-bit synth, a minor tune in B", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_a_score_is_what_the_words_say_of_tempo_and_key(prompt: str, score: tuple[float, int]) -> None:
    assert audio.parse_tempo_and_key(prompt) == score


def test_captions_say_the_scores_of_their_phrases() -> None:
    for number in range(200):
        row = notes.compose(number)
        said, named = notes.caption(row, random.Random(number))
        assert audio.parse_tempo_and_key(said) == notes.score(row, named), said


def test_a_score_is_told_as_places_in_the_beat_and_notes_of_the_key() -> None:
    told = audio.score_features(
        torch.tensor([[120.0, 1], [0, 24]]), range(0, 150, 25)
    )  # a beat each half second, a bar each two
    beat = told[0, :, 2]  # the cosine that has one wave a beat
    assert torch.allclose(beat, torch.tensor([1.0, 1, 1, 1, 1, 1]), atol=1e-4) and not told[1, :, :36].any()
    bar = told[0, :4, :36]
    assert (
        torch.allclose(told[0, 4:, :36], bar[:2], atol=1e-4) and torch.cdist(bar, bar).fill_diagonal_(1).min() > 0.5
    )  # comes again, and differs within
    near = audio.score_features(torch.tensor([[120.0, 1]]), range(60))[
        0, :, 21:26
    ]  # the five places about a beat, each 25 latents
    assert (
        [k for k in range(60) if near[k, 2] > 0.99] == [0, 25, 50]
        and near[24].argmax() == 1
        and near[27].argmax() == 4
        and not near[10].any()
    )
    assert told[0, 3, 36:].nonzero()[:, 0].tolist() == [0, *(12 + k for k in (0, 2, 4, 5, 7, 9, 11))]
    assert told[1, 3, 36:].nonzero()[:, 0].tolist() == [11, *(12 + k for k in (1, 2, 4, 6, 7, 9, 11))]


def test_guidance_goes_from_the_score_to_keep_away_from_to_the_one_asked_for() -> None:
    for name in ("audio-flow", "audio-tokens"):
        said = {"prompt": "piano, 90 bpm, C major", "negative_prompt": "120 bpm"}
        assert audio.score_conditions(load(name).Settings(**said), "cpu").tolist() == [[90, 1], [120, 0]]
        assert not audio.score_conditions(load(name).Settings(**said, sound=sounds.audio_url(tone())), "cpu").any()


def test_a_longer_sounds_parts_are_told_where_they_lie_in_the_whole() -> None:
    flow = audio_flow.AudioDiT(audio_flow.Config(8, 32, 1, 2))
    torch.nn.init.normal_(flow.score.weight)
    z, given, scores = torch.zeros(1, 200, 8), torch.zeros(1, 200, 1), torch.tensor([[90.0, 3]])
    assert torch.allclose(flow.hint(z, given, scores)[:, 75:], flow.hint(z, given, scores, 150)[:, :25], atol=1e-4)
    assert not flow.hint(z, given, torch.zeros(1, 2)).any()


# the tokens


def test_the_delay_pattern_moves_each_codebook_a_step_and_back() -> None:
    codes = torch.arange(2 * 7 * 3).view(2, 7, 3)
    rows = audio_tokens.delayed(codes, 99)
    assert rows.shape == (2, 9, 3)
    assert rows[0, :3, 2].tolist() == [99, 99, 2] and rows[0, 0, 0] == 0
    assert torch.equal(audio_tokens.undelayed(rows), codes)


def test_writing_with_a_cache_is_the_same_as_reading_at_once() -> None:
    writer = audio_tokens.CodeLM(audio_tokens.Config(32, 2, 2, 3, 16)).eval()
    torch.nn.init.normal_(writer.score.weight)
    captions, rows, scores = (
        torch.randn(2, 16, 256),
        torch.randint(0, 16, (2, 9, 3)),
        torch.tensor([[90.0, 3], [0, 0]]),
    )
    at_once = writer(captions, rows, scores)
    assert not torch.allclose(at_once, writer(captions, rows, torch.zeros(2, 2)), atol=1e-2)
    logits, cache = writer.begin(captions, rows[:, :4], scores, 0)
    assert torch.allclose(logits, at_once[:, 4], atol=1e-4)
    for k in range(4, 8):
        logits, cache = writer.go_on(rows[:, k], scores, k, cache)
        assert torch.allclose(logits, at_once[:, k + 1], atol=1e-4)


def test_tokens_are_played_as_they_come_and_the_parts_join_without_a_step() -> None:
    frames = run("audio-tokens", prompt="piano", seconds=1.0, top_k=8)
    assert [f.step for f in frames] == [1, 2, 3, 4, 5] and frames[-1].steps == 5
    heard = [sounds.from_url(f.view["url"]) for f in frames if f.view["url"]]
    assert len(heard) >= 4 and len(heard[0]) < RATE / 2
    for before, after in zip(heard, heard[1:], strict=False):
        assert len(after) > len(before) and np.abs(after[: len(before)] - before).max() < 1e-4
    whole = frames[-1].result.samples
    assert len(whole) == RATE and np.abs(whole).max() <= 1
    codes = torch.tensor(frames[-1].trace["codes"])[None]
    codec = audio.load()
    with torch.inference_mode():
        at_once = codec.decode(codec.quantizer.decode(codes))[0].numpy()
    assert (
        np.abs(whole - at_once[:RATE]).max() < 2e-4
    )  # so there is nothing at the joints that neighbouring samples do not show
    assert np.array_equal(run("audio-tokens", prompt="piano", seconds=1.0, top_k=8)[-1].result.samples, whole)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"guidance": 5}, [1]),  # nothing is said
        ({"prompt": "x", "guidance": 1}, [1]),  # the plain model
        ({"prompt": "x", "guidance": 2}, [2, -1]),
        ({"prompt": "x, 90 bpm", "guidance": 1, "score_guidance": 1}, [1]),
        ({"prompt": "x, 90 bpm", "guidance": 2, "score_guidance": 2}, [2, -1]),
        ({"prompt": "x, 90 bpm", "guidance": 2, "score_guidance": 8}, [8, -6, -1]),
    ],
)
def test_words_and_score_guide_each_by_its_own_strength(said: dict[str, Any], counts: list[float]) -> None:
    pipe = load("audio-tokens")
    captions, scores, found = pipe.asked(pipe.Settings(**said))
    assert found.tolist() == counts and len(captions) == len(scores) == len(counts)
    assert scores.tolist() == [
        [90 if "90" in said.get("prompt", "") and k == 0 else 0, 0] for k in range(len(counts))
    ]


@pytest.mark.parametrize("name", ["audio-tokens", "audio-flow"])
def test_a_sound_is_continued_and_stays_as_it_was(name: str) -> None:
    given = tone(0.7001)  # not a whole number of latents
    more = {"steps": 2} if name == "audio-flow" else {}
    made = run(name, sound=given, seconds=1.0, **more)[-1].result.samples
    assert len(made) == len(given) + RATE
    assert np.abs(made[: len(given) - RATE // 50] - given[: -RATE // 50]).max() < 1e-4


def test_long_sounds_go_on_part_by_part() -> None:
    assert len(run("audio-tokens", seconds=6)[-1].result.samples) == 6 * RATE
    frames = run("audio-flow", seconds=6, steps=2)
    assert [f.step for f in frames] == [1, 2, 3, 4] and len(frames[-1].result.samples) == 6 * RATE


# the flow


def test_the_flow_shows_its_steps_and_a_seed_repeats() -> None:
    frames = run("audio-flow", prompt="piano", steps=3, seconds=2)
    assert [f.step for f in frames] == [1, 2, 3]
    assert frames[0].preview.shape[2] == 3 and frames[0].state is not None
    assert frames[-1].trace["calls"] == 3 and len(frames[-1].result.samples) == 2 * RATE
    assert np.array_equal(
        run("audio-flow", prompt="piano", steps=3, seconds=2)[-1].result.samples, frames[-1].result.samples
    )


def test_refill_changes_the_span_alone() -> None:
    given = tone(3.0)
    made = run("audio-flow", sound=given, method="refill", start=1.0, end=1.5, steps=2)[-1].result.samples
    assert len(made) == len(given)
    assert (
        np.abs(made[:RATE] - given[:RATE]).max() < 1e-4
        and np.abs(made[RATE * 3 // 2 :] - given[RATE * 3 // 2 :]).max() < 1e-4
    )
    assert np.abs(made[RATE + 1000 : RATE * 3 // 2 - 1000] - given[RATE + 1000 : RATE * 3 // 2 - 1000]).max() > 1e-3


def test_a_loop_goes_round_without_a_click() -> None:
    wave = tone(1.0, 441.3)
    loop = audio.make_loop(wave)
    assert (
        abs(loop[0] - loop[-1]) < 2 * np.abs(np.diff(wave)).max()
        and np.abs(audio.make_loop(tone(1.0, 440.0, 0.9))).max() <= 0.91
    )
    assert len(loop) == RATE - round(0.15 * RATE)


@pytest.mark.parametrize(("tempo", "seconds"), [(120, 2.0), (60, 3.0), (100, 2.4), (30, 2.0), (0, 3.85)])
def test_a_loop_is_of_whole_bars_or_beats(tempo: float, seconds: float) -> None:
    assert len(audio.make_loop(tone(4.0), float(tempo))) == pytest.approx(seconds * RATE, abs=1)


# sounds that people give, and files


def test_given_sounds_become_mono_at_16_khz() -> None:
    at_48, stereo = np.repeat(tone(), 3), np.stack([tone(), 0.5 * tone()], 1)
    assert len(sounds.load_audio((48_000, at_48))) == pytest.approx(RATE, abs=2)
    assert np.allclose(sounds.load_audio((RATE, stereo)), 0.75 * tone(), atol=1e-6)
    assert np.abs(sounds.load_audio((RATE, (tone() * 32_767).astype(np.int16))) - tone()).max() < 1e-4
    assert np.abs(sounds.load_audio((RATE, ((tone() + 1) * 127.5).astype(np.uint8))) - tone()).max() < 0.02
    assert len(sounds.from_url(sounds.audio_url(np.zeros(RATE * 40, np.float32)))) == RATE * sounds.LONGEST
    kept = sounds.audio_url(tone())
    assert sounds.audio_url(kept) == kept


@pytest.mark.parametrize("kind", ["mp3", "ogg", "wav"])
def test_files_of_other_kinds_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"tone.{kind}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            {"mp3": "libmp3lame", "ogg": "libopus", "wav": "pcm_u8"}[kind], rate=48_000, layout="stereo"
        )
        frame = av.AudioFrame.from_ndarray(np.stack([np.repeat(tone(), 3)] * 2), "fltp", "stereo")
        frame.sample_rate = 48_000
        for piece in av.AudioResampler(
            stream.format.name, "stereo", 48_000, frame_size=stream.frame_size or 4096
        ).resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    heard = sounds.load_audio(str(path))
    assert len(heard) == pytest.approx(RATE, rel=0.1)
    assert 0.3 < np.abs(heard).max() < 0.8


@pytest.mark.parametrize("kind", ["wav", "flac", "png"])
def test_a_sound_is_saved_with_its_settings(kind: str, tmp_path: Path) -> None:
    from app import metadata

    made = run("audio-flow", prompt="piano", steps=1, seconds=0.5)[-1].result
    path = made.save(tmp_path / f"sound.{kind}")
    model, settings = metadata.from_file(path)
    assert model == "audio-flow" and settings.prompt == "piano"
    back = (
        AudioResult.from_png(path.read_bytes(), model, {}).samples if kind == "png" else sounds.load_audio(str(path))
    )
    assert np.abs(back - made.samples).max() < 1e-4
    assert b"piano" not in made.file("wav", with_settings=False)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("audio-flow", {"seconds": 0}, "Seconds is 0, but should be greater than or equal to 0.5."),
        ("audio-tokens", {"seconds": 1000}, "Seconds is 1000, but should be less than or equal to 16."),
        ("audio-codec", {}, "Sound is missing: give one."),
        ("audio-codec", {"sound": tone(0.01)}, "The sound lasts 0.01 seconds; it needs 0.1 at least."),
        (
            "audio-codec",
            {"sound": np.full(RATE, np.nan, np.float32)},
            "Some of the samples are not numbers; export the sound anew.",
        ),
        ("audio-codec", {"sound": "no/such.wav"}, "The sound no/such.wav is not there; check the path."),
        (
            "audio-flow",
            {"sound": tone(), "method": "refill", "start": 2, "end": 2.5},
            "The span begins at 2 seconds, but the sound lasts 1.0: mark a part of it.",
        ),
        (
            "audio-flow",
            {"sound": tone(), "method": "refill", "start": 0.5, "end": 0.2},
            "The span goes from 0.5 to 0.2 seconds: mark one of 0.05 to 3, its beginning first.",
        ),
    ],
)
def test_bad_input_is_one_sentence(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load(name).generate(**given)
    assert format_error(caught.value) == said


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    whole = sounds.file(tone(), "flac")
    for held in (
        b"",
        b"nothing of the kind" * 50,
        whole[:60],
        b"ffconcat version 1.0\nfile other.wav\n",
        b"#EXTM3U\n#EXTINF:1,\nother.wav\n",
    ):
        (tmp_path / "broken.flac").write_bytes(held)
        with pytest.raises(ValueError, match=r"cannot be read|no sound in the file"):
            sounds.audio_url(str(tmp_path / "broken.flac"))
