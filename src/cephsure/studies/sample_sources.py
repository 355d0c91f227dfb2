"""Samples of a study's films: ways to draw them, drawn once, timed, and kept as files.

A model's own samples are its members or passes; with a single network, samples are what it finds on altered
copies of the film (test-time augmentation).
"""

from __future__ import annotations

import io
import json
import logging
import os
import platform
import time
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from cephsure.atomic import write_atomically
from cephsure.datasets import film_of
from cephsure.errors import InputError
from cephsure.geometry import Affine
from cephsure.inference.samples import Samples
from cephsure.studies.shifts.corruptions import bend_greys, rotate, rotation
from cephsure.studies.study import FACTS_FILE
from cephsure.uncertainty.prediction import in_millimetres

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.model import Model
    from cephsure.studies.study import Study, StudyModel

logger = logging.getLogger(__name__)

PART, ALTERED_PART = "samples", "samples-altered"
PASSES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50)
ALTERED = (1, 2, 3, 5, 8)
TIMED_FILMS = 3
# Alterations within what a patient's head and a scanner do from film to film.
MAX_ANGLE_DEG = 5.0
MAX_SHIFT_MM = 5.0
MAX_LOG_GAMMA = 0.3
_SAVE_SECONDS = 30.0
_PARTS = ("positions_px", "activations", "expected_errors_px", "entropies")
_DAMAGE = (OSError, EOFError, zipfile.BadZipFile, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class SampleSource:
    """One way to draw samples with one model.

    Attributes:
        model: which.
        what: samples are called ("members", "passes", "altered films", "network").
        part: names the stored file.
        counts: numbers of samples that are looked at, rising.
    """

    model: StudyModel
    what: str
    part: str
    counts: tuple[int, ...]

    @property
    def own_way(self) -> bool:
        """Whether these are the model's own samples, not those of altered films."""
        return self.part == PART

    @property
    def name(self) -> str:
        """For files: the model's label, and how it was drawn where it is not the model's own way."""
        return self.model.label if self.own_way else f"{self.model.label}_altered"

    @property
    def title(self) -> str:
        """For tables and legends."""
        return self.model.title if self.own_way else f"{self.model.title}, on altered films"

    def draw(self, model: Model, film: Film, count: int, seed: int) -> Samples:
        """So many samples of a film, with the model that is ready."""
        if self.own_way:
            return model.sample(film, model.orientation(film), samples=count, seed=seed)
        return tta_samples(model, film, count, seed)


def sources_of(model: StudyModel) -> tuple[SampleSource, ...]:
    """The ways in which samples can be drawn with a model: its own; with a single network, altered films."""
    if model.kind == "ensemble":
        return (SampleSource(model, "members", PART, tuple(range(1, model.samples + 1))),)
    if model.kind == "mc-dropout":
        return (SampleSource(model, "passes", PART, PASSES),)
    return (
        SampleSource(model, "network", PART, (1,)),
        SampleSource(model, "altered films", ALTERED_PART, ALTERED),
    )


@dataclass(frozen=True, slots=True)
class FilmSamples:
    """T samples of L landmarks on one film, in single precision: 0.0001 px where a film has thousands.

    Attributes:
        positions_px: (T, L, 2) in px of the film as given; the others (T, L), entropies in nats.
        mm_per_px: (2,) scale, NaN where unknown.
    """

    positions_px: NDArray[np.float32]
    activations: NDArray[np.float32]
    expected_errors_px: NDArray[np.float32]
    entropies: NDArray[np.float32]
    mm_per_px: NDArray[np.float64]

    @staticmethod
    def of(samples: Samples, film: Film) -> FilmSamples:
        """What is kept of a film's samples."""
        scale = film.spacing
        mm_per_px = (np.nan, np.nan) if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px)
        kept = {name: np.asarray(getattr(samples, name), dtype=np.float32) for name in _PARTS}
        return FilmSamples(**kept, mm_per_px=np.array(mm_per_px))

    def in_mm(self, chosen: NDArray[np.intp]) -> Samples:
        """Some of the samples, every length in mm."""
        some = Samples(**{name: getattr(self, name)[chosen].astype(np.float64) for name in _PARTS})
        x, y = self.mm_per_px.tolist()
        return in_millimetres(some, mm_per_px=(x, y))


