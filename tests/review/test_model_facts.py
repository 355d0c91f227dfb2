from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.review.model_facts import ModelFacts


@pytest.fixture(scope="module")
def prediction(model, film_folder, mm_per_px):
    return model.predict(film_folder / "a.png", mm_per_px=mm_per_px)


def test_facts_are_the_models(facts, model):
    assert facts.bundle.sha256 == model.bundle.sha256
    assert facts.reader(None) == model.reader(None)
    assert facts.reader("senior") == model.reader("senior")
    assert facts.can_ask


def test_nothing_can_be_asked_of_a_model_without_calibration(facts):
    bare = replace(facts, calibration=None, gate=None)
    assert not bare.can_ask
    assert bare.reader(None) is None


def test_unknown_names(facts):
    with pytest.raises(BundleError):
        ModelFacts.of("no such model")
    with pytest.raises(InputError):
        facts.reader("nobody")


@pytest.mark.parametrize("has_gate", [True, False])
def test_head_objects_to_scales_that_make_no_head(facts, prediction, mm_per_px, has_gate):
    known = facts if has_gate else replace(facts, gate=None)
    points = prediction.points_px
    for factor, objects in ((0.85, False), (2.5, True), (0.3, True)):
        said = known.about_scale(points, (factor * mm_per_px,) * 2)
        assert (said is not None) is objects
        if said is not None:
            assert "times the usual size" in said


def test_nothing_is_said_where_scale_or_points_are_unknown(facts, prediction):
    points = prediction.points_px.copy()
    assert facts.about_scale(points, None) is None
    points[3] = np.nan
    assert facts.about_scale(points, (9.0, 9.0)) is None
