"""A site's corrected films: what a site calibration is learned from and what it brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import data_sha256
from cephsure.errors import InputError
from cephsure.evaluation.table import NOT_DEFINED, Column, Table
from cephsure.uncertainty.calibration import CalibrationSource, calibration_data
from cephsure.uncertainty.monitor import holds
from cephsure.uncertainty.site import OwnRegions, apply_site
from cephsure.workflows.assess import assess
from cephsure.workflows.batch import OnProgress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.datasets import Dataset
    from cephsure.films import Film
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.calibration import CalibrationData
    from cephsure.uncertainty.site import GainRow, Site

_RESAMPLES = 200  # the assessment's own intervals are not what it is for here


@dataclass(frozen=True, slots=True)
class SiteFilms:
    """Corrected films of a site with what a model found on them.

    Attributes:
        data: errors and measures.
        own: the model's own regions, or None where its bundle is not calibrated.
        predictions: as the model gives them, fitted to a site if one was given.
        film_ids: their names, in the data set's order.
    """

    data: CalibrationData
    own: OwnRegions | None
    predictions: tuple[Prediction, ...]
    film_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _AtSite:
    """A model whose regions have a level, and whose predictions are fitted to a site."""

    model: Model
    level: float | None
    site: Site | None

    @property
    def landmark_set(self) -> LandmarkSet:
        return self.model.landmark_set

    def predict(self, film: Film, *, samples: int | None = None, seed: int = 0) -> Prediction:
        level = self.level if self.model.calibration is not None else None
        found = self.model.predict(film, samples=samples, seed=seed, level=level)
        return found if self.site is None else apply_site(found, self.site, level=self.level)


def site_films(
    model: Model,
    dataset: Dataset,
    *,
    truth: str,
    split: str,
    level: float,
    site: Site | None = None,
    seed: int = 0,
    on_progress: OnProgress = silent,
) -> SiteFilms:
    """Predict corrected films, and set the corrected points beside what was found.

    Args:
        model: the model that is used at the site.
        dataset: the films.
        truth: whose points are true.
        split: what to call the films.
        level: of the regions.
        site: fit the predictions to this site.
        seed: of MC-Dropout's masks.
        on_progress: told after each film, with the error if it cannot be used.

    Returns:
        The films that could be used.

    Raises:
        InputError: no film can be used, or none has a scale.
    """
    done = assess(
        _AtSite(model, level, site),
        dataset,
        truth=truth,
        split=split,
        seed=seed,
        n_resamples=_RESAMPLES,
        on_progress=on_progress,
    ).films
    by_id = {film.film_id: film for film in dataset.films}
    films = [by_id[one.film_id] for one in done]
    predictions = tuple(one.prediction for one in done)
    truths = np.stack([one.truth_px for one in done])
    data = calibration_data(
        predictions,
        truths,
        film_ids=[film.film_id for film in films],
        groups=[film.group for film in films],
        source=CalibrationSource(
            dataset=dataset.name,
            data_sha256=data_sha256(tuple(films), truth),
            split=split,
            truth=truth,
            model=model.name,
            model_kind=model.kind,
            model_sha256=model.bundle.sha256,
            samples=model.default_samples,
            seed=seed,
        ),
    )
    regions = [[mark.region for mark in one.landmarks] for one in predictions]
    own = None
    if all(region is not None for film in regions for region in film):
        held = [
            [region is not None and holds(region, point) for region, point in zip(film, points, strict=True)]
            for film, points in zip(regions, truths, strict=True)
        ]
        areas = [
            [np.inf if region is None or region.area_mm2 is None else region.area_mm2 for region in film]
            for film in regions
        ]
        own = OwnRegions(np.array(held, dtype=bool), np.array(areas, dtype=np.float64))
    return SiteFilms(data, own, predictions, data.film_ids)


def in_order(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The data set's films in the order of their names in a list; those that are not in it are left out.

    Raises:
        InputError: a name stands twice, no film has it, or there is none.
    """
    if not names:
        raise InputError("the list of films names no film")
    by_id = {film.film_id: film for film in dataset.films}
    unknown = [name for name in names if name not in by_id]
    if unknown:
        raise InputError(f"data set {dataset.name} has no film {unknown[0]!r}")
    if len(set(names)) < len(names):
        raise InputError("a film stands twice in the list of films")
    return replace(dataset, films=tuple(by_id[name] for name in names))


def gain_table(rows: Sequence[GainRow], *, level: float) -> Table:
    """What K films bring, as a table of text."""

    def shown(value: float | None, digits: str) -> str:
        return NOT_DEFINED if value is None else format(value, digits)

    return Table(
        title=f"K corrected films: measured on the others, mean of {rows[0].repeats} random draws (SD)",
        columns=tuple(
            Column(heading)
            for heading in (
                "K",
                "MRE mm",
                "within 2 mm %",
                f"coverage at {100 * level:g} %",
                "mean area mm²",
                "whole film %",
            )
        ),
        rows=tuple(
            (
                str(row.films),
                f"{row.mre_mm:.2f} ({row.mre_sd_mm:.2f})",
                f"{100 * row.sdr_2mm:.1f}",
                NOT_DEFINED
                if row.coverage is None
                else f"{100 * row.coverage:.1f} ({100 * (row.coverage_sd or 0.0):.1f})",
                shown(row.area_mm2, ".1f"),
                shown(None if row.whole_film is None else 100 * row.whole_film, ".0f"),
            )
            for row in rows
        ),
    )
