"""Points of a data set that has a landmark set of its own, given to a model of another set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.errors import AnnotationError
from cephsure.landmarks import LandmarkSet, load_landmark_set, match_labels

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.landmarks import LabelKind


def shared_rows(own: LandmarkSet, builder: DatasetBuilder) -> dict[int, int]:
    """Rows of a set's landmarks with their rows in the builder's set; a problem says how many it lacks."""
    rows = own.rows_of(builder.landmark_set)
    if len(rows) < len(own):
        line = (
            f"{len(own) - len(rows)} of the {len(own)} landmarks of {own.name} are not defined alike in "
            f"{builder.landmark_set.name}; left out"
        )
        if line not in builder.problems:
            builder.problems.append(line)
    return rows


class OtherSet:
    """Adds points by what the data set's own set calls them; those without counterpart are left out."""

    def __init__(self, name: str, builder: DatasetBuilder, where: Path) -> None:
        self._own, self._builder, self._where = load_landmark_set(name), builder, where
        self._rows = shared_rows(self._own, builder)

    def add_mark(self, path: Path, annotator: str, label: str | int, x_px: float, y_px: float) -> None:
        """Add one point; `AnnotationError` where the data set's landmark set has no such landmark."""
        # A code of ours for the number of theirs would be read wrongly: numbers stay numbers.
        how: LabelKind = "numbers" if isinstance(label, int) or label.strip().isdigit() else "names"
        row = None
        if str(label).strip().lstrip("0"):
            row = next(iter(match_labels(self._own, [label, *self._own.codes], how).values()))
        if row is None:
            raise AnnotationError(f"{label!r} is no landmark of {self._own.name}", where=self._where)
        if row in self._rows:
            code = self._builder.landmark_set.codes[self._rows[row]]
            self._builder.add_mark(path, annotator, code, x_px, y_px)
