from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.studies.cases import PointTable, films_of_split, plain_cases
from cephsure.studies.predictions import predict_cases
from cephsure.studies.referral import AS_IS, WITHIN, point_scores, ranked, referral
from cephsure.uncertainty.shape_model import ShapeModel
from table_study import records

pytestmark = pytest.mark.slow

BASE = np.array([[0.0, 0], [50, 0], [55, 40], [5, 45]])


@pytest.fixture(scope="module")
def result(table_study):
    return referral(table_study(n_test=20).study)


def test_table_holds_the_errors_and_what_referral_leaves_of_them(table_study):
    stored = table_study(n_test=20, kinds=("baseline",))
    result = referral(stored.study)
    errors = np.linalg.norm(stored.away_mm["table-baseline"], axis=-1)
    (row,) = records(result, "referral", score="entropy", films="official", referred="points", scaled=AS_IS)
    assert row["n"] == errors.size
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-4)
    assert row["n_over_4mm"] == (errors > 4).sum()
    # 20 x 19 points: 76 are 20 % exactly, and no two have the same entropy.
    table = predict_cases(stored.study, "test1", plain_cases(films_of_split(stored.study.dataset)))
    order = np.argsort(table["table-baseline"].measures["entropy"].ravel())
    kept = errors.ravel()[order[:304]]
    assert row["mre_kept_mm_20"] == pytest.approx(kept.mean(), rel=1e-4)
    assert row["caught_20"] == pytest.approx(1 - (kept > 4).sum() / (errors > 4).sum())
    assert row["mre_kept_mm_20_oracle"] == pytest.approx(np.sort(errors.ravel())[:304].mean(), rel=1e-4)


def test_official_and_clean_films_points_and_whole_films(result):
    for films, count in (("official", 20), ("clean", 19)):
        whole = records(result, "referral", films=films, referred="films, by the mean", score="entropy")
        assert [row["n"] for row in whole] == [count, count]
    assert {row["scaled"] for row in records(result, "referral", referred="films, by the largest")} == {AS_IS}
    assert records(result, "referral", scaled=WITHIN)
    assert not records(result, "referral", model="default baseline, mean", score="spread")


def test_difficulty_is_worth_more_than_chance_and_less_than_the_errors(result):
    for row in records(
        result, "referral", score="entropy", referred="points", scaled=AS_IS, films="official"
    ):
        assert row["aurc_mm_oracle"] < row["aurc_mm"] < row["mre_mm"]
        assert 0.1 < row["excess_aurc"] < 0.7
        assert row["caught_20_low"] <= row["caught_20"] <= row["caught_20_high"]
        assert row["caught_10"] <= row["caught_20"] <= row["caught_30"]


def test_everything_is_written_and_figures_have_their_units(result, tmp_path):
    result.write(tmp_path)
    json.loads((tmp_path / "referral.json").read_text())
    names = {path.name for path in tmp_path.glob("*.png")}
    assert names == {"referral_caught.png", "referral_table-baseline.png", "referral_table-ensemble.png"}
    for panel in result.figures["referral_table-ensemble"].get_axes():
        assert "coverage" in panel.get_xlabel()
        assert "[mm]" in panel.get_ylabel()


def test_a_study_without_true_points_has_a_table_and_no_curves(table_study):
    stored = table_study(n_test=8, kinds=("ensemble",), mm_per_px=0.1)
    for film in stored.study.dataset.films:
        for points in film.annotations.values():
            points[:] = np.nan
    result = referral(stored.study)
    assert list(result.figures) == ["referral_caught"]
    assert all(row["n"] == 0 for row in records(result, "referral"))


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
    scores = {(score.name, score.scaled): score.values for score in point_scores(table, None)}
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
    found = point_scores(table_of({}, moved), shape)
    scores = {score.name: score.values for score in found if score.scaled == AS_IS}
    assert np.unravel_index(scores["shape_sd"].argmax(), (6, 4)) == (3, 2)
    assert 20 < scores["shape"][3, 2] < 40
    assert "combined" not in scores
