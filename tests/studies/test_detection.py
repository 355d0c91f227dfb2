from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.studies import shifted
from cephsure.studies.detection import detection
from cephsure.studies.film_scores import COMBINATIONS


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

    monkeypatch.setattr(shifted, "non_cephalogram", lambda name, seed: spot_film(seed + 50))
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
    assert any("other site" in text for text in result.findings)
    assert "conditions each" in result.method[0]
    assert any("best single score is activation" in text for text in result.findings)


def test_a_model_whose_measures_tell_nothing_is_reported_too(small, study):
    result = detection(replace(small, models=study.models))
    assert {row["score"] for row in rows_of(result, "detection")} == set(COMBINATIONS)
    assert all(row["auc"] is None for row in rows_of(result, "detection"))
