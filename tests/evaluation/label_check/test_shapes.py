from __future__ import annotations

import numpy as np
import pytest

from cephsure.evaluation.label_check import shapes as head
from cephsure.evaluation.label_check.shapes import (
    facing_one_side,
    judged_landmarks,
    judges,
    other_side,
)

MIRROR = np.array([-1.0, 1.0])


def test_films_of_the_other_side_are_found(alone):
    shapes = alone.points["ann"]
    shapes[[2, 5]] *= MIRROR
    assert np.flatnonzero(other_side(shapes)).tolist() == [2, 5]


def test_where_the_most_face_one_way_the_rest_are_the_other_side(alone):
    shapes = alone.points["ann"] * MIRROR
    shapes[[2, 5]] *= MIRROR
    assert np.flatnonzero(other_side(shapes)).tolist() == [2, 5]


def test_points_that_are_missing_or_too_few_do_not_disturb(alone):
    shapes = alone.points["ann"]
    shapes[4, ::3] = np.nan
    shapes[5] = np.nan
    shapes[4] *= MIRROR
    assert np.flatnonzero(other_side(shapes)).tolist() == [4]
    assert not other_side(np.full((3, 19, 2), np.nan)).any()


def test_all_annotators_face_the_side_of_the_most(films):
    films.points["bob"] *= MIRROR
    films.points["ann"][:5] *= MIRROR
    faced = facing_one_side(films.points)
    # 35 of ann's films face right, 45 left.
    assert {name: int(own.sum()) for name, own in faced.other_side.items()} == {"ann": 35, "bob": 0}
    # Afterwards the two lie on each other.
    assert not other_side(np.concatenate(list(faced.shapes.values()))).any()


def test_landmarks_that_few_marked_are_not_judged():
    known = np.ones((20, 8), dtype=bool)
    known[:12, 0] = False  # on fewer than half of the films
    known[:7, 1] = False  # would leave 13 of 20 complete
    known[:2, 2] = False
    assert judged_landmarks(known).tolist() == [False, False, True, True, True, True, True, True]
    assert not judged_landmarks(np.zeros((4, 8), dtype=bool)).any()


def test_a_usual_head_is_as_far_from_the_mean_as_films_are(alone):
    shapes = alone.points["ann"]
    judge = judges({"ann": shapes})["ann"]
    found = np.stack([judge.residuals(film, own, judge.known(own)) for film, own in enumerate(shapes)])
    # Half of the residuals of each landmark lie below a Rayleigh variable's median, sqrt(ln 2).
    np.testing.assert_allclose(np.median(found, axis=0), 0.8326, atol=0.02)
    scores = [judge.score(film, own, judge.known(own)) for film, own in enumerate(shapes)]
    assert np.median(scores) == pytest.approx(1, abs=0.01)
    sizes = [judge.head_size(film, own) for film, own in enumerate(shapes)]
    assert np.median(sizes) == pytest.approx(1, abs=0.02)


def test_a_film_is_judged_by_others_only(alone):
    shapes = alone.points["ann"]
    before = judges({"ann": shapes})["ann"]
    shapes[7, 0] += 30
    after = judges({"ann": shapes})["ann"]
    fold = 7 % len(after.models)
    np.testing.assert_array_equal(after.models[fold].mean, before.models[fold].mean)


def test_too_few_films_are_not_judged(alone):
    assert judges({"ann": alone.points["ann"][: head.FEWEST_FILMS - 1]}) == {}
    assert judges({"ann": np.tile(alone.points["ann"][:1], (20, 1, 1))}) == {}
    assert judges({}) == {}


def test_who_marked_few_films_is_judged_by_the_films_of_all(films):
    films.points["bob"][6:] = np.nan
    found = judges(films.points)
    assert found["bob"] is not found["ann"]
    assert found["bob"].models[0].n_films > found["ann"].models[0].n_films


def test_points_that_are_missing_are_left_out_of_a_judgement(alone, judge):
    own = alone.points["ann"][0].copy()
    own[3] = np.nan
    found = judge.residuals(0, own, judge.known(own))
    assert found[3] == 0
    assert (found[np.arange(19) != 3] > 0).all()
    own[4:] = np.nan
    assert judge.score(0, own, judge.known(own)) == 0
    assert np.isnan(judge.head_size(0, own))
