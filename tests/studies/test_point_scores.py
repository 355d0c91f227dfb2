from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.cases import PointTable
from cephsure.studies.point_scores import AS_IS, WITHIN, point_scores, ranked
from cephsure.uncertainty.shape_fit import ShapeModel

BASE = np.array([[0.0, 0], [50, 0], [55, 40], [5, 45]])


def table_of(measures: dict[str, np.ndarray], points: np.ndarray) -> PointTable:
    keys = tuple((f"f{index}", "") for index in range(len(points)))
    return PointTable(keys, (1, 2, 3, 4), points, np.full((len(points), 2), 0.1), measures)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    points = 10 * (BASE + rng.normal(0, 1, (6, 4, 2)))
    values = rng.permutation(24.0 * np.ones(24) + np.arange(24)).reshape(6, 4)
    return table_of({"entropy": values, "activation": 1 / values, "spread_mm": np.zeros((6, 4))}, points)


def test_ranks_share_ties_and_skip_what_is_missing():
    values = np.array([[1.0, 5], [1, np.nan], [3, 4]])
    expected = [[0.2, 0.9], [0.2, np.nan], [0.5, 0.7]]
    np.testing.assert_allclose(ranked(values, within_landmark=False), expected)
    within = [[1 / 3, 0.75], [1 / 3, np.nan], [2.5 / 3, 0.25]]
    np.testing.assert_allclose(ranked(values, within_landmark=True), within)
    assert np.isnan(ranked(np.full((2, 2), np.nan), within_landmark=True)).all()


def test_every_score_rises_with_uncertainty_and_constants_are_left_out(table):
    scores = {(one.name, one.scaled): one.values for one in point_scores(table, None)}
    assert set(scores) == {(n, s) for n in ("entropy", "activation", "combined") for s in (AS_IS, WITHIN)}
    np.testing.assert_array_equal(scores["activation", AS_IS], -table.measures["activation"])
    # Activation is one over the entropy: both rank alike, and so does their combination.
    ranks = ranked(table.measures["entropy"], within_landmark=False)
    np.testing.assert_allclose(scores["combined", AS_IS], ranks)
    np.testing.assert_allclose(scores["activation", WITHIN], scores["entropy", WITHIN])
    assert scores["entropy", WITHIN].mean(axis=0) == pytest.approx(0.5)


def test_shape_finds_the_point_that_was_moved(table):
    rng = np.random.default_rng(1)
    shape = ShapeModel.fit(BASE + rng.normal(0, 1, (60, 4, 2)))
    moved = table.points_px.copy()
    moved[3, 2] += [300, 0]
    scores = {one.name: one.values for one in point_scores(table_of({}, moved), shape) if one.scaled == AS_IS}
    assert np.unravel_index(scores["shape_sd"].argmax(), (6, 4)) == (3, 2)
    assert 20 < scores["shape"][3, 2] < 40
    assert "combined" not in scores
