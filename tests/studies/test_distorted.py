from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films import Spacing, SpacingSource
from cephsure.studies import distorted
from cephsure.studies.distorted import MAGNITUDES, condition, distorted_films

# At 2 mm/px the films of spots are as large as a head.
MM_PER_PX = 2.0
STRENGTHS = (0.0, 10.0, 20.0)


@pytest.fixture
def head_sized(study):
    """Give the study of spots on films of 192 x 160 mm."""
    spacing = Spacing(MM_PER_PX, MM_PER_PX, SpacingSource.DATASET)
    films = tuple(replace(film, spacing=spacing) for film in study.dataset.films)
    return replace(study, dataset=replace(study.dataset, films=films), shift_films=3)


def test_the_magnitudes_are_the_references():
    assert len(MAGNITUDES) == 40
    assert MAGNITUDES[0] == 0
    assert MAGNITUDES[-1] == 200
    assert len({condition(magnitude) for magnitude in MAGNITUDES}) == 40


def test_errors_are_against_the_truth_that_moved_with_the_film(head_sized):
    done = distorted_films(head_sized, STRENGTHS)
    (model,) = head_sized.models
    errors = done.errors_mm(model, "mean")
    assert errors.shape == (3, 3, 2)
    # The model answers with the brightest px: half a px beside, at most, and one more for the resampling.
    assert errors[:, 0].max() < 1e-6
    assert np.nanmax(errors) < 1.5 * np.sqrt(2) * MM_PER_PX
    still = done.by_film(done.tables[model.label].errors_mm(np.repeat(done.given_px["mean"], 3, axis=0)))
    assert np.nanmean(still[:, 2]) > np.nanmean(errors[:, 2])


def test_a_film_has_one_field_and_each_its_own(head_sized):
    done = distorted_films(head_sized, STRENGTHS)
    shifts = done.truths_px["mean"] - done.given_px["mean"][:, np.newaxis]
    there = np.isfinite(shifts[:, 2])
    # Twice the magnitude moves twice as far, but for the field's change along the way.
    np.testing.assert_allclose(shifts[:, 2][there], 2 * shifts[:, 1][there], atol=0.5)
    assert not np.allclose(done.fields[0].cells, done.fields[1].cells)


def test_each_film_is_read_once_for_its_field_and_once_for_all_its_magnitudes(head_sized, monkeypatch):
    read = []
    real = distorted.film_of
    monkeypatch.setattr(distorted, "film_of", lambda item: read.append(item.film_id) or real(item))
    distorted_films(head_sized, STRENGTHS)
    ids = [item.film_id for item in distorted_films(head_sized, STRENGTHS).items]
    assert read[: 2 * len(ids)] == [*ids, *ids]


def test_what_is_predicted_is_not_predicted_again(head_sized):
    first = distorted_films(head_sized, STRENGTHS)
    (model,) = head_sized.models
    assert len(model.model.asked) == 9
    again = distorted_films(head_sized, STRENGTHS)
    assert len(model.model.asked) == 9
    np.testing.assert_array_equal(first.errors_mm(model, "mean"), again.errors_mm(model, "mean"))


def test_films_without_a_scale_are_refused(head_sized):
    films = tuple(replace(film, spacing=None) for film in head_sized.dataset.films)
    without = replace(head_sized, dataset=replace(head_sized.dataset, films=films))
    with pytest.raises(FilmError, match="no scale"):
        distorted_films(without, STRENGTHS)
