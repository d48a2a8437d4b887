"""Splats and points in PLY files as other programs write them, and files that are damaged."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gsply
import numpy as np
import pytest
from test_gaussian_files import cloud

from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting.attributes import SHOWN, read_ply
from pipelines.models.gaussian_splatting.files import SceneError
from pipelines.models.gaussian_splatting.rasterize import SH0, Gaussians3D

Columns = dict[str, tuple[str, np.ndarray]]  # a property's name, its type in PLY, its numbers
KINDS = {"char": "i1", "uchar": "u1", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8"}
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def columns_of(splats: Gaussians3D) -> Columns:
    """As our own files keep them."""
    header, _, body = scenes.to_ply(splats).partition(b"end_header\n")
    names = re.findall(r"property float (\w+)", header.decode())
    table = np.frombuffer(body, "<f4").reshape(len(splats), -1)
    return {name: ("float", table[:, k]) for k, name in enumerate(names)}


def points(count: int = 60) -> Columns:
    """Nothing but places."""
    places = np.random.default_rng(0).random((count, 3)).astype(np.float32)
    return {axis: ("float", places[:, k]) for k, axis in enumerate("xyz")}


def element(columns: Columns, name: str = "vertex", form: str = "binary_little_endian") -> tuple[str, bytes]:
    """An element's lines of the header, and its rows."""
    count = len(next(iter(columns.values()))[1])
    head = f"element {name} {count}\n" + "".join(f"property {kind} {n}\n" for n, (kind, _) in columns.items())
    table = np.empty(count, [(n, FORMATS[form] + KINDS[kind]) for n, (kind, _) in columns.items()])
    for n, (_, numbers) in columns.items():
        table[n] = numbers
    if form != "ascii":
        return head, table.tobytes()
    return head, "".join(" ".join(str(number) for number in row) + "\n" for row in table.tolist()).encode()


def lists(form: str, lengths: list[int]) -> tuple[str, bytes]:
    """An element of faces, with these numbers of corners."""
    head = f"element face {len(lengths)}\nproperty list uchar int vertex_indices\n"
    if form == "ascii":
        return head, "".join(f"{n} {'7 ' * n}\n" for n in lengths).encode()
    order = FORMATS[form]
    return head, b"".join(bytes([n]) + np.full(n, 7, order + "i4").tobytes() for n in lengths)


def ply(*elements: tuple[str, bytes], form: str = "binary_little_endian") -> bytes:
    head = f"ply\nformat {form} 1.0\n" + "".join(head for head, _ in elements) + "end_header\n"
    return head.encode() + b"".join(body for _, body in elements)


def same(one: Gaussians3D, other: Gaussians3D) -> bool:
    """Whether one is what comes back of the other's file, as our own files are written."""
    theirs = dict(scenes.from_ply(scenes.to_ply(other)).named_parameters())
    return all(np.allclose(p.detach(), theirs[n].detach(), atol=1e-5) for n, p in one.named_parameters())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("before", [[], [3, 3, 3], [3, 4, 5, 0]], ids=["no faces", "triangles", "polygons"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "mac"])
def test_every_order_line_end_and_element_before_the_vertices(form: str, before: list[int], end: str) -> None:
    splats = cloud()
    camera = element({"fov": ("double", np.ones(2)), "id": ("int", np.arange(2))}, "camera", form)
    parts = [camera, lists(form, before), element(columns_of(splats), form=form), lists(form, [4, 3])]
    head, mark, body = ply(*parts, form=form).partition(b"end_header\n")
    head = head.replace(b"property float y\n", b"comment \xe9t\xe9 \nobj_info end_header is next\nproperty float y\n")
    head = (head + mark).replace(b"\n", end.encode())
    file = head + (body.replace(b"\n", end.encode()) if form == "ascii" else body)
    assert same(scenes.from_ply(file), splats)


def test_a_first_byte_that_looks_like_a_line_end_belongs_to_the_numbers() -> None:
    splats = cloud()
    columns = {"tag": ("uchar", np.full(40, 10))} | columns_of(splats)
    head, mark, body = ply(element(columns)).partition(b"end_header\n")
    for end in (b"\n", b"\r\n", b"\r"):
        assert same(scenes.from_ply((head + mark).replace(b"\n", end) + body), splats)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("alike", [True, False])
