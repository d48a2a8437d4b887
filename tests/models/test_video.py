"""Video: without its time axis it is the image model; frames agree, are pinned, go on and close; files hold what made
them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from app.metadata import from_file
from pipelines import load
from pipelines.core import settings
from pipelines.core.contract import VideoResult, frame_differences
from pipelines.media import images
from pipelines.models.video import network
from pipelines.models.video import pipeline as video
from pipelines.models.video.spec import VideoSettings

BLUE = np.full((60, 40, 3), (30, 60, 200), np.uint8)
RED = np.full((128, 128, 3), (200, 60, 30), np.uint8)


def run(dtype: str = "auto", **more: Any) -> Any:
    *_, last = load("video", dtype=dtype).generate(
        **{"prompt": "a cat", "steps": 3, "frames": 4, "guidance": 2, **more}
    )
    return last


def test_without_its_time_axis_it_is_the_image_model_bit_for_bit() -> None:
    image = load("latent-diffusion", dtype="float32")  # in bf16 a batch of two is rounded otherwise than one
    base, z, t = image.transformer, torch.randn(1, 8, 16, 16), torch.rand(1)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    *_, still = image.generate(prompt="a cat", steps=3, guidance=2, seed=5)
    for method in ("independent", "joint"):  # apart; and the first frame of those drawn together
        assert np.array_equal(run("float32", frames=2, method=method, seed=5).result.frames[0], still.result.pixels)
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())
    motion = network.VideoDiT(base.config).requires_grad_(False)
    motion.transformer.load_state_dict(before)
    words = base.text_kv(base.null[None])
    given = (z, words, base.modulations(t, words.pooled))
    told = motion.enter(torch.zeros(1, 64, motion.enter.in_features))
    assert torch.equal(motion.transformer(*given, hints=[told]), base(*given))  # untrained, one frame


def test_a_frame_is_told_the_nearest_that_is_given_and_its_own_time() -> None:
    motion = network.VideoDiT(load("latent-diffusion").transformer.config).requires_grad_(False)
    torch.nn.init.normal_(motion.enter.weight)
    z = torch.randn(1, 8, 1, 16, 16).expand(1, 8, 8, 16, 16) + torch.arange(8)[None, :, None, None, None]
    given, half = torch.zeros(1, 8), network.encode_amount(torch.tensor([0.5]), 8)
    given[0, [0, 6]] = 1

    def hint(loop: bool, z: torch.Tensor = z) -> torch.Tensor:
        without = motion.hint(torch.zeros_like(z), torch.zeros_like(given), half, loop)
        return (motion.hint(z, given, half, loop) - without).unflatten(1, (8, -1))[0]

    line, circle = hint(False), hint(True)
    assert torch.allclose(line[1], line[2], atol=1e-4) and torch.allclose(line[4], line[5], atol=1e-4)
    assert not torch.allclose(line[2], line[4], atol=1e-1) and not torch.allclose(
        line[0], line[1], atol=1e-1
    )  # it is told that it is given
    assert torch.allclose(line[7], line[5], atol=1e-4) and torch.allclose(
        circle[7], circle[1], atol=1e-4
    )  # around, 0 is as near as 6
    moved = z.clone()
    moved[:, 3] += 1  # is not given
    assert torch.equal(hint(True, z=moved), circle)
    much = network.encode_amount(torch.tensor([0.9]), 8)
    for loop in (True, False):
        times = motion.hint(torch.zeros_like(z), torch.zeros_like(given), half, loop).unflatten(1, (8, -1))[0, :, 0]
        assert torch.cdist(times, times).fill_diagonal_(1).min() > 1e-3
        assert not torch.allclose(motion.hint(z, given, half, loop), motion.hint(z, given, much, loop), atol=1e-3)


def test_a_loops_last_moment_is_as_near_to_the_first_as_the_second_is() -> None:
    circle, line = network.time_features(16, loop=True), network.time_features(16, loop=False)
    assert torch.dist(circle[0], circle[15]) == pytest.approx(torch.dist(circle[0], circle[1]).item(), abs=1e-5)
    assert torch.dist(line[0], line[15]) > 1.2 * torch.dist(line[0], line[1])
    assert torch.equal(network.time_features(8, loop=True)[:, :8], circle[::2, :8]) and torch.equal(
        network.time_features(8, loop=False), line[:8]
    )


def test_an_estimates_motion_is_scaled_by_its_harmonics_and_what_is_still_stays() -> None:
    gains = [[1.0] * 9] * 5 + [[1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]] * 2
    motion, still = (
        network.VideoDiT(load("latent-diffusion").transformer.config, gains=gains),
        torch.randn(1, 8, 16, 16).expand(16, -1, -1, -1),
    )
    angle = 2 * torch.pi * torch.arange(16)[:, None, None, None] / 16
    slow, quick = angle.cos().expand_as(still), (3 * angle).sin().expand_as(still)
    x0 = still + slow + quick
    assert torch.allclose(motion.rescale_harmonics(x0, still, 0.9, loop=True), still + 2 * slow, atol=1e-5)
    assert torch.allclose(motion.rescale_harmonics(x0, still, 0.8, loop=True), x0, atol=1e-5)
    assert torch.allclose(
        motion.rescale_harmonics(x0, still, 0.85, loop=True), still + 1.5 * slow + 0.5 * quick, atol=1e-5
    )  # between two knots
    rise = (
        (torch.pi * (torch.arange(16) + 0.5) / 16).cos()[:, None, None, None].expand_as(still)
    )  # half a wave: ends elsewhere
    assert torch.allclose(
        motion.rescale_harmonics(still + rise, still, 0.9, loop=False), still + 1.5 * rise, atol=1e-5
    )


def test_a_still_clip_goes_straight_from_each_given_frame_to_the_next() -> None:
    z, fresh = torch.randn(6, 8, 16, 16), torch.ones(6, 1, 1, 1)
    fresh[0] = fresh[4] = 0
    line, circle = (video.interpolate_given(z, fresh, loop) for loop in (False, True))
    for k, share in enumerate((0, 0.25, 0.5, 0.75, 1, 1)):
        assert torch.allclose(line[k], torch.lerp(z[0], z[4], share), atol=1e-5)
    assert torch.allclose(circle[5], (z[0] + z[4]) / 2, atol=1e-5) and torch.allclose(circle[:5], line[:5], atol=1e-5)


def test_half_of_the_noise_is_the_clips_where_it_is_to_be_shared() -> None:
    pipe = load("video")
    for method, share in (("joint", 0.0), ("shared", 0.5), ("independent", 0.0)):
        noise = pipe.noise(pipe.Settings(method=method, seed=3), range(16))()
        assert noise.std() == pytest.approx(1, abs=0.05)
        assert np.corrcoef(noise.flatten(1).numpy())[np.triu_indices(16, 1)].mean() == pytest.approx(share, abs=0.03)


def test_given_frames_stay_and_a_state_is_of_all_frames() -> None:
    pipe = load("video")
    frames = list(pipe.generate(prompt="a cat", steps=3, frames=4, image=BLUE, last=RED, loop=False))
    assert [f.step for f in frames] == [1, 2, 3]
    assert frames[0].preview.shape == frames[0].state.shape == (256, 256, 3)
    clip = frames[-1].result.frames
    for at, given in ((0, BLUE), (-1, RED)):
        kept = pipe.base.autoencoder.decode_uint8(pipe.latent(video.center_crop(given))).numpy()[0]
        assert np.abs(clip[at].astype(int) - kept).max() <= 1


@pytest.mark.parametrize(
    ("frames", "loop", "spans"),
    [(16, True, [(0, 16)]), (20, False, [(0, 12), (9, 20)]), (40, True, [(0, 16), (13, 29), (26, 41)])],
)
def test_longer_clips_go_on_from_what_is_there(frames: int, loop: bool, spans: list[tuple[int, int]]) -> None:
    s = VideoSettings(frames=frames, loop=loop, steps=1)
    assert video.joint_windows(s) == spans
    assert run(frames=frames, loop=loop, steps=1).result.frames.shape == (frames, 128, 128, 3)


@pytest.mark.parametrize("loop", [True, False])
def test_windows_cover_a_clip_and_each_has_much_to_draw(loop: bool) -> None:
    for frames in range(2, 49):
        spans = video.joint_windows(VideoSettings(frames=frames, loop=loop, steps=1))
        assert spans[0][0] == 0 and spans[-1][1] == frames + (loop and frames > video.WINDOW)
        assert all(b - a == video.OVERLAP for (_, b), (a, _) in zip(spans, spans[1:], strict=False))
        assert all(2 <= b - a <= video.WINDOW for a, b in spans)
        assert all(b - a > video.OVERLAP + 2 for a, b in spans[1:])
        assert sum(b - a for a, b in spans) <= 16 * max(1, frames / 16) ** 1.2 + 5


def test_while_a_long_clip_is_drawn_what_is_there_plays() -> None:
    frames = list(load("video").generate(prompt="a cat", steps=2, frames=20, loop=False))
    assert [f.view["frames"] for f in frames] == [1, 1, 12, 12, 20, 20]
    assert [len(f.trace["changes"][0]) for f in frames] == [0, 0, 11, 11, 19, 19]


def test_it_runs_beside_a_base_of_half_precision() -> None:
    *_, last = load("video", dtype="bfloat16").generate(prompt="a cat", steps=1, frames=2)
    assert last.result.frames.shape == (2, 128, 128, 3)


def test_ways_side_by_side_and_what_the_shared_noise_does() -> None:
    last = run(compare=True)
    assert [clip.settings["method"] for clip in last.result] == ["joint", "shared", "independent"]
    assert last.preview.shape == (256, 2 * 3 * 128, 3)
    assert last.step == last.steps == 12  # the first frame of those drawn together is drawn before them
    assert len(last.trace["changes"]) == 3
    assert last.trace["ways"] == ["joint", "shared", "independent"]


def test_a_seed_is_repeatable_and_amount_and_loop_matter() -> None:
    first = run(seed=3).result.frames
    assert np.array_equal(run(seed=3).result.frames, first)
    for more in ({"seed": 4}, {"amount": 1.0}, {"loop": False}):
        assert not np.array_equal(run(**{"seed": 3, **more}).result.frames, first)


def test_changes_are_what_they_say() -> None:
    clip = np.zeros((3, 4, 4, 3), np.uint8)
    clip[1] += 10
    assert frame_differences(clip, loop=False) == [10.0, 10.0]
    assert frame_differences(clip, loop=True) == [0.0, 10.0, 10.0]


def test_every_file_plays_and_holds_what_made_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = {"prompt": "a cät", "seed": 7, "frames": 5, "fps": 6}
    clip = VideoResult(rng.integers(0, 255, (5, 64, 96, 3), np.uint8), 6, "video", made)
    for kind in ("png", "webp", "gif", "mp4"):
        path = clip.save(tmp_path / f"a.{kind}")
        model, told = from_file(path)
        assert (model, told.prompt, told.seed, told.frames) == ("video", "a cät", 7, 5)
        if kind == "mp4":
            with av.open(str(path)) as film:
                stream = film.streams.video[0]
                assert (stream.codec_context.name, stream.pix_fmt, float(stream.average_rate)) == (
                    "h264",
                    "yuv420p",
                    6,
                )
                assert sum(1 for _ in film.decode(video=0)) == 5
        else:
            with Image.open(path) as film:
                assert film.n_frames == 5
        assert b"a c" not in clip.file(kind, with_settings=False)
    still = VideoResult(np.repeat(clip.frames[:2], [3, 2], axis=0), 6, "video", made)
    assert np.array_equal(VideoResult.from_png(still.file(), "video", made | {"fps": 6}).frames, still.frames)
    with zipfile.ZipFile(io.BytesIO(clip.file("zip"))) as archive:
        assert archive.namelist() == [*(f"{k:03}.png" for k in range(5)), "settings.json"]
        assert json.loads(archive.read("settings.json"))["settings"]["seed"] == 7
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(archive.read("002.png")))), clip.frames[2])
    with pytest.raises(ValueError, match=r"let the name end in \.png"):
        clip.save(tmp_path / "a.avi")


def test_a_film_where_a_picture_belongs_gives_its_first_frame(tmp_path: Path) -> None:
    path = VideoResult(np.stack([RED] * 3), 8, "video", {}).save(tmp_path / "a.mp4")
    seen = images.from_url(VideoSettings(image=str(path)).image)
    assert np.abs(seen.astype(int) - RED).max() < 12
    (tmp_path / "b.mp4").write_bytes(path.read_bytes()[:100])
    (tmp_path / "c.m3u8").write_text(
        f"#EXTM3U\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n"
    )  # names another file of this machine
    (tmp_path / "d.sdp").write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    )
    for name in ("b.mp4", "c.m3u8", "d.sdp"):
        with pytest.raises(ValidationError, match="not a picture"):
            VideoSettings(image=str(tmp_path / name))
        held = f"data:video/mp4;base64,{base64.b64encode((tmp_path / name).read_bytes()).decode()}"
        with pytest.raises(ValidationError, match="not a picture"):
            VideoSettings(image=held)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"frames": 0}, "Frames is 0"),
        ({"frames": 1}, "Frames is 1"),
        ({"frames": 1000}, "Frames is 1000, but"),
        ({"fps": 0}, "Fps is 0"),
        ({"frames": 48, "steps": 200}, "200 steps of 48 frames are too many"),
        ({"last": RED}, "A loop ends where it begins"),
        ({"count": 2}, "Count is 2, but should be 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        run(**bad)
    assert sentence in settings.format_error(error.value)
