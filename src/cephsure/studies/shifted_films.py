"""Films that a model was not made for: the test films corrupted, another site, and no cephalograms at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.cases import Case, spread_over, truths_px
from cephsure.studies.held_out import OTHER_SITE, held_out, predict_away, truth_for
from cephsure.studies.predictions import predict_cases
from cephsure.studies.shifts.corruptions import CORRUPTIONS
from cephsure.studies.shifts.distortion import ElasticField
from cephsure.studies.shifts.non_cephalograms import NON_CEPHALOGRAMS, non_cephalogram

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.studies.cases import PointTable
    from cephsure.studies.shifts.corruptions import Corruption
    from cephsure.studies.study import Study, StudyModel

PART = "detection"
MAGNITUDES = (25, 50, 100, 200)
NO_CEPHALOGRAM = "no-cephalogram"

Change = Callable[["Film", str], "Film"]
Move = Callable[["Film", str, "NDArray[np.float64]"], "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift, and one model's predictions under it.

    Attributes:
        name: in tables.
        family: shifts of one kind stand together.
        title: for figures.
        table: M predictions.
        source_rows: (M,) from which plain films, as rows of the plain table, they were made; None for films
            of their own.
        errors_mm: (M, L) against the truth moved with the film; None where there is no truth.
    """

    name: str
    family: str
    title: str
    table: PointTable
    source_rows: NDArray[np.intp] | None = None
    errors_mm: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class ShiftedFilms:
    """One model on plain and on shifted films.

    Attributes:
        model: which.
        truth: annotation the errors are against.
        items: the N plain films.
        plain: N predictions.
        errors_mm: (N, L) errors on them.
        shifts: in the order of tables and figures.
    """

    model: StudyModel
    truth: str
    items: tuple[AnnotatedFilm, ...]
    plain: PointTable
    errors_mm: NDArray[np.float64]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to shift a test film, and how it is handed to the model.

    Attributes:
        name: in tables.
        family: conditions of one kind stand together.
        title: for figures.
        change: from a film and its name to the shifted film.
        move: from a film, its name and points (..., 2) in px of it to where the shifted film shows them.
        facing: which way the model is told that the head faces.
        polarity: whether it is told that bone is bright.
    """

    name: str
    family: str
    title: str
    change: Change
    move: Move
    facing: Literal["auto", "right"] = "auto"
    polarity: Literal["auto", "positive"] = "auto"


def shifted_films(study: Study) -> tuple[ShiftedFilms, ...]:
    """Predict plain and shifted films with every model.

    Args:
        study: models, data, seed, and how many films are shifted.

    Returns:
        One entry a model.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    held = held_out(study)
    clean = held.groups[held.cleanest]
    items = tuple(item for item, kept in zip(held.items, clean, strict=True) if kept)
    chosen = spread_over(items, study.shift_films)
    by_id = {item.film_id: item for item in items}

    @lru_cache(maxsize=1)
    def read(film_id: str) -> Film:
        # A film's conditions follow each other: it is read once for all of them.
        return film_of(by_id[film_id])

    conditions = conditions_of(study.seed)
    cases = [
        Case(
            item.film_id,
            each.name,
            partial(_made, each.change, read, item.film_id),
            each.facing,
            each.polarity,
        )
        for item in chosen
        for each in conditions
    ]
    tables = predict_cases(study, PART, [*cases, *_non_cephalograms(study)])
    away = study.other_site
    tables_away = None if away is None else predict_away(study, away)
    truths = sorted({truth_for(model, study.dataset) for model in study.models})
    moved = _moved_truths(chosen, conditions, read, truths)
    source_rows = np.array([items.index(item) for item in chosen], dtype=np.intp)
    found = []
    for model in study.models:
        table, truth = tables[model.label], truth_for(model, study.dataset)
        shifts = []
        for each in conditions:
            under = table.of_condition(each.name)
            errors = under.errors_mm(moved[truth, each.name])
            shifts.append(Shift(each.name, each.family, each.title, under, source_rows, errors))
        if away is not None and tables_away is not None:
            there = tables_away[model.label]
            errors = there.errors_mm(truths_px(away.films, truth_for(model, away)))
            shifts.append(Shift(OTHER_SITE, OTHER_SITE, f"other site ({away.name})", there, None, errors))
        shifts += _non_cephalogram_shifts(table)
        plain, errors = held.tables[model.label].where(clean), held.errors_mm(model, truth)[clean]
        found.append(ShiftedFilms(model, truth, items, plain, errors, tuple(shifts)))
    return tuple(found)