def test_lists_among_the_properties_of_the_vertices_are_skipped(form: str, alike: bool) -> None:
    splats = cloud(200)
    head, body = element(columns_of(splats), form=form)
    rows = (
        body.splitlines()
        if form == "ascii"
        else [body[k : k + len(body) // 200] for k in range(0, len(body), len(body) // 200)]
    )
    lengths = np.full(200, 2) if alike else np.random.default_rng(0).integers(0, 5, 200)
    many = []
    for row, n in zip(rows, lengths.tolist(), strict=True):
        if form == "ascii":
            many.append(f"{n} {'9 ' * n}".encode() + row + f" {n} {'8 ' * n}\n".encode())
        else:
            count, order = np.array(n, FORMATS[form] + "u2"), FORMATS[form]
            views = bytes([n]) + np.full(n, 9, order + "u4").tobytes()
            many.append(views + row + count.tobytes() + np.full(n, 8, order + "f8").tobytes())
    lines = head.splitlines(keepends=True)
    head = "".join(
        [lines[0], "property list uchar uint views\n", *lines[1:], "property list ushort double weights\n"]
    )
    assert same(scenes.from_ply(ply((head, b"".join(many)), form=form)), splats)


@pytest.mark.parametrize("form", FORMATS)
def test_properties_of_any_order_and_type_and_more_of_them(form: str) -> None:
    splats = cloud(degree=2)
    columns = list(
        (columns_of(splats) | {"label": ("char", np.full(40, -3)), "time": ("double", np.ones(40))}).items()
    )
    np.random.default_rng(0).shuffle(columns)  # type: ignore[arg-type]
    doubles = {name: ("double" if kind == "float" else kind, numbers) for name, (kind, numbers) in columns}
    assert same(scenes.from_ply(ply(element(doubles, form=form), form=form)), splats)


def test_whole_numbers_in_ascii_may_be_written_with_a_point() -> None:
    columns = points(2) | {c: ("uchar", np.array([255, 0])) for c in ("red", "green", "blue")}
    file = ply(element(columns, form="ascii"), form="ascii").replace(b" 255", b" 255.0")
    assert np.allclose(read_ply(file)["harmonics"][0] * SH0 + 0.5, 1, atol=1e-5)


@pytest.mark.parametrize(
    "kind, top", [("uchar", 255), ("ushort", 65535), ("float", 1), ("double", 1), ("float", 255)]
)
def test_plain_colours_and_opacities(kind: str, top: int) -> None:
    parts = np.linspace(0, 1, 60)
    numbers = parts * top if kind in ("float", "double") else (parts * top).round()
    colours = {"red": numbers, "green": numbers[::-1], "blue": 0 * numbers, "alpha": numbers}
    file = ply(element(points() | {name: (kind, part) for name, part in colours.items()}))
    read = read_ply(file)
    assert np.allclose(read["harmonics"][:, 0] * SH0 + 0.5, np.stack([parts, parts[::-1], 0 * parts], 1), atol=0.003)
    assert np.allclose(1 / (1 + np.exp(-read["opacities"])), parts, atol=0.004)


def test_points_without_colours_are_grey_small_round_and_nearly_opaque() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(10.0)] * 3), -1).reshape(-1, 3) * 0.1
    splats = scenes.from_ply(ply(element({axis: ("double", grid[:, k]) for k, axis in enumerate("xyz")})))
    assert np.allclose(splats.harmonics.detach(), 0) and splats.opacities.sigmoid().min() > 0.9
    assert np.allclose(splats.scales.exp().detach(), 0.05, atol=1e-3)  # half of the distance to a neighbour
    for count in (1, 2, 5):  # of a few, or all in one place
        place = {axis: ("float", np.ones(count)) for axis in "xyz"}
        assert len(scenes.from_ply(ply(element(place)))) == count


