"""A site's corrected films: fit a model to the site, and watch whether its regions hold what they promise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import check_files, check_folders, write_atomically
from cephsure.datasets import annotators, select
from cephsure.errors import InputError
from cephsure.uncertainty.gate import film_signs
from cephsure.uncertainty.gate.signs import SIGNS
from cephsure.uncertainty.monitor import watch
from cephsure.uncertainty.readers.reader import read_reader, write_reader
from cephsure.uncertainty.readers.site import SiteMaterial, cross_validate, learn_site
from cephsure.uncertainty.regions import holds
from cephsure.workflows.assess import Found, assess_films
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    FIGURES,
    MEAN,
    WHOLE,
    AnnotatedData,
    OnProgress,
    check_installed,
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
    from cephsure.uncertainty.monitor import Reading
    from cephsure.uncertainty.readers.cases import TruthOf
    from cephsure.uncertainty.readers.reader import Reader
    from cephsure.uncertainty.readers.site import GainRow
    from cephsure.workflows.assess import AssessedFilm

GAIN_FILE, FIGURE_FILE = "gain.json", "gain.png"
# Heads of 325 films measured 0.83 to 1.17 times their mean: no site's median head is so far from it.
_IMPOSSIBLE_HEAD = 1.4


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What came of learning a site's reader: it, and what K films bring by cross-validation.

    ``about`` names model, site and films in one line; ``codes`` are the landmarks'; ``films`` how many were
    used; ``errors`` film -> why it could not be used.
    """

    reader: Reader
    gains: Sequence[GainRow]
    about: str
    codes: tuple[str, ...]
    films: int
    errors: dict[Path, Exception]


@dataclass(frozen=True, slots=True)
class CoverageWatch:
    """Coverage watched over films in time order.

    Attributes:
        model: the model's name.
        model_sha256: of its bundle.
        reader: for whom the regions are, in words.
        dataset: the data set's name.
        truth, level, margin, false_alarm_rate: as ``monitor`` was asked.
        film_ids: the films, in the readings' order.
        readings: one a film.
        errors: film -> why it could not be used.
    """

    model: str
    model_sha256: str
    reader: str
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
            "reader": self.reader,
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
    truth_of: TruthOf | None = None,
    profile: Path | None = None,
    level: float = 0.9,
    repeats: int = 20,
    seed: int = 0,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> SiteCalibration:
    """Learn how a site or a reader marks, as ``cephsure site-calibrate`` does.

    Args:
        data: corrected films; all of them unless a split is named.
        name: what the site is called.
        out: the reader's file; None for the figures alone.
        report: a folder for what K films bring, as JSON and as a figure.
        truth_of: whether the films' points are one reader's marks or the mean of two readers'; None finds out
            by the data set's annotators.
        profile: a reader's file of ``cephsure reader-profile`` to start from.
        level: of the regions in the figures.
        repeats: random draws of K films.
        seed: of the draws and of MC-Dropout's passes.

    Raises:
        InputError: no film can be used, none has a scale, or the scale makes impossible heads; the model is
            not calibrated; the profile is none or of another bundle; a file cannot be written.
    """
    check_files(out)
    check_folders(report)
    if report is not None:
        check_installed("--report", FIGURES, extra="studies")
    data, (loaded, at) = AnnotatedData.of(data), open_model(model, device, executor, on_progress)
    if loaded.calibration is None:
        raise InputError(
            f"{loaded.name} is not calibrated: it knows nothing of readers",
            remedy="calibrate it first: cephsure calibrate",
        )
    whole = data.open(loaded.landmark_set, at.remark)
    split = data.split or WHOLE
    dataset = select(whole, split)
    started = None if profile is None else loaded.reader(read_reader(profile))
    if started is not None and started.kind != "profile":
        # Films that taught it may be among these: they would count twice, and be judged by themselves.
        raise InputError(
            "is no profile, which says how a reader marks before any film is corrected",
            where=profile,
            remedy="make one with: cephsure reader-profile, or give all corrected films at once",
        )
    if truth_of is None:
        truth_of = "mean" if data.truth == MEAN and len(annotators(dataset.films)) > 1 else "one"
    find = partial(_see, loaded, seed)
    seen = assess_films(find, loaded, dataset, at, truth=data.truth)
    source = calibration_source(loaded, dataset, seen.films, split=split, truth=data.truth, seed=seed)
    material = SiteMaterial(
        data_of(seen.films, source),
        loaded.calibration,
        loaded.gate,
        tuple(film.found.signs for film in seen.films if film.found.signs is not None),
        truth_of,
        started,
    )
    _check_scale(material)
    reader = learn_site(material, name=name, model=loaded.name, model_sha256=loaded.bundle.sha256)
    gains = cross_validate(material, level=level, repeats=repeats, seed=seed)
    unused = [film.film_id for film in seen.films if film.prediction.film.mm_per_px is None]
    if unused:
        at.remark(f"left out: without a scale ({', '.join(unused)})")
    films = f"{reader.films} film{'' if reader.films == 1 else 's'}"
    about = f"{loaded.name} at {name}: {whole.name} ({split}), truth: {data.truth}, {films}"
    if out is not None:
        write_reader(reader, out)
    if report is not None and gains:
        from cephsure.evaluation.diagrams import gain_figure

        document = {"about": about, "level": level, "rows": [asdict(row) for row in gains]}
        write_atomically(report / GAIN_FILE, (json.dumps(document, indent=1) + "\n").encode())
        write_atomically(report / FIGURE_FILE, gain_figure(gains, level=level, title=about))
    return SiteCalibration(reader, gains, about, loaded.landmark_set.codes, reader.films, seen.errors)