def conditions_of(seed: int) -> list[Condition]:
    """Every shift of the test films, in order."""
    conditions: list[Condition] = []
    for entry in CORRUPTIONS.values():
        change, move = partial(_corrupt, entry, seed), partial(_move, entry)
        title = entry.title
        if entry.name == "mirrored":
            wrong = f"{title}, facing given as before"
            conditions.append(Condition("mirrored-wrong", entry.family, wrong, change, move, facing="right"))
            title = f"{title}, facing found"
        if entry.name == "inverted":
            wrong = f"{title}, polarity given as before"
            conditions.append(
                Condition("inverted-wrong", entry.family, wrong, change, move, polarity="positive")
            )
            title = f"{title}, polarity found"
        conditions.append(Condition(entry.name, entry.family, title, change, move))
        if entry.name == "inverted":
            conditions += [_elastic(seed, magnitude) for magnitude in MAGNITUDES]
    return conditions


def _elastic(seed: int, magnitude: float) -> Condition:
    def change(film: Film, film_id: str) -> Film:
        return ElasticField.of_film(film, seed=seed, film_id=film_id).distort(film, magnitude)

    def move(film: Film, film_id: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return ElasticField.of_film(film, seed=seed, film_id=film_id).move(points, magnitude)

    title = f"distorted elastically, {magnitude:g}"
    return Condition(f"distorted-{magnitude:g}", "distorted", title, change, move)


def _corrupt(entry: Corruption, seed: int, film: Film, film_id: str) -> Film:
    return entry.apply(film, np.random.default_rng([seed, *film_id.encode("utf-8")]))


def _move(entry: Corruption, film: Film, _film_id: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return entry.moved(film).apply(points)


def _made(change: Change, read: Callable[[str], Film], film_id: str) -> Film:
    return change(read(film_id), film_id)


def _non_cephalograms(study: Study) -> Iterator[Case]:
    """As many pictures as films are shifted, spread over the kinds."""
    of_each = -(-study.shift_films // len(NON_CEPHALOGRAMS))
    for name in NON_CEPHALOGRAMS:
        for number in range(of_each):
            seed = 1000 * study.seed + number
            yield Case(f"{name}-{number}", NO_CEPHALOGRAM, partial(non_cephalogram, name, seed=seed))


def _moved_truths(
    chosen: Sequence[AnnotatedFilm],
    conditions: Sequence[Condition],
    read: Callable[[str], Film],
    truths: Sequence[str],
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """By annotation and condition, (M, L, 2) the points where the shifted films show them."""
    given = {truth: truths_px(chosen, truth) for truth in truths}
    moved: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for index, item in enumerate(chosen):
        film = read(item.film_id)
        for truth in truths:
            for each in conditions:
                points = each.move(film, item.film_id, given[truth][index])
                moved.setdefault((truth, each.name), []).append(points)
    return {which: np.stack(points) for which, points in moved.items()}


def _non_cephalogram_shifts(table: PointTable) -> Iterator[Shift]:
    """Each kind, and all together."""
    pictures = table.of_condition(NO_CEPHALOGRAM)
    kinds = np.array([film_id.rsplit("-", 1)[0] for film_id in pictures.film_ids])
    for name, (title, _) in NON_CEPHALOGRAMS.items():
        yield Shift(name, NO_CEPHALOGRAM, title, pictures.where(kinds == name))
    yield Shift(NO_CEPHALOGRAM, NO_CEPHALOGRAM, "no cephalogram, all kinds", pictures)
