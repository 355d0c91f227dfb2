from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.evaluation.label_check import check_labels
from cephsure.evaluation.label_check.on_film import AS_GIVEN, Explanation, HeadPictures
from cephsure.evaluation.label_check.shapes import facing_one_side

FILM = 6


@pytest.fixture
def fit_of(judge):
    """Give ``fit_of(films, film)``."""

    def fit(films, film=FILM):
        other = facing_one_side(films.points).other_side
        pictures = HeadPictures(films.looks, films.points["ann"], other["ann"], judge.models[0].mean)
        assert pictures.enough
        return pictures.fit(film)

    return fit


def size(films, film=FILM):
    return films.looks[film].size_px


def test_true_labels_lie_on_the_head(fit_of, alone):
    fit = fit_of(alone)
    assert not fit.misplaced
    assert fit.here > 0.6


def test_shifted_labels_and_by_how_much(fit_of, alone):
    alone.points["ann"][FILM] += (18, -9)
    fit = fit_of(alone)
    assert fit.misplaced
    assert fit.by == AS_GIVEN
    np.testing.assert_allclose(fit.shift, (-18, 9), atol=4)


def test_films_that_have_nothing_in_common_judge_no_labels(films, judge):
    rng = np.random.default_rng(0)
    noise = tuple(
        replace(look, small=rng.integers(0, 256, look.small.shape, dtype=np.uint8)) for look in films.looks
    )
    here = np.zeros(len(noise), dtype=np.bool_)
    assert not HeadPictures(noise, films.points["ann"], here, judge.models[0].mean).enough
    (note, _) = check_labels(replace(films, looks=noise)).notes
    assert "too unlike one another" in note


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.6])
def test_labels_of_an_image_of_another_size(fit_of, alone, factor):
    alone.points["ann"][FILM] *= factor
    fit = fit_of(alone)
    assert fit.misplaced
    assert fit.by.size == pytest.approx(1 / factor, rel=0.15)


def test_mirrored_labels(fit_of, alone):
    own = alone.points["ann"][FILM]
    own[:, 0] = size(alone)[0] - 1 - own[:, 0]
    fit = fit_of(alone)
    assert fit.misplaced
    assert fit.by == Explanation(mirrored=True)


def test_a_film_that_was_mirrored_after_it_was_marked(fit_of, alone, with_look):
    look = alone.looks[FILM]
    fit = fit_of(with_look(alone, FILM, replace(look, small=look.small[:, ::-1].copy())))
    assert fit.by == Explanation(mirrored=True)


def test_a_film_that_faces_the_other_way_with_its_labels(fit_of, alone, with_look):
    look = alone.looks[FILM]
    own = alone.points["ann"][FILM]
    own[:, 0] = size(alone)[0] - 1 - own[:, 0]
    fit = fit_of(with_look(alone, FILM, replace(look, small=look.small[:, ::-1].copy())))
    assert not fit.misplaced


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_film_that_was_turned_after_it_was_marked(fit_of, alone, with_look, turn):
    look = alone.looks[FILM]
    small = np.ascontiguousarray(np.rot90(look.small, -turn))
    size_px = look.size_px[::-1] if turn % 2 else look.size_px
    fit = fit_of(with_look(alone, FILM, replace(look, small=small, size_px=size_px)))
    assert fit.misplaced
    assert fit.by == Explanation(turn=turn)


def test_a_negative_is_no_other_film(fit_of, alone, with_look):
    look = alone.looks[FILM]
    fit = fit_of(with_look(alone, FILM, replace(look, small=255 - look.small)))
    assert not fit.misplaced
    assert fit.here > 0.5


def test_a_picture_of_something_else_agrees_with_nothing(fit_of, alone, with_look):
    noise = np.random.default_rng(0).integers(0, 255, alone.looks[FILM].small.shape).astype(np.uint8)
    assert fit_of(with_look(alone, FILM, replace(alone.looks[FILM], small=noise))).here < 0.2


def test_films_without_picture_or_points_are_passed_over(fit_of, alone, with_look):
    alone.points["ann"][3, 2:] = np.nan
    assert fit_of(alone, 3) is None
    assert fit_of(with_look(alone, FILM, None)) is None


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_explanations_carry_points_as_pictures(turn, mirrored):
    marked = np.zeros((3, 5))
    marked[1, 4] = 1  # a film of 5 x 3 px with one bright pixel
    shown = np.rot90(marked[:, ::-1] if mirrored else marked, -turn)
    (row, column), *_ = np.argwhere(shown)
    moved = Explanation(turn, mirrored).apply(np.array([[4.0, 1.0]]), shown.shape[::-1])
    assert moved.tolist() == [[column, row]]
