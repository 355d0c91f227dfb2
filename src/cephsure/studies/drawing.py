"""Draw samples of films as often as an experiment needs them, once, and measure what it costs."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.altered import tta_samples
from cephsure.studies.sample_store import Cost, DrawnFilm, SampleStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.inference.samples import Samples
    from cephsure.model import Model
    from cephsure.studies.study import Study, StudyModel

Draw = Callable[["Model", "Film", int, int], "Samples"]

PART, ALTERED_PART = "samples", "samples-altered"
PASSES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50)
ALTERED = (1, 2, 3, 5, 8)
TIMED_FILMS = 3


@dataclass(frozen=True, slots=True)
class Drawing:
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
    def name(self) -> str:
        """For files: the model's label, and how it was drawn where it is not the model's own way."""
        return self.model.label if self.part == PART else f"{self.model.label}_altered"

    @property
    def title(self) -> str:
        """For tables and legends."""
        return self.model.title if self.part == PART else f"{self.model.title}, on altered films"


def drawings_of(model: StudyModel) -> tuple[Drawing, ...]:
    """The ways in which samples can be drawn with a model: its own; with a single network, altered films."""
    if model.kind == "ensemble":
        counts = tuple(range(1, model.samples + 1))
        return (Drawing(model, "members", PART, counts, plain_samples),)
    if model.kind == "mc-dropout":
        return (Drawing(model, "passes", PART, PASSES, plain_samples),)
    return (
        Drawing(model, "network", PART, (1,), plain_samples),
        Drawing(model, "altered films", ALTERED_PART, ALTERED, tta_samples),
    )


def plain_samples(model: Model, film: Film, count: int, seed: int) -> Samples:
    """The samples behind a prediction of the film as it is."""
    return model.sample(film, model.orientation(film), samples=count, seed=seed)


def draw_films(
    study: Study, drawings: Sequence[Drawing], items: Sequence[AnnotatedFilm]
) -> dict[str, SampleStore]:
    """Draw every film's samples, as many as are looked at together, and measure the cost on a few films.

    What is drawn is written now and then, and when the study is interrupted, so that it goes on where it was.

    Args:
        study: folder, seed and progress.
        drawings: what to draw; what is neither kept nor can be drawn is left out.
        items: the films.

    Returns:
        By the drawings' names, those that are complete.

    Raises:
        InputError: a film cannot be read, or a stored file not be used.
    """
    stores = {
        one.name: SampleStore(
            study.folder_of(one.model), one.part, one.model, seed=study.seed, count=one.counts[-1]
        )
        for one in drawings
    }
    try:
        _draw_missing(study, drawings, items, stores)
    finally:
        for store in stores.values():
            store.save()
    ids = [item.film_id for item in items]
    return {name: store for name, store in stores.items() if not store.missing(ids)}


def _draw_missing(
    study: Study, drawings: Sequence[Drawing], items: Sequence[AnnotatedFilm], stores: dict[str, SampleStore]
) -> None:
    todo = {
        one.name: stores[one.name].missing([item.film_id for item in items])
        for one in drawings
        if one.model.model is not None
    }
    with study.progress(PART, sum(map(len, todo.values()))) as step:
        for item in items:
            film = None
            for one, model in _ready(drawings):
                if item.film_id in todo[one.name]:
                    film = film_of(item) if film is None else film
                    samples = one.draw(model, film, one.counts[-1], study.seed)
                    stores[one.name].add(item.film_id, DrawnFilm.of(samples, film))
                    step()
    untimed = [(one, model) for one, model in _ready(drawings) if stores[one.name].cost is None]
    if untimed and items:
        films = [film_of(item) for item in items[:TIMED_FILMS]]
        for one, model in untimed:
            stores[one.name].add_cost(_timed(one, model, films, seed=study.seed))


def _ready(drawings: Sequence[Drawing]) -> Iterator[tuple[Drawing, Model]]:
    for one in drawings:
        if one.model.model is not None:
            yield one, one.model.model


def _timed(drawing: Drawing, model: Model, films: Sequence[Film], *, seed: int) -> Cost:
    """Milliseconds from pixels to samples for each count, after a drawing of all that is not counted."""
    drawing.draw(model, films[0], drawing.counts[-1], seed)
    ms = np.zeros((len(films), len(drawing.counts)))
    for row, film in enumerate(films):
        for column, count in enumerate(drawing.counts):
            start = time.perf_counter()
            drawing.draw(model, film, count, seed)
            ms[row, column] = 1e3 * (time.perf_counter() - start)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical processors"
    return Cost(np.array(drawing.counts, dtype=np.int64), ms, machine)
