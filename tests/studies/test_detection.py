from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cephsure.studies import shifted_films
from cephsure.studies.detection import Detected, Harm, detection, harm_table, spoiled_table
from cephsure.studies.film_scores import COMBINATIONS
from cephsure.studies.shifted_films import Shift
from cephsure.studies.statistics.separation import detection_quality

pytestmark = pytest.mark.slow


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
