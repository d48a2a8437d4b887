"""PLY (Turk 1994): the header, and the elements' rows as columns of numbers; ASCII and both binary byte orders.

A file is read as something a stranger sent: nothing that the header promises is believed before the bytes are there.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

HEADER = 200_000  # bytes of a header at most
WALKED = 2_000_000  # rows with lists of different lengths at most, since they are read one by one
BLOCK = 16_384  # rows that are copied at a time, so that they stay in the processor's cache
TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "int64": "i8",
    "uint64": "u8", "float": "f4", "double": "f8", "float32": "f4", "float64": "f8",
}  # fmt: skip
COUNTS = ("i1", "u1", "i2", "u2", "i4", "u4")  # types that the length of a list can have
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
END = re.compile(rb"[\r\n]end_header[ \t]*(\r\n|\n|\r)")
NOT_A_NUMBER = re.compile(rb"[-+]?(nan\([^)\s]*\)|1\.#\w+)", re.IGNORECASE)  # as Microsoft's C wrote it

AGAIN = "save or download it anew"
Columns = dict[str, np.ndarray]  # of an element: a property's name and its numbers, one a row; lists are left out


class SceneError(ValueError):
    """A file holds no splats that can be read. The message is one sentence that says what to do."""


@dataclass(frozen=True)
class Property:
    """One number a row; or a list of them, whose length has the type `count`."""

    name: str
    type: str
    count: str = ""


@dataclass(frozen=True)
class Element:
    name: str
    count: int
    properties: tuple[Property, ...]

    @property
    def has_lists(self) -> bool:
        return any(p.count for p in self.properties)

    def dtype(self, order: str, lengths: tuple[int, ...] = ()) -> np.dtype:
        """A row's layout where its lists have these lengths."""
        fields, rest = [], iter(lengths)
        for k, p in enumerate(self.properties):
            if p.count:  # no property's name has a space in it
                fields += [(f"length {k}", order + p.count), (f"list {k}", order + p.type, (next(rest),))]
            else:
                fields.append((p.name, order + p.type))
        return np.dtype(fields)


@dataclass(frozen=True)
class Header:
    order: str  # "<" or ">"; "" is ASCII
    elements: tuple[Element, ...]
    size: int  # bytes

    def find(self, name: str) -> Element | None:
        return next((element for element in self.elements if element.name == name), None)


def parse_header(file: bytes) -> Header:
    """Comments and obj_info may stand anywhere, lines end as on any system. Raises SceneError."""
    if not re.match(rb"ply[ \t]*[\r\n]", file):
        raise SceneError("This is no PLY file; choose one that a splatting program saved.")
    end = END.search(file[:HEADER])
    if not end:
        raise SceneError(f"This PLY file's header has no end; {AGAIN}.")
    size = end.end()
    if end[1] == b"\r\n" and b"\n" not in file[: end.start(1)]:
        size -= 1  # lines end with \r alone, and the first byte after the header happens to be \n
    order, elements, properties = None, [], []
    for line in re.split(r"[\r\n]+", file[: end.start()].decode("latin-1"))[1:]:
        match line.split():
            case ["format", name, "1.0"] if name in ORDERS:
                order = ORDERS[name]
            case ["element", name, count] if re.fullmatch("[0-9]{1,12}", count):
                elements.append((name, int(count), properties := []))
            case ["property", "list", count, kind, name] if elements and TYPES.get(count) in COUNTS and kind in TYPES:
                properties.append(Property(name, TYPES[kind], TYPES[count]))
            case ["property", kind, name] if elements and kind in TYPES:
                properties.append(Property(name, TYPES[kind]))
            case ["format" | "element" | "property", *_]:
                raise SceneError(f'The line "{_shorten(line)}" in this PLY file\'s header is not valid; {AGAIN}.')
    if order is None:
        raise SceneError(f"This PLY file's header does not say its format; {AGAIN}.")
    for name, _, properties in elements:
        if len({p.name for p in properties}) < len(properties):
            raise SceneError(
                f'The element "{_shorten(name)}" of this PLY file has two properties of one name; {AGAIN}.'
            )
    return Header(order, tuple(Element(name, count, tuple(parts)) for name, count, parts in elements), size)


def _shorten(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line.strip())[:60]


def _cut_off() -> SceneError:
    return SceneError(f"This PLY file is cut off: it ends before its last row; {AGAIN}.")


def read_elements(file: bytes, header: Header, names: set[str]) -> dict[str, Columns]:
    """The columns of the elements with these names; nothing after the last of them is looked at. Raises SceneError."""
    result: dict[str, Columns] = {}
    at, lines = header.size, _lines(file, header.size) if not header.order else iter(())
    for element in header.elements:
        if header.order:
            columns, at = read_binary(file, at, element, header.order)
        elif element.name in names:
            columns = read_ascii(lines, element)
        else:
            columns, _ = {}, sum(1 for _ in islice(lines, element.count if element.properties else 0))
        if element.name in names:
            result.setdefault(element.name, columns)
        if len(result) == len(names):
            break
    return result


# --- ASCII


