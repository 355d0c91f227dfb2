"""Films that a model was not made for: the test films corrupted, another site, and no cephalograms at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import compress, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.cases import Case, spread_over, truths_px
from cephsure.studies.held_out import OTHER_SITE, held_out, predict_away, truth_for
from cephsure.studies.predictions import predict_cases
from cephsure.studies.shifts.corruptions import CORRUPTIONS, Corruption
from cephsure.studies.shifts.distortion import ElasticField
from cephsure.studies.shifts.non_cephalograms import NON_CEPHALOGRAMS, non_cephalogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.studies.cases import PointTable
    from cephsure.studies.study import Study, StudyModel

PART = "detection"
MAGNITUDES = (25.0, 50.0, 100.0, 200.0)
NO_CEPHALOGRAM = "no-cephalogram"


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
        by: a corruption, or the magnitude of an elastic distortion.
        facing: which way the model is told that the head faces.
        polarity: whether it is told that bone is bright.
    """

    name: str
    family: str
    title: str
    by: Corruption | float
    facing: Literal["auto", "right"] = "auto"
    polarity: Literal["auto", "positive"] = "auto"

    def change(self, film: Film, film_id: str, seed: int) -> Film:
        """The shifted film."""
        if isinstance(self.by, Corruption):
            return self.by.apply(film, np.random.default_rng([seed, *film_id.encode("utf-8")]))
        return ElasticField.of_film(film, seed=seed, film_id=film_id).distort(film, self.by)

    def move(
        self, film: Film, film_id: str, seed: int, points_px: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Where the shifted film shows points (L, 2) of the film."""
        if isinstance(self.by, Corruption):
            return self.by.moved(film).apply(points_px)
        return ElasticField.of_film(film, seed=seed, film_id=film_id).move(points_px, self.by)


def _conditions() -> Iterator[Condition]:
    """Films of ISBI 2015 face right and have bright bone: changed ones are also given as if still so."""
    given: dict[str, dict[str, Any]] = {
        "mirrored": {"facing": "right"},
        "inverted": {"polarity": "positive"},
    }
    for entry in CORRUPTIONS.values():
        title = entry.title
        for what in given.get(entry.name, ()):
            wrong = f"{title}, {what} given as before"
            yield Condition(f"{entry.name}-wrong", entry.family, wrong, entry, **given[entry.name])
            title = f"{title}, {what} found"
        yield Condition(entry.name, entry.family, title, entry)
        if entry.name == "inverted":
            for magnitude in MAGNITUDES:
                title = f"distorted elastically, {magnitude:g}"
                yield Condition(f"distorted-{magnitude:g}", "distorted", title, magnitude)


CONDITIONS = tuple(_conditions())
"""Every shift of the test films, in the order of tables and figures."""


def shifted_films(study: Study) -> tuple[ShiftedFilms, ...]:
    """Predict plain films, and ``study.shift_films`` of them under every shift, with every model.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    held = held_out(study)
    clean = held.groups[held.cleanest]
    items = tuple(compress(held.items, clean))
    chosen = spread_over(items, study.shift_films)
    by_id = {item.film_id: item for item in items}

    @lru_cache(maxsize=1)
    def read(film_id: str) -> Film:
        # A film's conditions follow each other: it is read once for all of them.
        return film_of(by_id[film_id])

    def shifted(how: Condition, film_id: str) -> Film:
        return how.change(read(film_id), film_id, study.seed)

    cases = [
        Case(item.film_id, how.name, partial(shifted, how, item.film_id), how.facing, how.polarity)
        for item, how in product(chosen, CONDITIONS)
    ]
    tables = predict_cases(study, PART, [*cases, *_non_cephalograms(study)])
    away = study.other_site
    tables_away = None if away is None else predict_away(study, away)
    truths = sorted({truth_for(model, study.dataset) for model in study.models})
    # By annotation and condition, (M, L, 2) the points where the shifted films show them.
    moved: dict[tuple[str, str], list[NDArray[np.float64]]] = defaultdict(list)
    for item, truth, how in product(chosen, truths, CONDITIONS):
        given = truths_px([item], truth)[0]
        moved[truth, how.name].append(how.move(read(item.film_id), item.film_id, study.seed, given))
    source_rows = np.array([items.index(item) for item in chosen], dtype=np.intp)
    found = []
    for model in study.models:
        table, truth = tables[model.label], truth_for(model, study.dataset)
        shifts = []
        for how in CONDITIONS:
            under = table.of_condition(how.name)
            errors = under.errors_mm(np.stack(moved[truth, how.name]))
            shifts.append(Shift(how.name, how.family, how.title, under, source_rows, errors))
        if away is not None and tables_away is not None:
            there = tables_away[model.label]
            errors = there.errors_mm(truths_px(away.films, truth_for(model, away)))
            shifts.append(Shift(OTHER_SITE, OTHER_SITE, f"other site ({away.name})", there, None, errors))
        shifts += _non_cephalogram_shifts(table)
        plain, errors = held.tables[model.label].where(clean), held.errors_mm(model, truth)[clean]
        found.append(ShiftedFilms(model, truth, items, plain, errors, tuple(shifts)))
    return tuple(found)


def _non_cephalograms(study: Study) -> Iterator[Case]:
    """As many pictures as films are shifted, spread over the kinds."""
    of_each = -(-study.shift_films // len(NON_CEPHALOGRAMS))
    for name, number in product(NON_CEPHALOGRAMS, range(of_each)):
        drawn = partial(non_cephalogram, name, seed=1000 * study.seed + number)
        yield Case(f"{name}-{number}", NO_CEPHALOGRAM, drawn)


def _non_cephalogram_shifts(table: PointTable) -> Iterator[Shift]:
    """Each kind, and all together."""
    pictures = table.of_condition(NO_CEPHALOGRAM)
    kinds = np.array([film_id.rsplit("-", 1)[0] for film_id in pictures.film_ids])
    for name, (title, _) in NON_CEPHALOGRAMS.items():
        yield Shift(name, NO_CEPHALOGRAM, title, pictures.where(kinds == name))
    yield Shift(NO_CEPHALOGRAM, NO_CEPHALOGRAM, "no cephalogram, all kinds", pictures)
