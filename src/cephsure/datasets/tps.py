"""tpsDig's .tps: blocks of LM=, positions in the landmark set's order, IMAGE=, ID=, SCALE=.

y counts from the film's lower edge, so the film must be there: y = height - 1 - y_tps, the centre of the
first pixel of the lowest row at (0, 0). tpsDig's manual does not say whether it counts from the pixel's
centre or its corner; up to one pixel may be between the two. Negative positions are missing points. SCALE= is
a length a pixel whose unit the file does not say, and is not used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cephsure.datasets.film_files import film_size
from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.datasets.table_file import number
from cephsure.errors import AnnotationError
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder

_KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*")


class _Block:
    """A film's block: its keys, its positions with their lines, where it begins."""

    def __init__(self, line: int, count: str) -> None:
        self.line, self.keys = line, {"LM": count}
        self.positions: list[tuple[int, str]] = []


def looks_like_tps(file: LabelFile) -> bool:
    """Whether a file has a line LM= or LM3=."""
    return re.search(r"^\s*LM3?\s*=\s*\d+\s*$", file.text, re.MULTILINE | re.IGNORECASE) is not None


def add_tps(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    scaled = False
    for block in _blocks(file):
        with builder.entry("film"):
            _add_block(file, block, builder)
            scaled = scaled or "SCALE" in block.keys
    if scaled:
        builder.problems.append(
            f"{file.path.name}: SCALE= has no unit and is not used; --mm-per-px gives the scale"
        )


def _blocks(file: LabelFile) -> Iterator[_Block]:
    """The films' blocks; positions of curves and outlines are passed over."""
    block, wanted = None, 0
    for line, text in enumerate(file.text.splitlines(), start=1):
        key = _KEY.fullmatch(text)
        if key is None:
            if block is not None and wanted and text.strip():
                block.positions.append((line, text))
                wanted -= 1
            continue
        name, value = key[1].upper(), key[2]
        if name in ("LM", "LM3"):
            if block is not None:
                yield block
            block = _Block(line, value if name == "LM" else "")
            wanted = int(value) if value.isascii() and value.isdigit() and len(value) < 7 else 0
        elif block is not None:
            wanted = 0
            block.keys.setdefault(name, value)
    if block is not None:
        yield block


def _add_block(file: LabelFile, block: _Block, builder: DatasetBuilder) -> None:
    where, count = f"{file.path}:{block.line}", len(builder.landmark_set)
    if not block.keys["LM"]:
        raise AnnotationError("LM3= are three-dimensional points; those of a film are LM=", where=where)
    if block.keys["LM"] != str(len(block.positions)):
        raise AnnotationError(
            f"LM={block.keys['LM'][:20]}, but {len(block.positions)} positions follow", where=where
        )
    if len(block.positions) != count:
        raise AnnotationError(
            f"has {len(block.positions)} landmarks, {builder.landmark_set.name} has {count}", where=where
        )
    path = _film(file, block, builder, where)
    size_px = film_size(path)
    if size_px is None:
        raise AnnotationError(
            f"the film {path.name[:80]} is not there: y is counted from its lower edge",
            where=where,
            remedy="put the films beside the file, or give their folder with --images",
        )
    annotator = file.stem
    builder.add_film(path, annotator=annotator, where=where)
    for label, (line, text) in enumerate(block.positions, start=1):
        with builder.entry("point"):
            cells = text.split()
            at = [number(cell, where=f"{file.path}:{line}") for cell in cells]
            if len(at) != 2:
                raise AnnotationError("a position must be two numbers", where=f"{file.path}:{line}")
            x, y = at
            if x is not None and y is not None and not (x < 0 and y < 0):
                if not (abs(x) < 1e9 and abs(y) < 1e9):
                    raise AnnotationError("a position is not finite", where=f"{file.path}:{line}")
                builder.add_mark(path, annotator, label, x, size_px[1] - 1 - y)


def _film(file: LabelFile, block: _Block, builder: DatasetBuilder, where: str) -> Path:
    folder = file.path.parent
    reference = block.keys.get("IMAGE") or block.keys.get("ID")
    if not reference:
        raise AnnotationError("names no film (IMAGE= or ID=)", where=where)
    path = builder.film(reference, folder)
    if is_file(path):
        return path
    return builder.finder.find_stem(reference, [folder, folder / "images"]) or path


TPS = LabelFormat(
    name="tps", title="tpsDig file", suffixes=(".tps",), looks_like=looks_like_tps, add=add_tps, writes="tps"
)