def test_coordinates_of_a_map_keep_their_millimetres() -> None:
    columns = points()
    columns["y"] = ("double", columns["y"][1].astype(np.float64) + 5_400_000)
    columns["y"][1][0] = np.nan
    read = scenes.from_ply(ply(element(columns)))
    want = columns["y"][1][1:] - np.nanmedian(columns["y"][1])
    assert np.abs(-read.means[:, 1].detach().numpy() - want).max() < 0.02  # y is down there
    assert np.ptp(-read.means[:, 1].detach().numpy() - want) < 1e-5


def test_two_scales_one_or_none_and_no_rotation_or_opacity() -> None:
    columns = columns_of(cloud())
    two = read_ply(ply(element({n: c for n, c in columns.items() if n != "scale_2"})))
    assert np.allclose(two["scales"][:, 0], columns["scale_0"][1])
    assert (two["scales"][:, 2] < two["scales"][:, :2].min(1) - 4).all()
    one = read_ply(ply(element({n: c for n, c in columns.items() if n not in ("scale_1", "scale_2")})))
    assert np.allclose(one["scales"], columns["scale_0"][1][:, None])
    few = {n: c for n, c in columns.items() if not n.startswith(("scale", "rot", "opacity"))}
    none = scenes.from_ply(ply(element(few)))
    assert np.ptp(none.scales.detach()) == 0 and (none.rotations.norm(dim=1) == 1).all()
    assert np.allclose(none.harmonics.detach(), scenes.from_ply(ply(element(columns))).harmonics.detach())


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_spherical_harmonics_of_degree_0_to_3_lie_channel_by_channel(degree: int) -> None:
    width = (degree + 1) ** 2 - 1
    rest = np.random.default_rng(0).standard_normal((3, width, 40)).astype(np.float32)
    columns = columns_of(cloud(degree=0))
    columns |= {f"f_rest_{width * c + k}": ("float", rest[c, k]) for c in range(3) for k in range(width)}
    harmonics = read_ply(ply(element(columns)))["harmonics"]
    kept = min(width, 8)  # degree 2 is what is drawn
    assert harmonics.shape == (40, 1 + kept, 3)
    assert np.array_equal(harmonics[:, 1:], rest[:, :kept].transpose(2, 1, 0))


@pytest.mark.parametrize("count, kept", [(1, 0), (3, 0), (12, 3), (30, 8), (44, 0)])
def test_fewer_harmonics_than_a_degree_has_leave_the_degree_below(count: int, kept: int) -> None:
    columns = columns_of(cloud(degree=0)) | {f"f_rest_{k}": ("float", np.ones(40)) for k in range(count)}
    assert read_ply(ply(element(columns)))["harmonics"].shape == (40, 1 + kept, 3)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["x", "f_dc_1", "f_rest_3", "opacity", "scale_2", "rot_0"])
def test_rows_with_numbers_that_are_none_or_absurd_are_left_out_and_counted(
    name: str, form: str, tmp_path: Path
) -> None:
    columns = columns_of(cloud(degree=1))
    numbers = columns[name][1].copy()
    numbers[[2, 3, 5, 7]] = np.nan, np.inf, -np.inf, 1e30
    (tmp_path / "a.ply").write_bytes(ply(element(columns | {name: ("float", numbers)}, form=form), form=form))
    splats, note = scenes.read_gaussians(tmp_path / "a.ply")
    assert len(splats) == 36
    assert note == "Left out: 4 of 40 splats, for numbers that are none or out of all bounds."
    assert all(p.isfinite().all() for p in splats.parameters())
    bad = ply(element(columns | {name: ("float", np.full(40, np.nan))}, form=form), form=form)
    with pytest.raises(SceneError, match="All splats of this file have numbers that are none"):
        scenes.from_ply(bad)


def test_what_is_not_read_may_be_anything_and_no_rotation_at_all_is_no_turn() -> None:
    columns = columns_of(cloud()) | {"nx": ("float", np.full(40, np.nan))}
    columns |= {f"rot_{k}": ("float", np.zeros(40)) for k in range(4)}
    splats = scenes.from_ply(ply(element(columns)))
    assert len(splats) == 40 and (splats.rotations.norm(dim=1) == 1).all()


