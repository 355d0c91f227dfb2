"""The choice of truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets import AnnotatedFilm, annotators, truth
from cephsure.errors import InputError

NAN = float("nan")


def _film(**annotations):
    arrays = {name: np.array(points, dtype=np.float64) for name, points in annotations.items()}
    return AnnotatedFilm(film_id="1", path=Path("1.png"), annotations=arrays)


def test_mean_averages_those_who_have_the_point():
    film = _film(
        senior=[[0, 10], [NAN, NAN], [5, 5], [NAN, NAN]],
        junior=[[4, 20], [7, 8], [NAN, NAN], [NAN, NAN]],
        third=[[2, 0], [9, 2], [NAN, 3], [NAN, NAN]],
    )
    np.testing.assert_array_equal(truth(film), [[2, 10], [8, 5], [5, 5], [NAN, NAN]])


def test_a_name_picks_one_annotator_and_gives_a_copy():
    film = _film(senior=[[0, 1]], junior=[[2, 3]])
    points = truth(film, "junior")
    np.testing.assert_array_equal(points, [[2, 3]])
    points[:] = 99
    np.testing.assert_array_equal(truth(film, "junior"), [[2, 3]])


def test_an_unknown_annotator_lists_those_there_are():
    with pytest.raises(
        InputError, match=r"1\.png: there is no annotator 'chief' \(known: mean, senior, junior\)"
    ):
        truth(_film(senior=[[0, 1]], junior=[[2, 3]]), "chief")


def test_a_film_without_annotations_has_no_mean():
    with pytest.raises(InputError, match="nobody annotated"):
        truth(_film())


def test_annotators_are_named_once_in_order():
    films = [_film(senior=[[0, 1]]), _film(junior=[[0, 1]], senior=[[0, 1]])]
    assert annotators(films) == ("senior", "junior")
