"""Learn a bundle's gate from films it was not trained on, check it on halves of them, and write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import film_of, group_folds, spacing_of
from cephsure.datasets import truth as truth_of
from cephsure.uncertainty.gate import (
    HeadModel,
    card_section,
    film_losses,
    film_signs,
    fit_gate,
    judge,
    write_gate,
)
from cephsure.uncertainty.shape_model import ShapeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.calibration import CalibrationData
    from cephsure.uncertainty.gate import FilmSigns, Gate, GateTarget
    from cephsure.workflows.collect import Collected

TRAIN = "train"
_SHAPE_FOLDS = 3
_FEWEST_SHAPES = 20


@dataclass(frozen=True, slots=True)
class GateFilms:
    """Calibration films as the gate sees them.

    Attributes:
        data: errors and measures of the films that gates are learned from.
        films: the same films.
        predictions: theirs.
        signs: theirs.
        head: shape of heads from other films, and bilateral landmarks.
        shape_source: which other films, in words.
    """

    data: CalibrationData
    films: tuple[AnnotatedFilm, ...]
    predictions: tuple[Prediction, ...]
    signs: tuple[FilmSigns, ...]
    head: HeadModel
    shape_source: str

    def learn(self, target: GateTarget, films: NDArray[np.int64] | None = None) -> Gate:
        """A gate from all films, or from those at some indices."""
        chosen = np.arange(len(self.signs)) if films is None else films
        return fit_gate(
            self.data.take(chosen),
            [self.signs[i] for i in chosen],
            head=self.head,
            shape_source=self.shape_source,
            target=target,
        )


@dataclass(frozen=True, slots=True)
class HalfCheck:
    """A gate learned on one half of the films and tried on the other.

    Attributes:
        mean_loss: mean over the other half's films of missed / accepted.
        missed_share: missed / accepted over all its points; 0 where none is accepted.
        accepted_share: share of its points accepted.
        not_fit: share of its films judged review or unfit.
        unfit: share of its films judged unfit.
    """

    mean_loss: float
    missed_share: float
    accepted_share: float
    not_fit: float
    unfit: float


def gate_films(
    collected: Collected,
    whole: Dataset,
    *,
    truth: str,
    seed: int = 0,
    on_film: Callable[[], None] | None = None,
) -> GateFilms:
    """Look at the calibration films with the shape of heads on other films.

    The shape comes from the true points of the data set's training films, which the calibration films have
    no part in. Where there are fewer than twenty, a third of the calibration films gives the shape and is
    not used otherwise.

    Args:
        collected: the calibration films with their predictions.
        whole: the data set with all its films.
        truth: whose points are true.
        seed: of the parting, where the films are parted.
        on_film: called after each film.

    Returns:
        What gates are learned from.

    Raises:
        InputError: there are too few films with all landmarks for a shape, or a film cannot be read again.
    """
    groups = {film.group for film in collected.films if film.group is not None}
    names = {film.film_id for film in collected.films}
    others = [film for film in whole.films if film.split == TRAIN and film.film_id not in names]
    points = _points_mm([film for film in others if film.group not in groups], truth)
    kept = np.arange(len(collected.films))
    source = f"{len(points)} training films of {whole.name}"
    if len(points) < _FEWEST_SHAPES:
        apart, *rest = group_folds(collected.films, _SHAPE_FOLDS, seed=seed)
        points = _points_mm([collected.films[i] for i in apart], truth)
        kept = np.sort(np.concatenate(rest))
        source = f"{len(points)} films of {whole.name} that the gate does not use otherwise"
    head = HeadModel(
        ShapeModel.fit(points), tuple(mark.side == "bilateral" for mark in whole.landmark_set.landmarks)
    )
    films = tuple(collected.films[i] for i in kept)
    predictions = tuple(collected.assessment.films[i].prediction for i in kept)
    signs = []
    for film, prediction in zip(films, predictions, strict=True):
        signs.append(film_signs(prediction, film_of(film), head=head))
        if on_film is not None:
            on_film()
    return GateFilms(collected.data.take(kept), films, predictions, tuple(signs), head, source)


def check_on_halves(
    films: GateFilms, target: GateTarget, *, repeats: int, seed: int = 0
) -> tuple[HalfCheck, ...]:
    """Learn on a random half and try on the other, again and again; groups of films never part.

    Args:
        films: all films.
        target: what is asked of each gate.
        repeats: how often.
        seed: of the halves.

    Returns:
        One result a half.
    """
    checks = []
    for repeat in range(repeats):
        learned_on, tried_on = group_folds(films.films, 2, seed=seed + repeat)
        gate = films.learn(target, learned_on)
        said = [judge(films.predictions[i], films.signs[i], gate) for i in tried_on]
        accepted = np.stack([one.accepted for one in said])
        radial = films.data.radial_mm[tried_on]
        known = np.isfinite(radial)
        wrong = known & (radial > target.tolerance_mm)
        taken = accepted & known
        checks.append(
            HalfCheck(
                mean_loss=float(film_losses(wrong, taken).mean()),
                missed_share=float((wrong & taken).sum() / max(taken.sum(), 1)),
                accepted_share=float(taken.sum() / max(known.sum(), 1)),
                not_fit=float(np.mean([one.verdict != "fit" for one in said])),
                unfit=float(np.mean([one.verdict == "unfit" for one in said])),
            )
        )
    return tuple(checks)


def halves_line(checks: Sequence[HalfCheck], target: GateTarget) -> str:
    """What the halves showed, in one line."""
    kept = sum(one.mean_loss <= target.max_missed_rate for one in checks)
    accepted = np.mean([one.accepted_share for one in checks])
    not_fit, unfit = np.mean([one.not_fit for one in checks]), np.mean([one.unfit for one in checks])
    return (
        f"learned on half of the films and tried on the others: missed rate kept in {kept} of {len(checks)}, "
        f"{accepted:.1%} of points accepted, {not_fit:.1%} of films not fit, {unfit:.1%} unfit"
    )


def add_gate(gate: Gate, folder: Path) -> None:
    """Put a gate into a bundle's folder: its file, its promise on the card, new checksums.

    Raises:
        InputError: the folder is no bundle, or cannot be written.
    """
    with edit_bundle(read_bundle(folder)) as edit:
        write_gate(gate, edit.folder)
        edit.set_section(card_section(gate))


def _points_mm(films: Sequence[AnnotatedFilm], truth: str) -> NDArray[np.float64]:
    """(F, L, 2) true points of the films that have a scale and all points, in mm."""
    points = []
    for film in films:
        found = truth_of(film, truth)
        spacing = spacing_of(film) if np.isfinite(found).all() else None
        if spacing is not None:
            points.append(found * np.array((spacing.x_mm_per_px, spacing.y_mm_per_px)))
    return np.stack(points) if points else np.empty((0, 0, 2))