def test_numbers_as_microsofts_c_wrote_them(tmp_path: Path) -> None:
    file = ply(element(points(9), form="ascii"), form="ascii")
    rows = file.splitlines(keepends=True)
    rows[-3:] = [b"-1.#IND 0 0\n", b"0 1.#QNAN 0\n", b"0 0 -nan(ind)\n"]
    assert len(scenes.from_ply(b"".join(rows))) == 6


def test_a_splat_file_is_read_without_its_invalid_rows(tmp_path: Path) -> None:
    file = bytearray(scenes.to_splat(cloud()))
    file[:4] = np.float32(np.nan).tobytes()
    (tmp_path / "a.splat").write_bytes(file)
    splats, note = scenes.read_gaussians(tmp_path / "a.splat")
    assert len(splats) == 39 and note.startswith("Left out: 1 of 40 splats")
    (tmp_path / "b.splat").write_bytes(scenes.to_ply(cloud()))  # whatever it is called
    assert scenes.read_gaussians(tmp_path / "b.splat")[1] == ""


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_supersplats_compressed_files_are_read_as_another_reader_does(degree: int, tmp_path: Path) -> None:
    random, n, width = np.random.default_rng(0), 700, (degree + 1) ** 2 - 1
    quats = random.standard_normal((n, 4)).astype(np.float32)
    data = gsply.GSData(
        means=random.standard_normal((n, 3)).astype(np.float32),
        scales=random.normal(-4, 1, (n, 3)).astype(np.float32),
        quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
        opacities=random.standard_normal(n).astype(np.float32),
        sh0=random.normal(0, 0.8, (n, 3)).astype(np.float32),
        shN=random.normal(0, 0.5, (n, width, 3)).astype(np.float32),
    )
    path = tmp_path / "a.compressed.ply"
    path.write_bytes(gsply.compress_to_bytes(data))
    other, read = gsply.plyread(str(path)), read_ply(path.read_bytes())
    assert np.allclose(read["means"], other.means, atol=1e-5) and np.allclose(read["scales"], other.scales, atol=1e-5)
    assert np.allclose(read["rotations"], other.quats, atol=1e-5)
    assert np.allclose(read["harmonics"][:, 0], other.sh0, atol=1e-5)
    assert np.abs(1 / (1 + np.exp(-read["opacities"])) - 1 / (1 + np.exp(-other.opacities))).max() < 0.003
    assert read["harmonics"].shape[1] == 1 + min(width, 8)
    if degree:
        assert np.allclose(read["harmonics"][:, 1:], other.shN[:, :8], atol=1e-5)
    assert len(scenes.load_gaussians(path)) == n


def packed(n: int = 300, **changes: int) -> bytes:
    """A compressed file of SuperSplat's first version, whose colours have no bounds."""
    bounds = [f"{end}_{part}{axis}" for part in ("", "scale_") for end in ("min", "max") for axis in "xyz"]
    chunk = {name: ("float", np.full(changes.get("chunks", 2), -4.0 + name.startswith("max"))) for name in bounds}
    names = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
    vertex = {name: ("uint", np.full(n, 0xFF0080FF)) for name in names}
    rest = {f"f_rest_{k}": ("uchar", np.full(changes.get("rest", n), 200)) for k in range(9)}
    return ply(element(chunk, "chunk"), element(vertex), element(rest, "sh"))


def test_a_compressed_file_without_bounds_of_colours() -> None:
    read = read_ply(packed())
    assert np.allclose(read["harmonics"][:, 0] * SH0 + 0.5, [1, 0, 128 / 255], atol=1e-5)
    assert np.allclose(read["harmonics"][:, 1:], (200 - 127.5) / 32)
    assert np.allclose(read["means"][0], [-4 + 2040 / 2047, -4 + 16 / 1023, -4 + 255 / 2047])


