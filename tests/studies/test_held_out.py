from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.held_out import held_out, truth_for


def test_films_errors_and_groups(table_study):
    made = table_study()
    held = held_out(made.study)
    assert len(held.items) == 24
    assert {item.split for item in held.items} == {"test1"}
    model = made.study.models[0]
    expected = np.hypot(*np.moveaxis(made.away_mm[model.label], -1, 0))
    np.testing.assert_allclose(held.errors_mm(model, "mean"), expected, atol=1e-4)
    assert list(held.groups) == ["official", "clean"]
    assert held.cleanest == "clean"
    assert held.groups["official"].all()
    # The last film shows a training film's exposure.
    np.testing.assert_array_equal(np.flatnonzero(~held.groups["clean"]), [23])


def test_distance_of_two_annotators(table_study):
    made = table_study()
    # Each lies as far from the true point as the point is difficult, on opposite sides.
    np.testing.assert_allclose(
        held_out(made.study).distances_mm("senior", "junior"), 2 * made.difficulty, rtol=1e-9
    )


def test_without_known_duplicates_there_is_no_clean_group(table_study):
    held = held_out(table_study(groups=False).study)
    assert (list(held.groups), held.cleanest) == (["official"], "official")


def test_films_without_a_scale_are_refused(table_study):
    with pytest.raises(InputError, match="no scale"):
        held_out(table_study(mm_per_px=None).study)


def test_truth_is_the_one_trained_on_where_the_data_has_it(table_study):
    study = table_study().study
    model = study.models[0]
    assert truth_for(replace(model, truth="senior"), study.dataset) == "senior"
    assert truth_for(replace(model, truth="somebody"), study.dataset) == "mean"
