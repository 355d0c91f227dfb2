"""Panels of observers who marked the same points, to stand beside the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cephsure.datasets.observers import OBSERVED_LANDMARKS, observers_of
from cephsure.datasets.splits import TRAIN
from cephsure.studies.cases import marked_by, truths_px
from cephsure.studies.statistics.intervals import mean_of_known

if TYPE_CHECKING:
    from cephsure.datasets import Dataset
    from cephsure.studies.held_out import HeldOut

Points = NDArray[np.float64]
"""(O, F, L, 2) points of O observers on F films, NaN where one did not mark a point."""


def spread_of_observers(points: Points) -> NDArray[np.float64]:
    """(F, L) mean distance of the observers' points to their mean, of two observers half their distance.

    NaN where fewer than two observers marked the point.
    """
    distances = _length(points - mean_of_known(points, axis=0))
    marked = np.isfinite(distances).sum(axis=0)
    return np.where(marked > 1, mean_of_known(distances, axis=0), np.nan)


def without_offsets(points: Points) -> Points:
    """Take each observer's systematic displacement off, landmark by landmark.

    An observer who always sets a landmark a little lower than the others has another convention; what remains
    is how the observers differ on the single film: the points less the mean over films of (observer minus
    mean of the observers).
    """
    offsets = mean_of_known(points - mean_of_known(points, axis=0), axis=1)  # (O, L, 2)
    return points - offsets[:, np.newaxis]


def distance_to_the_others(points: Points) -> NDArray[np.float64]:
    """(O, F, L) distance of each observer's point to the mean of the others'; NaN where there is none."""
    everyone = np.arange(len(points))
    others = np.stack([mean_of_known(points[everyone != observer], axis=0) for observer in everyone])
    return _length(points - others)


def _length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not the norm, whose rounding makes other ties among points in whole tenths of a millimetre.
    return np.hypot(vectors[..., 0], vectors[..., 1])


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Observers of the same points on films that no model was trained on.

    Attributes:
        title: who they are.
        names: the O observers.
        rows: (F,) which of the held-out films.
        columns: (K,) which of the landmarks.
        points_mm: (O, F, K, 2) positions in mm, NaN where one did not mark a point.
    """

    title: str
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    points_mm: NDArray[np.float64]

    @property
    def quantity(self) -> str:
        """What ``disagreement_mm`` is, in words."""
        return "distance of the two" if len(self.names) == 2 else f"spread of the {len(self.names)}"

    def disagreement_mm(self, *, corrected: bool) -> NDArray[np.float64]:
        """(F, K) mean distance of the observers to their mean; of two observers their distance.

        Where ``corrected``, each observer's systematic displacement is taken off first.
        """
        points = without_offsets(self.points_mm) if corrected else self.points_mm
        return spread_of_observers(points) * (2.0 if len(self.names) == 2 else 1.0)

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The panel's films and landmarks of an array (N, L, ...) of all held-out films."""
        return values[np.ix_(self.rows, self.columns)]


def expert_panel(held: HeldOut) -> Panel | None:
    """The data set's own annotators on every landmark, or None if there is only one."""
    names = marked_by(held.items)
    if len(names) < 2:
        return None
    rows = np.flatnonzero(held.groups[held.cleanest])
    columns = np.arange(len(next(iter(held.tables.values())).numbers))
    title = "two experts" if len(names) == 2 else f"{len(names)} annotators"
    return Panel(title, names, rows, columns, _annotated_mm(held, rows, columns))


@dataclass(frozen=True, slots=True)
class Observed:
    """The panel of annotators and further observers, and what became of the films that the latter marked.

    Attributes:
        panel: annotators first.
        n_films: films that the further observers marked, of which
        n_training: are training films,
        n_elsewhere: are of another test split,
        n_leaked: show the exposure of a training film.
    """

    panel: Panel
    n_films: int
    n_training: int
    n_elsewhere: int
    n_leaked: int


def observer_panel(dataset: Dataset, held: HeldOut) -> Observed | None:
    """Annotators and further observers on the landmarks that all marked; None without further observers.

    Raises:
        AnnotationError: an observer's file is malformed.
    """
    further = observers_of(dataset)
    marked = {film_id for films in further.values() for film_id in films}
    ours = [film for film in dataset.films if film.film_id in marked]
    n_training = sum(film.split == TRAIN for film in ours)
    in_test = np.array([item.film_id in marked for item in held.items])
    rows = np.flatnonzero(in_test & held.groups[held.cleanest])
    if not rows.size:
        return None
    numbers, names = next(iter(held.tables.values())).numbers, (*marked_by(held.items), *further)
    columns = np.array([numbers.index(number) for number in OBSERVED_LANDMARKS])
    nothing = np.full((len(columns), 2), np.nan)
    further_px = [[films.get(held.items[row].film_id, nothing) for row in rows] for films in further.values()]
    further_mm = np.array(further_px) * held.mm_per_px[rows][:, np.newaxis, :]
    points_mm = np.concatenate([_annotated_mm(held, rows, columns), further_mm])
    return Observed(
        panel=Panel(f"{len(names)} observers", names, rows, columns, points_mm),
        n_films=len(ours),
        n_training=n_training,
        n_elsewhere=len(ours) - n_training - int(in_test.sum()),
        n_leaked=int(in_test.sum()) - len(rows),
    )


def _annotated_mm(held: HeldOut, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Points:
    """What the data set's annotators marked on some films and landmarks, in mm."""
    points_px = [truths_px(held.items, name)[np.ix_(rows, columns)] for name in marked_by(held.items)]
    return np.stack(points_px) * held.mm_per_px[rows][:, np.newaxis, :]
