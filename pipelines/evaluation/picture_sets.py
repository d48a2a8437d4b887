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


def center_square(path: Path | bytes, side: int) -> UInt8[np.ndarray, "s s 3"]:
    """A picture file's middle square. Raises ValueError with one sentence."""
    return images.center_crop(np.asarray(images.to_rgb(images.load_image(path, "file"))), side)


@dataclass
class PictureSet:
    """The pictures of files, folders and zips; what was left out, and why, is known when they were read."""

    paths: list[Path]
    left_out: Counter[str] = field(default_factory=Counter)  # reason: how many

    def __post_init__(self) -> None:
        """Raises ValueError with one sentence where nothing is there, or too much."""
        if missing := next((path for path in self.paths if not path.exists()), None):
            raise ValueError(f"There is nothing at {missing}: check the path.")
        count = 0
        for _ in self._entries():
            count += 1
            if count > MOST:
                raise ValueError(f"These are more than {MOST:,} files: give a part of them.")
        self.count = count  # of files that could be pictures
        if not count:
            raise ValueError("There is no file in it: give a folder or a zip of pictures.")

    def _entries(self) -> Iterator[tuple[Path, zipfile.ZipInfo | None]]:
        """Every file, in the order of their names; those of a zip with their entry."""
        for path in self.paths:
            files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            for file in files:
                if not zipfile.is_zipfile(file):
                    if not hidden(file.name):
                        yield file, None
                    continue
                try:
                    with zipfile.ZipFile(file) as archive:
                        entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
                except (zipfile.BadZipFile, ValueError, NotImplementedError):
                    raise ValueError(f"The zip {file.name} is damaged: pack it anew.") from None
                yield from ((file, entry) for entry in entries if not entry.is_dir() and not hidden(entry.filename))

    def read(self, side: int) -> Iterator[UInt8[np.ndarray, "s s 3"]]:
        """One picture after another: its middle square, at `side` pixels."""
        self.left_out.clear()
        archive: zipfile.ZipFile | None = None
        try:
            for file, entry in self._entries():
                try:
                    if entry is None:
                        yield center_square(file, side)
                        continue
                    if archive is None or archive.filename != str(file):
                        archive = zipfile.ZipFile(file)
                    yield center_square(unpack(archive, entry), side)
                except ValueError as error:
                    self.left_out[str(error).removeprefix("the file ")] += 1
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
