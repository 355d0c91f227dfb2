from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.cases import PointTable
from cephsure.studies.film_scores import COMBINATIONS, FilmScores
from cephsure.uncertainty.shape_model import ShapeModel

BASE = np.array([[0.0, 0], [50, 0], [55, 40], [5, 45]])


def table_of(entropy: np.ndarray, activation: np.ndarray | None = None) -> PointTable:
    count = len(entropy)
    rng = np.random.default_rng(5)
    measures = {"entropy": entropy} | ({} if activation is None else {"activation": activation})
    keys = tuple((f"f{index}", "") for index in range(count))
    points = 10 * (BASE + rng.normal(0, 1, (count, 4, 2)))
    return PointTable(keys, (1, 2, 3, 4), points, np.full((count, 2), 0.1), measures)


@pytest.fixture
def plain():
    rng = np.random.default_rng(0)
    return table_of(rng.normal(2, 0.3, (40, 4)), rng.normal(0.6, 0.1, (40, 4)))


FOLDS = np.arange(40) % 2


def test_scores_by_hand(plain):
    scores = FilmScores(plain, FOLDS, None)
    film = table_of(np.array([[1.0, 2.0, 3.0, 9.0]]), np.array([[0.5, 0.5, 0.7, 0.7]]))
    found = scores.of(film, np.array([0]))
    assert found["entropy_mean"][0] == pytest.approx(3.75)
    assert found["entropy_max"][0] == 9.0
    assert found["activation_mean"][0] == pytest.approx(-0.6)
    assert found["activation_max"][0] == pytest.approx(-0.5)
    # Against the other fold: each landmark's own 95 % quantile of its 20 films.
    others = plain.measures["entropy"][FOLDS == 1]
    limit = np.quantile(others, 0.95, axis=0)
    assert found["entropy_share"][0] == np.mean(np.array([1.0, 2, 3, 9]) > limit)
    means = others.mean(axis=1)
    z_entropy = (3.75 - np.median(means)) / (1.4826 * np.median(np.abs(means - np.median(means))))
    turned = -plain.measures["activation"][FOLDS == 1].mean(axis=1)
    z_activation = (-0.6 - np.median(turned)) / (1.4826 * np.median(np.abs(turned - np.median(turned))))
    assert found["all_mean"][0] == pytest.approx((z_entropy + z_activation) / 2)
    assert found["all_max"][0] == pytest.approx(max(z_entropy, z_activation))
    assert found["measures_max"][0] == pytest.approx(found["all_max"][0])


def test_a_film_is_judged_by_the_half_it_is_not_in(plain):
    base = FilmScores(plain, FOLDS, None).of(plain, FOLDS)
    changed = {name: values.copy() for name, values in plain.measures.items()}
    for values in changed.values():
        values[FOLDS == 0] *= 3
    again = FilmScores(table_of(changed["entropy"], changed["activation"]), FOLDS, None).of(plain, FOLDS)
    for name in base:
        np.testing.assert_array_equal(again[name][FOLDS == 0], base[name][FOLDS == 0])
    for name in ("entropy_share", *COMBINATIONS):
        assert (again[name][FOLDS == 1] != base[name][FOLDS == 1]).any()


def test_too_certain_films_stand_out_by_the_absolute_deviation_only(plain):
    scores = FilmScores(plain, FOLDS, None)
    sure = scores.of(table_of(np.full((1, 4), 0.1), np.full((1, 4), 0.99)), np.array([0]))
    usual = scores.of(plain, FOLDS)
    assert sure["all_abs"][0] > usual["all_abs"].max()
    assert sure["all_max"][0] < usual["all_max"].min()


def test_shape_takes_part_where_it_is_known(plain):
    shape = ShapeModel.fit(BASE + np.random.default_rng(1).normal(0, 1, (60, 4, 2)))
    scores = FilmScores(plain, FOLDS, shape)
    wild = table_of(np.full((2, 4), 2.0), np.full((2, 4), 0.6))
    wild.points_px[0] = [[0, 0], [1, 300], [500, 20], [10, 450]]
    found = scores.of(wild, np.array([0, 1]))
    assert found["shape"][0] > 3 * found["shape"][1]
    assert found["all_max"][0] > 3 > found["measures_max"][0]
    assert "shape" not in FilmScores(plain, FOLDS, None).titles


def test_a_measure_that_is_missing_is_nan_and_the_rest_decides(plain):
    found = FilmScores(plain, FOLDS, None).of(table_of(np.full((2, 4), 5.0)), np.array([0, 1]))
    assert np.isnan(found["activation_mean"]).all()
    assert np.isnan(found["activation_share"]).all()
    assert (found["all_max"] > 3).all()
    assert (found["all_mean"] == found["all_max"]).all()


def test_predictions_without_any_measure_have_no_score_but_the_shape(plain):
    bare = table_of(np.zeros((6, 4)))
    assert list(FilmScores(bare, np.arange(6) % 2, None).titles) == list(COMBINATIONS)
    found = FilmScores(bare, np.arange(6) % 2, None).of(bare, np.arange(6) % 2)
    assert all(found[name].isna().all() for name in found)
