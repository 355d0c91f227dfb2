"""Films of drawn heads with their true points, marked by two annotators who err by a pixel."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import phantom
from cephsure.evaluation.label_check import FilmLook, LabelledFilms, look_at
from cephsure.evaluation.label_check.shapes import ShapeJudge, judges
from cephsure.films import Film, Spacing, SpacingSource

CODES = tuple(phantom.TEMPLATE)
WIDTH, HEIGHT, MM = 194, 240, 1.0
COUNT = 40


@functools.cache
def drawn(count: int = COUNT) -> LabelledFilms:
    looks, points = [], []
    for number in range(count):
        pixels, marked = phantom.draw_head(
            np.random.default_rng([7, number]), width_px=WIDTH, height_px=HEIGHT
        )
        looks.append(look_at(Film(pixels, Spacing(MM, MM, SpacingSource.USER), sha256=f"{number:064x}")))
        points.append(marked)
    truth, rng = np.stack(points), np.random.default_rng(8)
    return LabelledFilms(
        tuple(f"{number:03d}" for number in range(count)),
        CODES,
        {name: truth + rng.normal(0, 0.4, truth.shape) for name in ("ann", "bob")},
        tuple(looks),
        (None,) * count,
        (None,) * count,
    )


@pytest.fixture(scope="session")
def judge() -> ShapeJudge:
    """Of the first annotator's true points."""
    return judges({"ann": drawn().points["ann"]})["ann"]


@pytest.fixture
def films() -> LabelledFilms:
    """40 films whose points may be changed."""
    return copied(drawn())


@pytest.fixture
def alone() -> LabelledFilms:
    """The same of one annotator."""
    films = copied(drawn())
    del films.points["bob"]
    return films


def copied(films: LabelledFilms) -> LabelledFilms:
    return replace(films, points={name: points.copy() for name, points in films.points.items()})


@pytest.fixture
def with_look():
    """Give ``with_look(films, film, look)``: the films with another look of one."""

    def change(films: LabelledFilms, film: int, look: FilmLook | None) -> LabelledFilms:
        return replace(films, looks=(*films.looks[:film], look, *films.looks[film + 1 :]))

    return change
