"""The nine further observers of ISBI 2015.

``AnnotationsByMD/nine_observers_5_landmarks/observerN.csv`` has no heading; a line is a film's name and then
x, y of five landmarks in mm of the film (0.1 mm a pixel). Wang et al. 2016 asked them for landmarks 9, 10, 3,
12 and 15, in this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cephsure.datasets.isbi import ISBI_SPACING, looks_like_isbi
from cephsure.errors import AnnotationError
from cephsure.text_files import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset

OBSERVED_LANDMARKS = (9, 10, 3, 12, 15)
"""Numbers of the landmarks, in the files' order."""


Observers = dict[str, dict[str, NDArray[np.float64]]]
"""By observer and film that this one marked (K, 2) positions (x, y) of ``OBSERVED_LANDMARKS`` in px."""


def read_observers(root: Path) -> Observers:
    """Read the observers' files of a folder that holds ``AnnotationsByMD``; empty if there are none.

    Raises:
        AnnotationError: a file is malformed; names file and line.
    """
    files = sorted((root / "AnnotationsByMD" / "nine_observers_5_landmarks").glob("observer*.csv"))
    return {path.stem: _read_file(path) for path in files}


def observers_of(dataset: Dataset) -> Observers:
    """What further observers of an ISBI data set marked, found from where its films lie.

    Empty if the data set is of another layout or came without their files.

    Raises:
        AnnotationError: a file is malformed; names file and line.
    """
    # ROOT/RawImage/TrainingData/001.bmp
    roots = {film.path.parents[2] for film in dataset.films if len(film.path.parents) > 2}
    root = roots.pop() if len(roots) == 1 else None
    return read_observers(root) if root is not None and looks_like_isbi(root) else {}


def _read_file(path: Path) -> dict[str, NDArray[np.float64]]:
    """Film -> (K, 2) positions in px."""
    films: dict[str, NDArray[np.float64]] = {}
    for number, cells in read_rows(path, kind=AnnotationError):
        where = f"{path}:{number}"
        film_id = cells[0].strip()
        if film_id in films:
            raise AnnotationError(f"film {film_id} stands here a second time", where=where)
        films[film_id] = _points_px(cells[1:], where=where)
    return films


def _points_px(cells: list[str], *, where: str) -> NDArray[np.float64]:
    count = len(OBSERVED_LANDMARKS)
    if len(cells) != 2 * count:
        raise AnnotationError(
            f"expected a film and {count} pairs x,y in mm, found {len(cells)} numbers", where=where
        )
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise AnnotationError(f"a position is not a number: {', '.join(cells)[:60]}", where=where) from error
    if not np.isfinite(values).all():
        raise AnnotationError(f"a position is not finite: {', '.join(cells)[:60]}", where=where)
    return values.reshape(count, 2) / (ISBI_SPACING.x_mm_per_px, ISBI_SPACING.y_mm_per_px)