def test_damaged_files_are_refused_in_a_true_sentence() -> None:
    whole, text = ply(element(columns_of(cloud()))), ply(element(points(), form="ascii"), form="ascii")
    faces = ply(lists("binary_little_endian", [3, 4]), element(points()))
    start = faces.index(b"end_header\n") + 11
    cases: list[tuple[bytes, str]] = [
        (b"", "no PLY file"),
        (b"\x1f\x8b\x08\x00 something", "no PLY file"),
        (whole[:300], "header has no end"),
        (whole[:-10], "cut off"),
        (whole.partition(b"end_header\n")[0] + b"end_header\n", "cut off"),
        (text[: text.rindex(b"\n", 0, -1) + 1], "cut off"),
        (text.partition(b"end_header\n")[0] + b"end_header\n", "cut off"),
        (text[:-20], "does not hold the numbers"),
        (text[:-20] + b"zero\n", "does not hold the numbers"),
        (text[:-1] + b" 5\n", "does not hold the numbers"),
        (faces[: start + 3], "cut off"),
        (faces.replace(b"list uchar", b"list char")[:start - 1] + b"\xff" + faces[start:], "no valid length"),
        (whole.replace(b"float x", b"quad x"), 'line "property quad x"'),
        (whole.replace(b"float x", b"list float int x"), 'line "property list float int x"'),
        (whole.replace(b"vertex 40", b"vertex many"), 'line "element vertex many"'),
        (whole.replace(b"vertex 40", b"vertex " + b"9" * 5000), 'line "element vertex 999'),
        (whole.replace(b"little", b"middle"), 'line "format binary_middle_endian'),
        (whole.replace(b"format binary_little_endian 1.0\n", b""), "does not say its format"),
        (whole.replace(b"float y", b"float x"), "two properties of one name"),
        (whole.replace(b"vertex", b"corner"), "no points"),
        (whole.replace(b"float x", b"float u"), "no points"),
        (whole.replace(b"vertex 40", b"vertex 0"), "holds 0 splats"),
        (whole.replace(b"vertex 40", b"vertex 9000000"), "9,000,000 splats; it can have 1 to 1,000,000"),
        (packed(chunks=1), "bounds of some are missing"),
        (packed(rest=299), "harmonics of some"),
        (packed()[:-1], "cut off"),
    ]  # fmt: skip
    for file, words in cases:
        with pytest.raises(SceneError, match=re.escape(words)) as error:
            scenes.from_ply(file)
        assert str(error.value).endswith(".") and "\n" not in str(error.value), error.value


@pytest.mark.parametrize("change", [lambda b, k: b[:k], lambda b, k: b[:k] + bytes([255 - b[k]]) + b[k + 1 :]])
@pytest.mark.parametrize("form", [*FORMATS, "packed"])
def test_whatever_is_cut_or_changed_is_read_or_refused(change: Callable[[bytes, int], bytes], form: str) -> None:
    parts = [lists(form, [3, 4, 5]), element(points(9), form=form)] if form != "packed" else []
    file = ply(*parts, form=form) if parts else packed(5)
    for k in range(0, len(file), 1 if len(file) < 600 else 3):
        try:
            scenes.from_ply(change(file, k))
        except SceneError as error:
            assert str(error).endswith(".")


@pytest.mark.parametrize("kind", scenes.UNREAD)
def test_formats_that_are_not_read_are_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / f"a{kind.upper()}").write_bytes(b"PK\x03\x04")
    with pytest.raises(SceneError, match=rf"This is a \{kind} file, .*export it as \.ply"):
        scenes.load_gaussians(tmp_path / f"a{kind.upper()}")


def test_of_a_large_file_the_largest_are_shown_in_little_memory(tmp_path: Path) -> None:
    random, n = np.random.default_rng(0), SHOWN + 20_000
    names = [*"xyz", *(f"f_dc_{k}" for k in range(3)), *(f"f_rest_{k}" for k in range(45)), "opacity"]
    names += [f"scale_{k}" for k in range(3)] + [f"rot_{k}" for k in range(4)]
    table = random.standard_normal((n, len(names)), np.float32)
    table[:20_000, names.index("scale_0")] = -15
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {n}\n" + "".join(
        f"property float {x}\n" for x in names
    )
    path = tmp_path / "a.ply"
    path.write_bytes(f"{head}end_header\n".encode() + table.tobytes())
    tracemalloc.start()
    splats, note = scenes.read_gaussians(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(splats) == SHOWN and note == f"Shown: {SHOWN:,} of {n:,} splats."
    assert splats.scales.min() > -10
    assert peak < 3.5 * path.stat().st_size