@dataclass(frozen=True, slots=True)
class Cost:
    """What drawing took on one machine: (F, C) milliseconds on F films for each of (C,) numbers."""

    counts: NDArray[np.int64]
    ms: NDArray[np.float64]
    machine: str

    def median_ms(self, count: int) -> float:
        """Median over the films for ``count`` samples; NaN if it was not measured."""
        timed = self.ms[:, self.counts == count]
        return float(np.median(timed)) if timed.size else float("nan")


class SampleStore:
    """One model's samples of one part of a study: ``FOLDER/PART.npz``, readable without pickle.

    ``made_by`` in it says which bundle drew them, with which seed of the study and how many a film. Where the
    bundle is at hand and one of these has changed, the file is not used and is replaced; where it is not,
    that is an error.

    Raises:
        InputError: the file is damaged, or was made otherwise and cannot be made anew.
    """

    def __init__(self, folder: Path, part: str, model: StudyModel, *, seed: int, count: int) -> None:
        self.path = folder / f"{part}.npz"
        self.films: dict[str, FilmSamples] = {}
        self.cost: Cost | None = None
        self._model = model
        self._made_by = {"sha256": model.sha256, "seed": seed, "count": count}
        self._unsaved, self._saved_at = False, time.monotonic()
        if self.path.is_file():
            self._read()

    def missing(self, film_ids: Sequence[str]) -> list[str]:
        """Those of the films whose samples are not kept."""
        return [film_id for film_id in film_ids if film_id not in self.films]

    def add(self, film_id: str, samples: FilmSamples) -> None:
        """Keep a film's samples; written now and then, and by ``save``."""
        self.films[film_id] = samples
        self._unsaved = True
        if time.monotonic() - self._saved_at > _SAVE_SECONDS:
            self.save()

    def add_cost(self, cost: Cost) -> None:
        """Keep what drawing took; written by ``save``."""
        self.cost = cost
        self._unsaved = True

    def save(self) -> None:
        """Write the file in one step, and the model's facts beside it; nothing where nothing is new."""
        if not self._unsaved:
            return
        ids, made_by = sorted(self.films), np.array(json.dumps(self._made_by))
        arrays: dict[str, NDArray[Any]] = {"made_by": made_by, "films": np.array(ids)}
        for part in (*_PARTS, "mm_per_px"):
            arrays[part] = np.stack([getattr(self.films[film_id], part) for film_id in ids])
        if self.cost is not None:
            arrays |= {"cost_counts": self.cost.counts, "cost_ms": self.cost.ms}
            arrays["machine"] = np.array(self.cost.machine)
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_atomically(self.path, stream.getvalue())
        facts = (json.dumps(self._model.facts(), indent=2) + "\n").encode("utf-8")
        write_atomically(self.path.with_name(FACTS_FILE), facts)
        self._unsaved, self._saved_at = False, time.monotonic()

    def _read(self) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if not self._usable(json.loads(str(arrays["made_by"]))):
                logger.info("%s was drawn by another bundle, seed or number: drawn anew", self.path)
                return
            for index, film_id in enumerate(arrays["films"]):
                parts = {name: arrays[name][index] for name in (*_PARTS, "mm_per_px")}
                self.films[str(film_id)] = FilmSamples(**parts)
            if "cost_ms" in arrays:
                self.cost = Cost(arrays["cost_counts"], arrays["cost_ms"], str(arrays["machine"]))
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(
                f"not a file of samples: {error}", where=self.path, remedy="delete it to draw them anew"
            ) from error

    def _usable(self, made_by: dict[str, Any]) -> bool:
        if made_by != self._made_by and self._model.model is None:
            raise InputError(
                f"drawn as {made_by}, not as {self._made_by}",
                where=self.path,
                remedy="give the model's bundle, or the seed they were drawn with",
            )
        return made_by == self._made_by


def sample_films(
    study: Study, sources: Sequence[SampleSource], items: Sequence[AnnotatedFilm]
) -> dict[str, SampleStore]:
    """Draw every film's samples, as many as are looked at together, and measure the cost on a few films.

    What is drawn is written now and then, and when the study is interrupted, so that it goes on where it was.
    What is neither kept nor can be drawn is left out: by the sources' names, those that are complete.

    Raises:
        InputError: a film cannot be read, or a stored file not be used.
    """
    stores = {}
    for source in sources:
        folder, model, count = study.folder_of(source.model), source.model, source.counts[-1]
        stores[source.name] = SampleStore(folder, source.part, model, seed=study.seed, count=count)
    try:
        _draw_missing(study, [(source, stores[source.name]) for source in sources], items)
    finally:
        for store in stores.values():
            store.save()
    ids = [item.film_id for item in items]
    return {name: store for name, store in stores.items() if not store.missing(ids)}


