"""Text files of one film each: a line x,y a landmark, in the landmark set's order, as ISBI 2015 has them.

The film is called as the file, and lies beside it or in the folder of images. Lines after the last landmark
are passed over, as in the challenge's files, and so are empty ones. Positions are taken as they stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cephsure.datasets.label_file import LabelFile, LabelFormat
from cephsure.datasets.slicer import film_of
from cephsure.datasets.table_file import number

if TYPE_CHECKING:
    from cephsure.datasets.builder import DatasetBuilder

_NUMBER = r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|na)"
_LINE = re.compile(rf"\s*({_NUMBER})\s*[,;\t ]\s*({_NUMBER})\s*", re.IGNORECASE)


def looks_like_text(file: LabelFile) -> bool:
    """Whether a file begins with lines of two numbers."""
    lines = [line for line in file.text[:2000].splitlines() if line.strip()][:2]
    return bool(lines) and all(_LINE.fullmatch(line) for line in lines)


def add_text(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    count = len(builder.landmark_set)
    lines = [(line, text) for line, text in enumerate(file.text.splitlines(), start=1) if text.strip()]
    if len(lines) < count:
        raise file.error(f"has {len(lines)} lines, expected {count} of the form x,y")
    annotator, path = file.folder_name, film_of(file, builder)
    builder.add_film(path, annotator=annotator, is_named=False, where=file.path)
    for label, (line, text) in enumerate(lines[:count], start=1):
        with builder.entry("line"):
            found = _LINE.fullmatch(text)
            if found is None:
                raise file.error(f"expected x,y in pixels, found {text[:40]!r}", line=line)
            x, y = (number(cell, where=f"{file.path}:{line}") for cell in found.groups())
            if x is not None and y is not None:
                builder.add_mark(path, annotator, label, x, y)


TEXT = LabelFormat(
    name="text", title="text file of x,y lines", suffixes=(".txt",), looks_like=looks_like_text, add=add_text
)
