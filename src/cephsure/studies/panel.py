"""Panels of observers who marked the same points, to be compared with models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.splits import TRAIN
from cephsure.studies.films import marked_by, truths_px
from cephsure.studies.observer_data import observers_of
from cephsure.studies.statistics.agreement import distance_to_the_others, spread_of_observers, without_offsets
from cephsure.studies.statistics.known_mean import mean_of_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import Dataset
    from cephsure.studies.held_out import HeldOut
    from cephsure.studies.observer_data import Observers


@dataclass(frozen=True, slots=True)
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

        Args:
            corrected: first take each observer's systematic displacement off, landmark by landmark.
        """
        points = without_offsets(self.points_mm) if corrected else self.points_mm
        return spread_of_observers(points) * (2.0 if len(self.names) == 2 else 1.0)

    def mean_mm(self) -> NDArray[np.float64]:
        """(F, K, 2) mean of the observers."""
        return mean_of_known(self.points_mm, axis=0)

    def distances_mm(self) -> NDArray[np.float64]:
        """(O, F, K) distance of each observer to the mean of the others."""
        return distance_to_the_others(self.points_mm)

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
    points = np.stack([truths_px(held.items, name) for name in names])[:, rows]
    return Panel(_title(names), names, rows, columns, _to_mm(points, held, rows))


def _title(names: Sequence[str]) -> str:
    """Title of a panel of the data set's own annotators."""
    return "two experts" if len(names) == 2 else f"{len(names)} annotators"


@dataclass(frozen=True, slots=True)
class Observed:
    """The large panel, and what became of the films that its observers marked.

    Attributes:
        panel: annotators and further observers together.
        n_films: films that the further observers marked.
        n_training: of these, training films.
        n_elsewhere: of these, films of another test split.
        n_leaked: of these, test films whose exposure is among the training films.
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
    found = observers_of(dataset)
    if found is None:
        return None
    place = {film_id: index for index, film_id in enumerate(found.film_ids)}
    ours = [film for film in dataset.films if film.film_id in place]
    training = [film for film in ours if film.split == TRAIN]
    in_test = [row for row, item in enumerate(held.items) if item.film_id in place]
    rows = np.array([row for row in in_test if held.groups[held.cleanest][row]], dtype=np.int64)
    if not rows.size:
        return None
    return Observed(
        panel=_joined(held, found, rows, [place[held.items[row].film_id] for row in rows]),
        n_films=len(ours),
        n_training=len(training),
        n_elsewhere=len(ours) - len(training) - len(in_test),
        n_leaked=len(in_test) - len(rows),
    )


def _joined(held: HeldOut, found: Observers, rows: NDArray[np.int64], places: list[int]) -> Panel:
    """Annotators first, then the further observers, on the latter's landmarks."""
    names = marked_by(held.items)
    numbers = next(iter(held.tables.values())).numbers
    columns = np.array([numbers.index(number) for number in found.numbers], dtype=np.int64)
    own = [truths_px(held.items, name)[np.ix_(rows, columns)] for name in names]
    points = np.concatenate([np.stack(own), found.points_px[:, places]])
    everyone = (*names, *found.names)
    return Panel(f"{len(everyone)} observers", everyone, rows, columns, _to_mm(points, held, rows))


def _to_mm(points_px: NDArray[np.float64], held: HeldOut, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    millimetres: NDArray[np.float64] = points_px * held.mm_per_px[rows][:, np.newaxis, :]
    return millimetres