def _check_scale(material: SiteMaterial) -> None:
    """Refuse films whose heads are not of people's size: as a site's usual size it would be believed."""
    if material.gate is None:
        return
    sizes = np.array([film.signs[SIGNS.index("size")] for film in material.signs])
    sizes, usual = sizes[np.isfinite(sizes)], material.gate.reference.column("size")
    if not (len(sizes) and len(usual)):
        return
    factor = float(np.exp(np.median(sizes) - np.median(usual)))
    if not 1.0 / _IMPOSSIBLE_HEAD < factor < _IMPOSSIBLE_HEAD:
        raise InputError(
            f"the scale cannot be right: by it heads on these films are {factor:.2g} times the usual size",
            remedy="give the right one by --mm-per-px",
        )


def _see(model: Model, seed: int, film: Film) -> Found:
    """A film as the networks see it, and as the gate does."""
    raw = model.predict_raw(film, seed=seed, with_maps=False)
    signs = None if model.gate is None else film_signs(*raw.as_seen(film), head=model.gate.head)
    return Found(raw.prediction, None, signs, raw.marks_px.mean(axis=0))


def monitor(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    reader: Reader | Path | str | None = None,
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
        reader: watch the regions of this reader, as ``Model.reader`` takes it.
        order: the films' names in time order; None for the order of their names.
        level: the coverage that was promised.
        false_alarm_rate: probability that an alarm is ever raised while the promise holds.
        margin: how much less coverage is tolerated.
        seed: of MC-Dropout's passes.
        json_file: where every reading goes.
        figure: where the course of the evidence is drawn, as PNG.

    Raises:
        InputError: there are no regions to watch; the order does not fit the films; no film can be used; the
            points cannot be those of the films.
    """
    check_files(json_file, figure)
    if figure is not None:
        check_installed("--figure", FIGURES, extra="studies")
    data, (loaded, at) = AnnotatedData.of(data), open_model(model, device, executor, on_progress)
    chosen = loaded.reader(reader)
    if loaded.calibration is None or chosen is None:
        raise InputError(
            f"{loaded.name} is not calibrated: it has no regions to watch",
            remedy="give a calibrated bundle by --model",
        )
    split = data.split or WHOLE
    dataset = select(data.open(loaded.landmark_set, at.remark), split)
    ordered = dataset if order is None else _in_order(dataset, order)
    find = partial(_predict, loaded, seed, level, chosen)
    seen = assess_films(find, loaded, ordered, at, truth=data.truth)
    shares = {film.film_id: share for film in seen.films if (share := _outside(film)) is not None}
    if not shares:
        raise InputError("no film has regions to watch", remedy="films need a scale; give --mm-per-px")
    # Points of other films are no drift: refused here as where something is learned from them.
    data_of(
        seen.films,
        calibration_source(loaded, dataset, seen.films, split=split, truth=data.truth, seed=seed),
    )
    watched = CoverageWatch(
        model=loaded.name,
        model_sha256=loaded.bundle.sha256,
        reader=chosen.for_whom,
        dataset=dataset.name,
        truth=data.truth,
        level=level,
        margin=margin,
        false_alarm_rate=false_alarm_rate,
        film_ids=tuple(shares),
        readings=tuple(
            watch([*shares.values()], level=level, false_alarm_rate=false_alarm_rate, margin=margin)
        ),
        errors=seen.errors,
    )
    if json_file is not None:
        write_atomically(json_file, (json.dumps(watched.document(), indent=1) + "\n").encode())
    if figure is not None:
        from cephsure.evaluation.diagrams import monitor_figure

        title = f"{watched.model} on {watched.dataset}, truth: {watched.truth}"
        drawn = monitor_figure(watched.readings, allowed=watched.allowed, rate=false_alarm_rate, title=title)
        write_atomically(figure, drawn)
    return watched


def _predict(model: Model, seed: int, level: float, reader: Reader, film: Film) -> Found:
    return Found(model.predict(film, seed=seed, level=level, reader=reader))


def _outside(film: AssessedFilm) -> float | None:
    """Share of a film's known points outside their regions; None where it has no regions."""
    pairs = [
        holds(region, true)
        for mark, true in zip(film.prediction.landmarks, film.truth_px, strict=True)
        if (region := mark.stated.region) is not None and np.isfinite(true).all()
    ]
    return float(1.0 - np.mean(pairs)) if pairs else None


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
