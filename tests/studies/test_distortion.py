from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films import Spacing, SpacingSource
from cephsure.studies import distortion as module
from cephsure.studies.distortion import MAGNITUDES, condition, distorted_films, distortion

pytestmark = pytest.mark.slow

# At 2 mm/px the films of spots are as large as a head.
MM_PER_PX = 2.0
WEAK = (0.0, 10.0, 20.0)
STRENGTHS = (0.0, 70.0, 140.0, 200.0)


@pytest.fixture
def head_sized(study):
    """Give the study of spots on films of 192 x 160 mm, distorted at four magnitudes."""
    spacing = Spacing(MM_PER_PX, MM_PER_PX, SpacingSource.DATASET)
    films = tuple(replace(film, spacing=spacing) for film in study.dataset.films)
    return replace(study, dataset=replace(study.dataset, films=films), shift_films=4)


@pytest.fixture
def three(head_sized):
    """Give three of its films."""
    return replace(head_sized, shift_films=3)


def test_the_magnitudes_are_the_references():
    assert len(MAGNITUDES) == 40
    assert MAGNITUDES[0] == 0
    assert MAGNITUDES[-1] == 200
    assert len({condition(magnitude) for magnitude in MAGNITUDES}) == 40


def test_errors_are_against_the_truth_that_moved_with_the_film(three):
    done = distorted_films(three, WEAK)
    (model,) = three.models
    errors = done.errors_mm(model, "mean")
    assert errors.shape == (3, 3, 2)
    # The model answers with the brightest px: half a px beside, at most, and one more for the resampling.
    assert errors[:, 0].max() < 1e-6
    assert np.nanmax(errors) < 1.5 * np.sqrt(2) * MM_PER_PX
    still = done.by_film(done.tables[model.label].errors_mm(np.repeat(done.given_px["mean"], 3, axis=0)))
    assert np.nanmean(still[:, 2]) > np.nanmean(errors[:, 2])


def test_a_film_has_one_field_and_each_its_own(three):
    done = distorted_films(three, WEAK)
    shifts = done.truths_px["mean"] - done.given_px["mean"][:, np.newaxis]
    there = np.isfinite(shifts[:, 2])
    # Twice the magnitude moves twice as far, but for the field's change along the way.
    np.testing.assert_allclose(shifts[:, 2][there], 2 * shifts[:, 1][there], atol=0.5)
    assert not np.allclose(done.fields[0].cells, done.fields[1].cells)


def test_each_film_is_read_once_for_its_field_and_once_for_all_its_magnitudes(three, monkeypatch):
    read = []
    real = module.film_of
    monkeypatch.setattr(module, "film_of", lambda item: read.append(item.film_id) or real(item))
    distorted_films(three, WEAK)
    ids = [item.film_id for item in distorted_films(three, WEAK).items]
    assert read[: 2 * len(ids)] == [*ids, *ids]


def test_what_is_predicted_is_not_predicted_again(three):
    first = distorted_films(three, WEAK)
    (model,) = three.models
    assert len(model.model.asked) == 9
    again = distorted_films(three, WEAK)
    assert len(model.model.asked) == 9
    np.testing.assert_array_equal(first.errors_mm(model, "mean"), again.errors_mm(model, "mean"))


def test_films_without_a_scale_are_refused(three):
    films = tuple(replace(film, spacing=None) for film in three.dataset.films)
    without = replace(three, dataset=replace(three.dataset, films=films))
    with pytest.raises(FilmError, match="no scale"):
        distorted_films(without, WEAK)


def column(table, name, **where):
    rows = table.records()
    return [row[name] for row in rows if all(row[key] == value for key, value in where.items())]


def test_the_tables_hold_what_was_predicted(head_sized):
    result = distortion(head_sized, magnitudes=STRENGTHS)
    coefficients, means, field = (
        result.tables[name] for name in ("distortion", "distortion-by-magnitude", "distortion-field")
    )
    (model,) = head_sized.models
    done = distorted_films(head_sized, STRENGTHS)
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
    table = distortion(replace(head_sized, models=models), magnitudes=STRENGTHS).tables["distortion"]
    assert column(table, "published_pearson", measure="maximum heat-map activation") == [-0.95]
    assert column(table, "published_pearson", measure="expected radial error") in ([None], [])


def test_a_spread_that_never_varies_has_no_coefficient(head_sized):
    result = distortion(head_sized, magnitudes=STRENGTHS)
    # The rule's two samples are always 2 px apart.
    assert column(result.tables["distortion"], "model", measure="spread of the samples") == []
    assert result.shown is not None
    assert result.shown.records() == []
    panels = result.figures["distortion-own-measure"].get_axes()
    assert any("constant" in text.get_text() for panel in panels for text in panel.texts)


def test_everything_is_written_and_a_picture_needs_a_model_that_runs(head_sized, study_model, tmp_path):
    (model,) = head_sized.models
    result = distortion(head_sized, magnitudes=STRENGTHS)
    assert set(result.figures) == {"distortion-own-measure", "distortion-measures", "distortion-samples"}
    result.write(tmp_path / "result")
    document = json.loads((tmp_path / "result" / "distortion.json").read_text())
    assert document["name"] == "distortion"
    assert "4 films" in document["method"][0]
    stored = study_model("s", model=None, stored=head_sized.folder_of(model))
    again = distortion(replace(head_sized, models=(stored,)), magnitudes=STRENGTHS)
    assert set(again.figures) == {"distortion-own-measure", "distortion-measures"}
    assert again.tables["distortion"].records() == result.tables["distortion"].records()


def test_many_models_stay_in_columns_of_four(head_sized, study_model, rule_model):
    models = tuple(study_model(f"m{index}", model=rule_model()) for index in range(5))
    result = distortion(replace(head_sized, models=models, shift_films=2), magnitudes=STRENGTHS)
    axes = result.figures["distortion-own-measure"].get_axes()
    assert axes[0].get_gridspec().ncols == 4
    assert sum(panel.get_visible() for panel in axes) == 10
