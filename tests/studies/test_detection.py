from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cephsure.studies import shifted_films
from cephsure.studies.cases import PointTable
from cephsure.studies.detection import COMBINATIONS, FilmScores, detection, harm_table, spoiled_table
from cephsure.studies.detection_figures import Detected, Harm
from cephsure.studies.shifted_films import Shift
from cephsure.studies.statistics.separation import detection_quality
from cephsure.uncertainty.shape_model import ShapeModel


@pytest.fixture
def small(study, study_model, rule_model, spot_film, monkeypatch):
    """Two films are shifted; the model's activation is the film's contrast, which a blur takes away."""

    class Contrast(rule_model):
        def predict(self, film, **given):
            found = super().predict(film, **given)
            contrast = {"activation": float(film.pixels.std())}
            landmarks = tuple(
                one.model_copy(update={"measures": one.measures.model_copy(update=contrast)})
                for one in found.landmarks
            )
            return found.model_copy(update={"landmarks": landmarks})

    monkeypatch.setattr(shifted_films, "non_cephalogram", lambda name, seed: spot_film(seed + 50))
    return replace(study, shift_films=2, models=(study_model(model=Contrast()),))


def rows_of(result, table, **wanted):
    rows = result.tables[table].document()["rows"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_blurred_films_are_told_by_their_contrast(small):
    result = detection(small)
    (blurred,) = rows_of(result, "detection", shift="blurred-1", score="activation_mean")
    assert (blurred["n_plain"], blurred["n_shifted"]) == (3, 2)
    assert blurred["auc"] == 1.0
    assert blurred["found_at_5_percent"] == 1.0
    (mirrored,) = rows_of(result, "detection", shift="mirrored", score="activation_mean")
    assert 0 < mirrored["auc"] < 1
    (together,) = rows_of(result, "detection", shift="blurred-1", score="measures_max")
    assert together["auc"] == 1.0
    # Two landmarks make no shape, and constants no score.
    scores = {row["score"] for row in rows_of(result, "detection")}
    assert "shape" not in scores
    assert not any(score.startswith("spread") for score in scores)


def test_harm_is_the_error_where_the_shifted_film_shows_the_points(small):
    result = detection(small)
    (plain,) = rows_of(result, "detection_harm", shift="")
    assert plain["mre_mm"] == pytest.approx(0, abs=1e-6)
    (mirrored,) = rows_of(result, "detection_harm", shift="mirrored")
    assert mirrored["mre_mm"] == pytest.approx(0, abs=1e-6)
    (shapes,) = rows_of(result, "detection_harm", shift="shapes")
    assert shapes["mre_mm"] is None
    spoiled = rows_of(result, "detection_spoiled", score="activation_mean")[0]
    assert 0 <= spoiled["n_found"] <= spoiled["n_spoiled"]


def test_everything_is_written_and_figures_are_labelled(small, spot_data, tmp_path):
    result = detection(replace(small, other_site=replace(spot_data, name="away")))
    result.write(tmp_path)
    json.loads((tmp_path / "detection.json").read_text())
    assert {path.stem for path in tmp_path.glob("*.svg")} == {"detection_rule", "detection_roc_rule"}
    heat, *_ = result.figures["detection_rule"].get_axes()
    shifts = [label.get_text() for label in heat.get_yticklabels()]
    assert any(text.startswith("mirrored, facing found (2, 0.0 mm)") for text in shifts)
    assert heat.get_xlabel() == "score of a film"
    for panel in result.figures["detection_roc_rule"].get_axes():
        assert "plain films" in panel.get_xlabel()
    assert "conditions each" in result.method[0]
    assert [row["score_title"] for row in result.shown.records()] == ["all: largest z"]
    assert rows_of(result, "detection_harm", shift="other-site")[0]["n_films"] == 6


def test_a_model_whose_measures_tell_nothing_is_reported_too(small, study):
    result = detection(replace(small, models=study.models))
    assert {row["score"] for row in rows_of(result, "detection")} == set(COMBINATIONS)
    assert all(row["auc"] is None for row in rows_of(result, "detection"))


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


USUAL = np.arange(40.0)
TITLES = {"entropy_mean": "entropy: mean"} | COMBINATIONS


def detected(shifts: dict[str, tuple[float, float | None]]) -> Detected:
    """Four films a shift, all with one score and one error; ``(score, error in mm or None)``."""
    shifted, areas, harm, listed = {}, [], {"": Harm(1.0, 0.0)}, []
    for name, (score, error) in shifts.items():
        errors = None if error is None else np.full((4, 2), error)
        listed.append(Shift(name, "family", f"the {name}", range(4), None, errors))
        shifted[name] = pd.DataFrame(dict.fromkeys(TITLES, np.full(4, score)))
        harm[name] = Harm(np.nan, np.nan) if error is None else Harm(error, float(error > 4))
        for title in TITLES:
            found = detection_quality(USUAL, np.full(4, score), n_resamples=20)
            area = {"shift": name, "score": title, "score_title": TITLES[title], "auc": found.auc}
            areas.append(area | {"found_at_5_percent": found.found})
    films = SimpleNamespace(model=SimpleNamespace(title="the model"), shifts=tuple(listed), plain=USUAL)
    plain = pd.DataFrame(dict.fromkeys(TITLES, USUAL))
    return Detected(films, TITLES, plain, shifted, pd.DataFrame(areas), harm)


@pytest.fixture
def judged():
    return detected(
        {"loud": (99.0, 9.0), "silent": (10.0, 7.0), "mild": (12.0, 1.1), "unjudged": (11.0, None)}
    )


def test_spoiled_films_are_counted_over_all_shifts(judged):
    row = spoiled_table([judged]).records()[0]
    assert (row["n_spoiled"], row["n_found"], row["share_found"]) == (8, 4, 0.5)
    assert row["missed"] == "the silent (4)"
    none = spoiled_table([detected({"mild": (12.0, 1.1)})]).records()[0]
    assert (none["n_spoiled"], none["share_found"], none["missed"]) == (0, None, "")


def test_harm_stands_beside_the_best_score_and_the_one_fixed_beforehand(judged):
    plain, loud, silent, _, unjudged = harm_table([judged]).records()
    assert (plain["shift"], plain["mre_mm"], plain["best_auc"]) == ("", 1.0, None)
    assert (loud["best_auc"], loud["all_max_found_at_5_percent"]) == (1.0, 1.0)
    assert (silent["mre_mm"], silent["share_over_4mm"], silent["best_found_at_5_percent"]) == (7.0, 1.0, 0.0)
    assert (unjudged["mre_mm"], unjudged["best_score"]) == (None, "entropy: mean")


def test_the_best_score_passes_over_undefined_areas(judged):
    judged.areas.loc[(judged.areas["score"] == "entropy_mean"), "auc"] = np.nan
    assert harm_table([judged]).records()[1]["best_score"] == "all: mean z"
    judged.areas["auc"] = np.nan
    assert harm_table([judged]).records()[1]["best_auc"] is None