def _draw_missing(
    study: Study, stores: Sequence[tuple[SampleSource, SampleStore]], items: Sequence[AnnotatedFilm]
) -> None:
    ready = [
        (source, source.model.model, store) for source, store in stores if source.model.model is not None
    ]
    ids = [item.film_id for item in items]
    with study.progress(PART, sum(len(store.missing(ids)) for *_, store in ready)) as step:
        for item in items:
            film = None
            for source, model, store in ready:
                if item.film_id not in store.films:
                    film = film_of(item) if film is None else film
                    samples = source.draw(model, film, source.counts[-1], study.seed)
                    store.add(item.film_id, FilmSamples.of(samples, film))
                    step()
    untimed = [each for each in ready if each[-1].cost is None]
    if untimed and items:
        films = [film_of(item) for item in items[:TIMED_FILMS]]
        for source, model, store in untimed:
            store.add_cost(_timed(source, model, films, seed=study.seed))


def _timed(source: SampleSource, model: Model, films: Sequence[Film], *, seed: int) -> Cost:
    """Milliseconds from pixels to samples for each count, after a drawing of all that is not counted."""
    source.draw(model, films[0], source.counts[-1], seed)
    ms = np.zeros((len(films), len(source.counts)))
    for row, film in enumerate(films):
        for column, count in enumerate(source.counts):
            start = time.perf_counter()
            source.draw(model, film, count, seed)
            ms[row, column] = 1e3 * (time.perf_counter() - start)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical processors"
    return Cost(np.array(source.counts, dtype=np.int64), ms, machine)


def tta_samples(model: Model, film: Film, n: int, seed: int) -> Samples:
    """What a model finds on n altered copies of a film with a scale, brought back to the film as given.

    Each copy is turned by up to 5 degrees about the film's centre, shifted by up to 5 mm along each axis and
    its greys raised to a power between exp(-0.3) and exp(0.3), all uniform and independent; the first k of n
    copies are those of n = k. The orientation is found once, on the film as given. Not a measure of the
    registry, since it costs n predictions. The seed is that of the alterations, and of the model's passes.

    Returns:
        n times the model's samples (all of them where it has several a film), positions in px of the given
        film.

    Raises:
        FilmError: the film has no scale.

    Source: Wang et al., Neurocomputing 338 (2019), test-time augmentation as a sample of the prediction.
    """
    rng = np.random.default_rng(seed)
    orientation = model.orientation(film)
    drawn = []
    for _ in range(n):
        angle, along_x, along_y, grey = rng.uniform(-1.0, 1.0, 4).tolist()
        shown = bend_greys(film, rng, gamma=float(np.exp(MAX_LOG_GAMMA * grey)))
        shift_mm = (MAX_SHIFT_MM * along_x, MAX_SHIFT_MM * along_y)
        shown, moved = moved_film(shown, angle_deg=MAX_ANGLE_DEG * angle, shift_mm=shift_mm)
        samples = model.sample(shown, orientation, seed=seed)
        drawn.append(replace(samples, positions_px=moved.inverse().apply(samples.positions_px)))
    parts: dict[str, Any] = {name: np.concatenate([getattr(each, name) for each in drawn]) for name in _PARTS}
    return Samples(**parts)


def moved_film(film: Film, *, angle_deg: float, shift_mm: tuple[float, float]) -> tuple[Film, Affine]:
    """A film turned about its centre, clockwise as seen, then shifted by whole pixels to the right and down.

    It is black where nothing was; with it comes where it shows the given film's points.

    Raises:
        FilmError: the film has no scale.
    """
    turn = rotation(film, angle_deg=angle_deg)
    turned = rotate(film, np.random.default_rng(0), angle_deg=angle_deg)
    spacing = turned.spacing
    if spacing is None:  # rotation has refused such a film
        raise ValueError("a shift in mm needs a scale")
    right = round(shift_mm[0] / spacing.x_mm_per_px)
    down = round(shift_mm[1] / spacing.y_mm_per_px)
    pixels = ndimage.shift(turned.pixels, (down, right), order=0)
    shift = Affine(np.eye(2), np.array([right, down], dtype=np.float64))
    return replace(turned, pixels=pixels), shift.after(turn)
