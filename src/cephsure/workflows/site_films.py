"""A site's corrected films: fit a model to the site, and watch whether its regions hold what they promise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.datasets import select
from cephsure.errors import InputError
from cephsure.uncertainty.monitor import holds, watch
from cephsure.uncertainty.site import (
    OwnRegions,
    Site,
    apply_site,
    cross_validate,
    fit_site,
    read_site,
    write_site,
)
from cephsure.workflows.assess import Found, assess_films
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    WHOLE,
    AnnotatedData,
    OnProgress,
    Workplace,
    open_model,
    silent,
)
from cephsure.workflows.calibration_films import calibration_source, data_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.monitor import Reading
    from cephsure.uncertainty.site import GainRow
    from cephsure.workflows.assess import AssessedFilm

GAIN_FILE, FIGURE_FILE = "gain.json", "gain.png"


@dataclass(frozen=True, slots=True)
class SiteFilms:
    """Corrected films of a site, in the data set's order, with what a model found on them.

    ``own`` are the model's own regions, None where its bundle is not calibrated; ``errors`` film -> why it
    could not be used.
    """

    data: CalibrationData
    own: OwnRegions | None
    films: tuple[AssessedFilm, ...]
    errors: dict[Path, Exception]


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What came of fitting a model to a site: offsets, regions, and what K films bring by cross-validation.

    ``about`` names model, site and films in one line; ``codes`` are the landmarks', in the offsets' order;
    ``errors`` film -> why it could not be used.
    """

    site: Site
    gains: Sequence[GainRow]
    about: str
    codes: tuple[str, ...]
    films: SiteFilms
    errors: dict[Path, Exception]


@dataclass(frozen=True, slots=True)
class CoverageWatch:
    """Coverage watched over films in time order.

    Attributes:
        model: the model's name.
        model_sha256: of its bundle.
        site: the site's name, or None.
        dataset: the data set's name.
        truth, level, margin, false_alarm_rate: as ``monitor`` was asked.
        film_ids: the films, in the readings' order.
        readings: one a film.
        errors: film -> why it could not be used.
    """

    model: str
    model_sha256: str
    site: str | None
    dataset: str
    truth: str
    level: float
    margin: float
    false_alarm_rate: float
    film_ids: tuple[str, ...]
    readings: tuple[Reading, ...]
    errors: dict[Path, Exception] = field(default_factory=dict)

    @property
    def allowed(self) -> float:
        """Share of points outside that is within the promise."""
        return 1.0 - self.level + self.margin

    @property
    def alarm_film(self) -> int | None:
        """Place of the film at which the alarm was raised, from 0; None without one."""
        return next((place for place, reading in enumerate(self.readings) if reading.alarm), None)

    def document(self) -> dict[str, Any]:
        """What was watched, and every reading, as JSON data: ``cephsure.monitor/1``."""
        alarm = self.alarm_film
        return {
            "schema": "cephsure.monitor/1",
            "model": self.model,
            "model_sha256": self.model_sha256,
            "site": self.site,
            "dataset": self.dataset,
            "truth": self.truth,
            "level": self.level,
            "margin": self.margin,
            "false_alarm_rate": self.false_alarm_rate,
            "alarm": alarm is not None,
            "alarm_at": None if alarm is None else self.film_ids[alarm],
            "readings": [
                {"film": film, **asdict(reading)}
                for film, reading in zip(self.film_ids, self.readings, strict=True)
            ],
        }


