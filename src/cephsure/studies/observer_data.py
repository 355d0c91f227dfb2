"""Reads the nine further observers of ISBI 2015: some landmarks of some of the films, in mm.

``AnnotationsByMD/nine_observers_5_landmarks/observerN.csv`` has no heading; a line is a film's name and then
x, y of five landmarks in mm of the film (0.1 mm a pixel). Wang et al. 2016 asked them for landmarks 9, 10, 3,
12 and 15, in this order.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.isbi import ISBI_SPACING, looks_like_isbi
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets.annotated_film import Dataset

OBSERVERS_FOLDER = "nine_observers_5_landmarks"
OBSERVED_LANDMARKS = (9, 10, 3, 12, 15)
"""Numbers of the landmarks, in the files' order."""


@dataclass(frozen=True, slots=True)
class Observers:
    """What further observers marked.

    Attributes:
        names: the O observers.
        film_ids: the F films that at least one of them marked, sorted.
        numbers: the K landmarks.
        points_px: (O, F, K, 2) positions (x, y) in px of the film, NaN where an observer did not mark a film.
    """

    names: tuple[str, ...]
    film_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    points_px: NDArray[np.float64]


def read_observers(root: Path) -> Observers | None:
    """Read the observers' files of a folder laid out as the challenge ships it.

    Args:
        root: the folder that holds ``RawImage`` and ``AnnotationsByMD``.

    Returns:
        What they marked, or None if the folder has no such files.

    Raises:
        AnnotationError: a file is malformed; names file and line.
    """
    files = sorted((root / "AnnotationsByMD" / OBSERVERS_FOLDER).glob("observer*.csv"))
    marked = {path.stem: _read_file(path) for path in files}
    if not marked:
        return None
    film_ids = sorted({film_id for films in marked.values() for film_id in films})
    nothing = np.full((len(OBSERVED_LANDMARKS), 2), np.nan)
    points = [[films.get(film_id, nothing) for film_id in film_ids] for films in marked.values()]
    return Observers(tuple(marked), tuple(film_ids), OBSERVED_LANDMARKS, np.array(points, dtype=np.float64))


def observers_of(dataset: Dataset) -> Observers | None:
    """The observers of an ISBI data set that was opened, found from where its films lie.

    Args:
        dataset: the data set.

    Returns:
        What they marked, or None if the data set is of another layout or came without their files.

    Raises:
        AnnotationError: a file is malformed; names file and line.
    """
    # ROOT/RawImage/TrainingData/001.bmp
    roots = {film.path.parents[2] for film in dataset.films if len(film.path.parents) > 2}
    if len(roots) != 1:
        return None
    root = roots.pop()
    return read_observers(root) if looks_like_isbi(root) else None


def _read_file(path: Path) -> dict[str, NDArray[np.float64]]:
    """Film -> (K, 2) positions in px."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError("cannot be read as text", where=path) from error
    films: dict[str, NDArray[np.float64]] = {}
    for number, cells in enumerate(csv.reader(lines), start=1):
        if not any(cell.strip() for cell in cells):
            continue
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
        values = [float(cell) for cell in cells]
    except ValueError as error:
        raise AnnotationError(f"a position is not a number: {', '.join(cells)[:60]}", where=where) from error
    if not all(map(math.isfinite, values)):
        raise AnnotationError(f"a position is not finite: {', '.join(cells)[:60]}", where=where)
    scale = (ISBI_SPACING.x_mm_per_px, ISBI_SPACING.y_mm_per_px)
    positions: NDArray[np.float64] = np.array(values, dtype=np.float64).reshape(count, 2) / scale
    return positions
