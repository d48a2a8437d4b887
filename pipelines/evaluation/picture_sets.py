"""Sets of pictures that people bring to be measured: folders, zips and single files, read one picture at a time and
never unpacked to the disk."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pipelines.media import images

MOST = 100_000  # files of a set
UNPACKED = 4_000_000_000  # bytes of a set's zips: more is a bomb


class SetError(ValueError):
    """A set cannot be measured. The message is one sentence that says what to do."""


def center_square(path: Path | bytes, side: int) -> UInt8[np.ndarray, "s s 3"]:
    """A picture file's middle square. Raises ValueError with one sentence."""
    return images.center_crop(np.asarray(images.to_rgb(images.load_image(path, "file"))), side)


@dataclass
class PictureSet:
    """The pictures of files, folders and zips; what was left out, and why, is known when they were read."""

    paths: list[Path]
    left_out: Counter[str] = field(default_factory=Counter)  # reason: how many

    def __post_init__(self) -> None:
        """Raises SetError where nothing is there, or too much."""
        if missing := next((path for path in self.paths if not path.exists()), None):
            raise SetError(f"There is nothing at {missing}: check the path.")
        count = 0
        for _ in self._entries():
            count += 1
            if count > MOST:
                raise SetError(f"These are more than {MOST:,} files: give a part of them.")
        self.count = count  # of files that could be pictures
        if not count:
            raise SetError("There is no file in it: give a folder or a zip of pictures.")

    def _entries(self) -> Iterator[tuple[Path, zipfile.ZipInfo | None]]:
        """Every file, in the order of their names; those of a zip with their entry."""
        for path in self.paths:
            files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            for file in files:
                if not zipfile.is_zipfile(file):
                    if not hidden(str(file.relative_to(path) if path.is_dir() else file.name)):
                        yield file, None
                    continue
                try:
                    with zipfile.ZipFile(file) as archive:
                        entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
                except (zipfile.BadZipFile, ValueError, NotImplementedError):
                    raise SetError(f"The zip {file.name} is damaged: pack it anew.") from None
                yield from ((file, entry) for entry in entries if not entry.is_dir() and not hidden(entry.filename))

    def read(self, side: int) -> Iterator[UInt8[np.ndarray, "s s 3"] | None]:
        """One picture after another, its middle square at `side` pixels; None for what is left out."""
        self.left_out.clear()
        archive: zipfile.ZipFile | None = None
        unpacked = 0
        try:
            for file, entry in self._entries():
                try:
                    if entry is None:
                        picture = center_square(file, side)
                    else:
                        if archive is None or archive.filename != str(file):
                            archive = zipfile.ZipFile(file)
                        content = unpack(archive, entry)
                        unpacked += len(content)
                        picture = center_square(content, side)
                except ValueError as error:
                    self.left_out[str(error).removeprefix("the file ")] += 1
                    picture = None
                if unpacked > UNPACKED:
                    raise SetError("These zips hold more than 4 GB: give a part of them.")
                yield picture
        finally:
            if archive is not None:
                archive.close()


def hidden(name: str) -> bool:
    """What systems put beside files: no picture of anybody's."""
    return any(part.startswith((".", "__MACOSX")) for part in Path(name).parts if part not in (".", ".."))


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, as many as a picture may have. What its header says is not believed: bombs lie. Raises
    ValueError."""
    try:
        with archive.open(entry) as file:
            content = file.read(images.BYTES + 1)
    except Exception:  # encrypted, damaged, or packed by a method that is not known here
        raise ValueError("the file cannot be unpacked") from None
    if len(content) > images.BYTES:
        raise ValueError(f"the file is larger than {images.BYTES // 1_000_000} MB")
    return content
