from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.errors import BundleError
from cephsure.uncertainty.feature_fit import FeatureModel
from cephsure.uncertainty.reference import (
    NO_REFERENCE,
    REFERENCE_FILE,
    Reference,
    read_reference,
    write_reference,
)
from cephsure.uncertainty.shape_fit import ShapeModel


@pytest.fixture
def reference():
    rng = np.random.default_rng(0)
    heads = np.array([[0, 0], [60, 0], [60, 40], [0, 50.0]]) + rng.normal(0, 1, (30, 4, 2))
    return Reference(ShapeModel.fit(heads), FeatureModel.fit(rng.normal(0, 1, (30, 5))), "30 films")


def test_it_is_read_as_it_was_written(reference, tmp_path):
    write_reference(reference, tmp_path)
    again = read_reference(tmp_path)
    assert again.source == "30 films"
    np.testing.assert_allclose(again.shape.precision, reference.shape.precision)
    np.testing.assert_allclose(again.features.variances, reference.features.variances, rtol=1e-6)


def test_what_the_films_do_not_suffice_for_stays_unknown(tmp_path):
    write_reference(Reference(None, None, "2 films"), tmp_path)
    again = read_reference(tmp_path)
    assert (again.shape, again.features) == (None, None)
    assert again.residuals(np.zeros((4, 2))) is None
    assert again.distance(np.zeros(5)) is None


def test_a_bundle_without_it_knows_nothing(tmp_path):
    assert read_reference(tmp_path) == NO_REFERENCE


def test_points_and_features_are_compared_where_they_are_known(reference):
    heads = np.array([[0, 0], [60, 0], [60, 40], [0, 50.0]])
    assert reference.residuals(heads) == pytest.approx(reference.shape.standard_residuals(heads))
    assert reference.residuals(np.full((4, 2), np.nan)) is None
    assert reference.distance(np.ones(5)) == reference.features.distance(np.ones(5))
    assert reference.distance(None) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[]", "version None is unknown"),
        ('{"format": "cephsure.reference/9"}', "version 'cephsure.reference/9' is unknown"),
        ('{"format": "cephsure.reference/1", "shape": {}}', "not a shape model"),
        ('{"format": "cephsure.reference/1", "features": {"mean": []}}', "not a model of features"),
    ],
)
def test_damage_is_one_clear_line(tmp_path, text, complaint):
    (tmp_path / REFERENCE_FILE).write_text(text)
    with pytest.raises(BundleError, match=complaint) as caught:
        read_reference(tmp_path)
    assert REFERENCE_FILE in str(caught.value)


def test_it_is_strict_json(reference, tmp_path):
    path = write_reference(reference, tmp_path)
    assert json.loads(path.read_text())["format"] == "cephsure.reference/1"
