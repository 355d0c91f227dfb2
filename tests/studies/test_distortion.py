from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.films import Spacing, SpacingSource
from cephsure.studies import distorted
from cephsure.studies.distortion import distortion

STRENGTHS = (0.0, 70.0, 140.0, 200.0)


@pytest.fixture
def head_sized(study, monkeypatch):
    """Give the study of spots on films of 192 x 160 mm, distorted at four magnitudes."""
    monkeypatch.setattr(distorted, "MAGNITUDES", STRENGTHS)
    spacing = Spacing(2.0, 2.0, SpacingSource.DATASET)
    films = tuple(replace(film, spacing=spacing) for film in study.dataset.films)
    return replace(study, dataset=replace(study.dataset, films=films), shift_films=4)


def column(table, name, **where):
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return [row[name] for row in rows if all(row[key] == value for key, value in where.items())]


def test_the_tables_hold_what_was_predicted(head_sized):
    result = distortion(head_sized)
    coefficients, means, field = (
        result.tables[name] for name in ("distortion", "distortion-by-magnitude", "distortion-field")
    )
    (model,) = head_sized.models
    done = distorted.distorted_films(head_sized)
    errors = done.errors_mm(model, "mean")
    np.testing.assert_allclose(column(means, "error_mm"), np.nanmean(errors, axis=(0, 2)))
    grey = done.by_film(done.tables[model.label].measures["activation"])
    np.testing.assert_allclose(column(means, "activation"), grey.mean(axis=(0, 2)))
    expected = np.corrcoef(STRENGTHS, grey.mean(axis=(0, 2)))[0, 1]
    activation = {"measure": "maximum heat-map activation"}
    assert column(coefficients, "magnitude_pearson", **activation) == [pytest.approx(expected)]
    assert column(coefficients, "n_points", **activation) == [int(np.isfinite(errors).sum())]
    # A spot is dimmed by the resampling: a bright answer is one of the film as it was.
    assert expected < 0
    np.testing.assert_array_equal(column(field, "magnitude"), STRENGTHS)
    np.testing.assert_allclose(
        np.diff(column(field, "rms_mm")) / np.diff(STRENGTHS), column(field, "rms_mm")[-1] / 200
    )
    lost = [int(np.isnan(done.truths_px["mean"][:, index, :, 0]).sum()) for index in range(4)]
    assert column(field, "points_without_place") == lost


def test_the_published_value_stands_beside_the_measure_it_is_of(head_sized, study_model, rule_model):
    models = (study_model("b", model=rule_model("baseline"), kind="baseline"),)
    table = distortion(replace(head_sized, models=models)).tables["distortion"]
    assert column(table, "published_pearson", measure="maximum heat-map activation") == [-0.95]
    assert column(table, "published_pearson", measure="expected radial error") in ([None], [])


def test_a_spread_that_never_varies_has_no_coefficient(head_sized):
    result = distortion(head_sized)
    # The rule's two samples are always 2 px apart.
    assert column(result.tables["distortion"], "model", measure="spread of the samples") == []
    assert any("spread does not vary" in sentence for sentence in result.findings)


def test_everything_is_written_and_a_picture_needs_a_model_that_runs(head_sized, study_model, tmp_path):
    (model,) = head_sized.models
    result = distortion(head_sized)
    assert set(result.figures) == {"distortion-own-measure", "distortion-measures", "distortion-samples"}
    result.write(tmp_path / "result")
    document = json.loads((tmp_path / "result" / "distortion.json").read_text())
    assert document["name"] == "distortion"
    assert "4 films" in document["method"][0]
    stored = study_model("s", model=None, stored=head_sized.folder_of(model))
    again = distortion(replace(head_sized, models=(stored,)))
    assert set(again.figures) == {"distortion-own-measure", "distortion-measures"}
    assert again.tables["distortion"].rows == result.tables["distortion"].rows


def test_many_models_stay_in_columns_of_four(head_sized, study_model, rule_model):
    models = tuple(study_model(f"m{index}", model=rule_model()) for index in range(5))
    result = distortion(replace(head_sized, models=models, shift_films=2))
    axes = result.figures["distortion-own-measure"].get_axes()
    assert axes[0].get_gridspec().ncols == 4
    assert sum(panel.get_visible() for panel in axes) == 10
