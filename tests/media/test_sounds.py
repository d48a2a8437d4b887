"""Sounds that strangers bring: every channel is there, nothing is cut off."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from pipelines.media import audio

TONE = np.sin(np.arange(audio.RATE) / 5).astype(np.float32)


def wav(channels: np.ndarray, layout: str) -> bytes:
    """Float samples (c, t) as a WAV file of 32-bit floats."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream = container.add_stream("pcm_f32le", rate=audio.RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels.T.reshape(1, -1)), "flt", layout)
        frame.sample_rate = audio.RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("count", "layout"), [(1, "mono"), (2, "stereo"), (6, "5.1"), (8, "7.1"), (16, "hexadecagonal")]
)
def test_loud_channels_are_mixed_without_being_cut_and_files_are_as_arrays(
    count: int, layout: str, tmp_path: object
) -> None:
    channels = np.repeat(0.9 * TONE[None], count, 0)
    (tmp_path / "a.wav").write_bytes(wav(channels, layout))
    samples = audio.load_audio(tmp_path / "a.wav")
    assert np.abs(samples - 0.9 * TONE).max() < 1e-3
    assert np.allclose(audio.load_audio((audio.RATE, channels.T)), samples, atol=1e-3)


def test_silent_channels_do_not_make_it_softer() -> None:
    channels = np.stack([0.8 * TONE, *np.zeros((5, len(TONE)), np.float32)])
    assert np.allclose(audio.mix_down(channels)[0], 0.8 * TONE)


def test_opposite_phase_does_not_become_silence() -> None:
    mono, note = audio.mix_down(np.stack([0.5 * TONE, -0.5 * TONE]))
    assert np.abs(mono).max() == pytest.approx(0.5, abs=0.01) and "cancel" in note
    assert audio.mix_down(np.zeros((2, 100), np.float32))[1] == ""


def test_what_is_louder_than_full_scale_is_turned_down() -> None:
    mono, note = audio.mix_down(2.5 * TONE[None])
    assert np.allclose(mono, TONE / np.abs(TONE).max(), atol=1e-5) and "turned down" in note
    assert (np.abs(audio.from_url(audio.audio_url(2.5 * TONE))) > 0.999).mean() < 0.03