def _lines(file: bytes, start: int) -> Iterator[bytes]:
    """The lines of a body that are not empty."""
    if file.find(b"(", start) >= 0 or file.find(b"#", start) >= 0:
        file, start = NOT_A_NUMBER.sub(b"nan", file[start:]), 0
    if file.find(b"\n", start) < 0:
        file, start = file[start:].replace(b"\r", b"\n"), 0
    stream = io.BytesIO(file)
    stream.seek(start)
    return (line for line in stream if not line.isspace())


def read_ascii(lines: Iterator[bytes], element: Element) -> Columns:
    """An element's rows, each on a line of its own. Raises SceneError."""
    if not element.count or not element.properties:
        return {}
    first = next(lines, None)
    if first is None:
        raise _cut_off()
    rows = chain([first], islice(lines, element.count - 1))
    try:
        if element.has_lists:  # as if it were a binary file of doubles
            doubles = tuple(Property(p.name, "f8", p.count and "f8") for p in element.properties)
            numbers = np.fromstring(b"".join(rows), np.float64, sep=" ")
            columns, _ = read_binary(numbers.tobytes(), 0, Element(element.name, element.count, doubles), "=")
        else:  # whole numbers may be written as 255.0
            kinds = [(p.name, p.type if p.type == "f4" else "f8") for p in element.properties]
            table = np.loadtxt(rows, np.dtype(kinds), comments=None, ndmin=1)
            if len(table) < element.count:
                raise _cut_off()
            columns = {p.name: table[p.name] for p in element.properties}
    except ValueError as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(
            f"A row of this PLY file does not hold the numbers that the header promises; {AGAIN}."
        ) from None
    with np.errstate(invalid="ignore"):
        return {p.name: columns[p.name].astype(p.type, copy=False) for p in element.properties if not p.count}


# --- binary


def read_binary(file: bytes, start: int, element: Element, order: str) -> tuple[Columns, int]:
    """An element's rows, as views of the file where all are laid out alike, and where the next element begins.

    Raises SceneError.
    """
    if not element.count or not element.properties:
        return {}, start
    lengths = _walk(file, start, Element(element.name, 1, element.properties), order)[2] if element.has_lists else ()
    row = element.dtype(order, lengths)
    end = start + element.count * row.itemsize
    if end <= len(file):
        table = np.frombuffer(file, row, element.count, start)
        mine = (name for name in row.names or () if name.startswith("length "))
        if all((table[name] == length).all() for name, length in zip(mine, lengths, strict=True)):
            return {p.name: table[p.name] for p in element.properties if not p.count}, end
    if not element.has_lists:
        raise _cut_off()
    if element.count > WALKED:
        raise SceneError(
            f"This PLY file has more than {WALKED:,} lists of different lengths; save it anew without its faces."
        )
    begins, end, _ = _walk(file, start, element, order)
    columns: Columns = {}
    raw = np.frombuffer(file, np.uint8)
    for (fields, _), begin in zip(_stretches(element, order), begins, strict=True):
        table = np.empty(element.count, fields)
        if fields.itemsize:
            target, inside = table.view(np.uint8).reshape(element.count, -1), np.arange(fields.itemsize)
            for k in range(0, element.count, BLOCK):
                target[k : k + BLOCK] = raw[begin[k : k + BLOCK, None] + inside]
        columns |= {name: table[name] for name in fields.names or ()}
    return columns, end


def _stretches(element: Element, order: str) -> list[tuple[np.dtype, Property | None]]:
    """A row's numbers up to each list, with that list; and those after the last one."""
    parts: list[tuple[list[tuple[str, str]], Property | None]] = [([], None)]
    for p in element.properties:
        if p.count:
            parts[-1] = (parts[-1][0], p)
            parts.append(([], None))
        else:
            parts[-1][0].append((p.name, order + p.type))
    return [(np.dtype(fields), array) for fields, array in parts]


def _walk(file: bytes, start: int, element: Element, order: str) -> tuple[np.ndarray, int, tuple[int, ...]]:
    """Where each row's stretches begin, (stretches, rows); where the last row ends; and the lengths of its lists."""
    steps = []
    for fields, array in _stretches(element, order):
        counter = struct.Struct(order + np.dtype(array.count).char) if array else None
        steps.append((fields.itemsize, counter, np.dtype(array.type).itemsize if array else 0))
    least = sum(size + counter.size if counter else size for size, counter, _ in steps)  # bytes of a row
    if start + element.count * least > len(file):
        raise _cut_off()
    begins, at = np.empty((len(steps), element.count), np.int64), start
    lengths: list[int] = []
    try:
        for row in range(element.count):
            lengths = []
            for k, (size, counter, width) in enumerate(steps):
                begins[k, row] = at
                at += size
                if counter:
                    (length,) = counter.unpack_from(file, at)
                    lengths.append(int(length))
                    if length < 0:
                        raise ValueError
                    at += counter.size + lengths[-1] * width
            if at > len(file):
                raise _cut_off()
    except struct.error:
        raise _cut_off() from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"A list in this PLY file has no valid length; {AGAIN}.") from None
    return begins, at, tuple(lengths)


def stack(columns: Columns, *names: str, dtype: type = np.float32) -> np.ndarray:
    """Some columns side by side: (rows, names)."""
    table = np.empty((len(columns[names[0]]), len(names)), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(0, len(table), BLOCK):
            for i, name in enumerate(names):
                table[k : k + BLOCK, i] = columns[name][k : k + BLOCK]
    return table
