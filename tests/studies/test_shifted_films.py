from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cephsure.studies import shifted_films as module
from cephsure.studies.shifted_films import CONDITIONS, NO_CEPHALOGRAM, OTHER_SITE, shifted_films
from cephsure.studies.shifts.corruptions import CORRUPTIONS
from cephsure.studies.shifts.non_cephalograms import NON_CEPHALOGRAMS


@pytest.fixture
def small(study, spot_film, monkeypatch):
    monkeypatch.setattr(module, "non_cephalogram", lambda name, seed: spot_film(seed))
    return replace(study, shift_films=2)


def test_every_shift_is_there_once_and_families_stand_together(small):
    (films,) = shifted_films(small)
    names = [shift.name for shift in films.shifts]
    assert len(names) == len(set(names))
    assert set(CORRUPTIONS) | set(NON_CEPHALOGRAMS) | {
        NO_CEPHALOGRAM,
        "mirrored-wrong",
        "distorted-200",
    } <= set(names)
    families = [shift.family for shift in films.shifts]
    assert sum(a != b for a, b in pairwise(families)) + 1 == len(set(families))
    assert OTHER_SITE not in names


def test_points_are_judged_where_the_shifted_film_shows_them(small):
    """The rule finds the brightest pixel: right wherever it is still there, and in the half it belongs to."""
    (films,) = shifted_films(small)
    errors = {shift.name: shift.errors_mm for shift in films.shifts}
    np.testing.assert_allclose(films.errors_mm, 0, atol=1e-6)
    for name in ("mirrored", "mirrored-wrong", "darker", "turned-90"):
        assert errors[name].shape == (2, 2)
    np.testing.assert_allclose(errors["mirrored"], 0, atol=1e-6)
    np.testing.assert_allclose(errors["darker"], 0, atol=1e-6)
    assert (errors["upside-down"] > 0.5).any()
    assert (errors["inverted"] > 0.5).any()
    assert all(shift.errors_mm is None for shift in films.shifts if shift.family == NO_CEPHALOGRAM)


def test_wrong_orientation_is_given_and_the_right_one_is_to_be_found(small):
    shifted_films(small)
    asked = small.models[0].model.asked
    facings = [one["facing"] for one in asked]
    polarities = [one["polarity"] for one in asked]
    assert facings.count("right") == 2
    assert polarities.count("positive") == 2
    assert set(facings) == {"right", "auto"}


def test_plain_films_are_clean_and_shifted_ones_know_their_own(small):
    (films,) = shifted_films(small)
    ids = [item.film_id for item in films.items]
    assert "f" not in ids  # the exposure of a training film once more
    assert films.plain.film_ids == tuple(ids)
    shift = next(one for one in films.shifts if one.name == "blurred-1")
    assert tuple(ids[row] for row in shift.source_rows) == shift.table.film_ids


def test_non_cephalograms_of_all_kinds_are_pooled(small):
    (films,) = shifted_films(small)
    kinds = {shift.name: shift.table.film_ids for shift in films.shifts if shift.family == NO_CEPHALOGRAM}
    pooled = kinds.pop(NO_CEPHALOGRAM)
    assert sorted(pooled) == sorted(film_id for ids in kinds.values() for film_id in ids)
    assert kinds["shapes"] == ("shapes-0",)


def test_other_site_joins_where_it_is_given(small, spot_data):
    away = replace(spot_data, name="away")
    (films,) = shifted_films(replace(small, other_site=away))
    shift = next(one for one in films.shifts if one.name == OTHER_SITE)
    assert len(shift.table) == len(away.films)
    assert shift.errors_mm.shape == (6, 2)
    assert "away" in shift.title


def test_nothing_is_predicted_twice(small):
    shifted_films(small)
    model = small.models[0].model
    count = len(model.asked)
    assert count == 4 + 2 * len(CONDITIONS) + len(NON_CEPHALOGRAMS)
    shifted_films(small)
    assert len(model.asked) == count
