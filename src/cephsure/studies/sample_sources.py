"""Ways to draw samples of films: a model's own, or test-time augmentation; drawn once, and timed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import film_of
from cephsure.geometry import Affine
from cephsure.inference.samples import Samples
from cephsure.studies.sample_store import Cost, FilmSamples, SampleStore
from cephsure.studies.shifts.corruptions import bend_greys, rotate, rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.model import Model
    from cephsure.studies.study import Study, StudyModel

Draw = Callable[["Model", "Film", int, int], Samples]

PART, ALTERED_PART = "samples", "samples-altered"
PASSES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50)
ALTERED = (1, 2, 3, 5, 8)
TIMED_FILMS = 3
# Alterations within what a patient's head and a scanner do from film to film.
MAX_ANGLE_DEG = 5.0
MAX_SHIFT_MM = 5.0
MAX_LOG_GAMMA = 0.3


@dataclass(frozen=True, slots=True)
class SampleSource:
    """One way to draw samples with one model.

    Attributes:
        model: which.
        what: one sample is called ("members", "passes", "altered films", "network").
        part: names the stored file.
        counts: numbers of samples that are looked at, rising.
        draw: draws that many, with a seed.
    """

    model: StudyModel
    what: str
    part: str
    counts: tuple[int, ...]
    draw: Draw

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


def sources_of(model: StudyModel) -> tuple[SampleSource, ...]:
    """The ways in which samples can be drawn with a model: its own; with a single network, altered films."""
    if model.kind == "ensemble":
        counts = tuple(range(1, model.samples + 1))
        return (SampleSource(model, "members", PART, counts, plain_samples),)
    if model.kind == "mc-dropout":
        return (SampleSource(model, "passes", PART, PASSES, plain_samples),)
    return (
        SampleSource(model, "network", PART, (1,), plain_samples),
        SampleSource(model, "altered films", ALTERED_PART, ALTERED, tta_samples),
    )


def plain_samples(model: Model, film: Film, count: int, seed: int) -> Samples:
    """The samples behind a prediction of the film as it is."""
    return model.sample(film, model.orientation(film), samples=count, seed=seed)


def sample_films(
    study: Study, sources: Sequence[SampleSource], items: Sequence[AnnotatedFilm]
) -> dict[str, SampleStore]:
    """Draw every film's samples, as many as are looked at together, and measure the cost on a few films.

    What is drawn is written now and then, and when the study is interrupted, so that it goes on where it was.

    Args:
        study: folder, seed and progress.
        sources: what to draw; what is neither kept nor can be drawn is left out.
        items: the films.

    Returns:
        By the sources' names, those that are complete.

    Raises:
        InputError: a film cannot be read, or a stored file not be used.
    """
    stores = {
        source.name: SampleStore(
            study.folder_of(source.model),
            source.part,
            source.model,
            seed=study.seed,
            count=source.counts[-1],
        )
        for source in sources
    }
    try:
        _draw_missing(study, sources, items, stores)
    finally:
        for store in stores.values():
            store.save()
    ids = [item.film_id for item in items]
    return {name: store for name, store in stores.items() if not store.missing(ids)}


def _draw_missing(
    study: Study,
    sources: Sequence[SampleSource],
    items: Sequence[AnnotatedFilm],
    stores: dict[str, SampleStore],
) -> None:
    ready = [(source, source.model.model) for source in sources if source.model.model is not None]
    ids = [item.film_id for item in items]
    todo = {source.name: stores[source.name].missing(ids) for source, _ in ready}
    with study.progress(PART, sum(map(len, todo.values()))) as step:
        for item in items:
            film = None
            for source, model in ready:
                if item.film_id in todo[source.name]:
                    film = film_of(item) if film is None else film
                    samples = source.draw(model, film, source.counts[-1], study.seed)
                    stores[source.name].add(item.film_id, FilmSamples.of(samples, film))
                    step()
    untimed = [(source, model) for source, model in ready if stores[source.name].cost is None]
    if untimed and items:
        films = [film_of(item) for item in items[:TIMED_FILMS]]
        for source, model in untimed:
            stores[source.name].add_cost(_timed(source, model, films, seed=study.seed))


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
    """What a model finds on n altered copies of a film, brought back to the film as given.

    Each copy is turned by up to 5 degrees about the film's centre, shifted by up to 5 mm along each axis and
    its greys raised to a power between exp(-0.3) and exp(0.3), all uniform and independent; the first k of n
    copies are those of n = k. The orientation is found once, on the film as given. Not a measure of the
    registry, since it costs n predictions.

    Args:
        model: which; of one with several samples a film, each copy gives all of them.
        film: with a scale.
        n: copies.
        seed: of the alterations, and of the model's passes.

    Returns:
        n times the model's samples, positions in px of the given film.

    Raises:
        FilmError: the film has no scale.

    Source: Wang et al., Neurocomputing 338 (2019), test-time augmentation as a sample of the prediction.
    """
    rng = np.random.default_rng(seed)
    orientation = model.orientation(film)
    drawn = []
    for _ in range(n):
        angle, along_x, along_y, grey = rng.uniform(-1.0, 1.0, 4)
        shown = bend_greys(film, rng, gamma=float(np.exp(MAX_LOG_GAMMA * grey)))
        shown, moved = moved_film(
            shown,
            angle_deg=float(MAX_ANGLE_DEG * angle),
            shift_mm=(float(MAX_SHIFT_MM * along_x), float(MAX_SHIFT_MM * along_y)),
        )
        samples = model.sample(shown, orientation, seed=seed)
        drawn.append(replace(samples, positions_px=moved.inverse().apply(samples.positions_px)))
    return Samples(
        positions_px=np.concatenate([samples.positions_px for samples in drawn]),
        activations=np.concatenate([samples.activations for samples in drawn]),
        expected_errors_px=np.concatenate([samples.expected_errors_px for samples in drawn]),
        entropies=np.concatenate([samples.entropies for samples in drawn]),
    )


def moved_film(film: Film, *, angle_deg: float, shift_mm: tuple[float, float]) -> tuple[Film, Affine]:
    """The film turned about its centre, then shifted by whole pixels; black where nothing was.

    Args:
        film: with a scale.
        angle_deg: clockwise as seen.
        shift_mm: to the right and down.

    Returns:
        The film, and where it shows the given film's points.

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
    rows, columns = abs(down), abs(right)
    padded = np.pad(turned.pixels, ((rows, rows), (columns, columns)))
    pixels = padded[rows - down :, columns - right :][: film.height_px, : film.width_px]
    shift = Affine(np.eye(2), np.array([right, down], dtype=np.float64))
    return replace(turned, pixels=np.ascontiguousarray(pixels)), shift.after(turn)