def site_calibrate(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    name: str = "site",
    out: Path | None = None,
    report: Path | None = None,
    level: float = 0.9,
    repeats: int = 20,
    seed: int = 0,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> SiteCalibration:
    """Fit a model to a site or an observer, as ``cephsure site-calibrate`` does.

    Args:
        data: corrected films; all of them unless a split is named.
        name: what the site is called.
        out: the site's file; None for the figures alone.
        report: a folder for what K films bring, as JSON and as a figure.
        level: of the regions in the figures.
        repeats: random draws of K films.
        seed: of the draws and of MC-Dropout's passes.

    Raises:
        InputError: no film can be used, or none has a scale; a file cannot be written.
    """
    data, (loaded, at) = AnnotatedData.of(data), open_model(model, device, executor, on_progress)
    whole = data.open(loaded.landmark_set)
    split = data.split or WHOLE
    films = site_films(
        loaded, select(whole, split), at, truth=data.truth, split=split, level=level, seed=seed
    )
    site = fit_site(films.data, name=name)
    gains = cross_validate(films.data, level=level, repeats=repeats, seed=seed, own=films.own)
    about = f"{loaded.name} at {name}: {whole.name} ({split}), truth: {data.truth}, {len(films.films)} films"
    if out is not None:
        write_site(site, out)
    if report is not None:
        from cephsure.evaluation.diagrams import gain_figure

        document = {"about": about, "level": level, "rows": [asdict(row) for row in gains]}
        write_atomically(report / GAIN_FILE, (json.dumps(document, indent=1) + "\n").encode())
        write_atomically(report / FIGURE_FILE, gain_figure(gains, level=level, title=about))
    return SiteCalibration(site, gains, about, loaded.landmark_set.codes, films, films.errors)


def monitor(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    site: Site | Path | None = None,
    order: Sequence[str] | None = None,
    level: float = 0.9,
    false_alarm_rate: float = 0.05,
    margin: float = 0.0,
    seed: int = 0,
    json_file: Path | None = None,
    figure: Path | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> CoverageWatch:
    """Tell whether regions still hold what they promise, as ``cephsure monitor`` does.

    Args:
        data: corrected films; all of them unless a split is named.
        site: watch the regions of this site calibration.
        order: the films' names in time order; None for the order of their names.
        level: the coverage that was promised.
        false_alarm_rate: probability that an alarm is ever raised while the promise holds.
        margin: how much less coverage is tolerated.
        seed: of MC-Dropout's passes.
        json_file: where every reading goes.
        figure: where the course of the evidence is drawn, as PNG.

    Raises:
        InputError: there are no regions to watch; the order does not fit the films; no film can be used.
    """
    fitted = site if site is None or isinstance(site, Site) else read_site(site)
    data, (loaded, at) = AnnotatedData.of(data), open_model(model, device, executor, on_progress)
    if fitted is None and loaded.calibration is None:
        raise InputError(
            f"{loaded.name} is not calibrated: it has no regions to watch",
            remedy="give a calibrated bundle by --model, or a site's file by --site",
        )
    split = data.split or WHOLE
    dataset = select(data.open(loaded.landmark_set), split)
    films = site_films(
        loaded,
        dataset if order is None else _in_order(dataset, order),
        at,
        truth=data.truth,
        split=split,
        level=level,
        seed=seed,
        site=fitted,
    )
    if films.own is None:
        raise InputError("no film has regions to watch", remedy="films need a scale; give --mm-per-px")
    known = np.isfinite(films.data.radial_mm)
    used = [place for place in range(len(known)) if known[place].any()]
    shares = [float(1.0 - films.own.held[place][known[place]].mean()) for place in used]
    watched = CoverageWatch(
        model=loaded.name,
        model_sha256=loaded.bundle.sha256,
        site=None if fitted is None else fitted.name,
        dataset=dataset.name,
        truth=data.truth,
        level=level,
        margin=margin,
        false_alarm_rate=false_alarm_rate,
        film_ids=tuple(films.data.film_ids[place] for place in used),
        readings=tuple(watch(shares, level=level, false_alarm_rate=false_alarm_rate, margin=margin)),
        errors=films.errors,
    )
    if json_file is not None:
        write_atomically(json_file, (json.dumps(watched.document(), indent=1) + "\n").encode())
    if figure is not None:
        from cephsure.evaluation.diagrams import monitor_figure

        title = f"{watched.model} on {watched.dataset}, truth: {watched.truth}"
        drawn = monitor_figure(watched.readings, allowed=watched.allowed, rate=false_alarm_rate, title=title)
        write_atomically(figure, drawn)
    return watched


def site_films(
    model: Model,
    dataset: Dataset,
    at: Workplace,
    *,
    truth: str,
    split: str,
    level: float,
    seed: int,
    site: Site | None = None,
) -> SiteFilms:
    """Predict corrected films, with regions of a level, fitted to a site if one is given."""
    seen = assess_films(partial(_find, model, level, site, seed), model, dataset, at, truth=truth)
    source = calibration_source(model, dataset, seen.films, split=split, truth=truth, seed=seed)
    # A site belongs to the bundle as it is, with its calibration.
    data = data_of(seen.films, replace(source, model_sha256=model.bundle.sha256))
    return SiteFilms(data, _own_regions(seen.films), seen.films, seen.errors)


def _find(model: Model, level: float, site: Site | None, seed: int, film: Film) -> Found:
    found = model.predict(film, seed=seed, level=None if model.calibration is None else level)
    return Found(found if site is None else apply_site(found, site, level=level))


def _own_regions(films: Sequence[AssessedFilm]) -> OwnRegions | None:
    """Which points the predictions' regions hold, and how large these are; None where one has no region."""
    held, areas = [], []
    for film in films:
        regions = [mark.region for mark in film.prediction.landmarks]
        known = [region for region in regions if region is not None]
        if len(known) < len(regions):
            return None
        held.append([holds(region, point) for region, point in zip(known, film.truth_px, strict=True)])
        areas.append([np.inf if region.area_mm2 is None else region.area_mm2 for region in known])
    return OwnRegions(np.array(held, dtype=bool), np.array(areas, dtype=np.float64))


def _in_order(dataset: Dataset, names: Sequence[str]) -> Dataset:
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
