from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import BundleError, InputError
from cephsure.uncertainty.reference import (
    NO_REFERENCE,
    REFERENCE_FILE,
    FeatureModel,
    Reference,
    read_reference,
    write_reference,
)
from cephsure.uncertainty.shape_model import ShapeModel, shrunken_covariance


def films(count=40, features=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (count, features)) @ rng.normal(0, 1, (features, features)) + 5


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(4, 30), features=st.integers(2, 20))
def test_the_distance_is_that_of_the_shrunken_covariance(seed, count, features):
    seen = films(count, features, seed)
    model = FeatureModel.fit(seen)
    film = films(1, features, seed + 1)[0]
    away = film - seen.mean(axis=0)
    covariance = shrunken_covariance(seen - seen.mean(axis=0))
    wanted = np.sqrt(away @ np.linalg.solve(covariance, away) / features)
    assert model.distance(film) == pytest.approx(wanted, rel=1e-5)
    assert len(model.axes) == min(count - 1, features)


def test_films_of_the_training_are_at_about_one_and_others_are_not():
    seen = films(400, 6)
    model = FeatureModel.fit(seen[:200])
    distances = [model.distance(film) for film in seen[200:]]
    assert np.sqrt(np.mean(np.square(distances))) == pytest.approx(1.0, abs=0.1)
    assert model.distance(seen[0] + 100) > 5


def test_json_keeps_it_to_seven_digits():
    model = FeatureModel.fit(films())
    again = FeatureModel.from_dict(json.loads(json.dumps(model.to_dict())))
    film = films(1, seed=9)[0]
    assert again.distance(film) == pytest.approx(model.distance(film), rel=1e-5)
    assert again.n_films == 40


@pytest.mark.parametrize("seen", [np.zeros((2, 3)), np.ones((5, 3)), np.full((5, 3), np.nan), np.zeros(4)])
def test_what_cannot_be_fitted_is_refused(seen):
    with pytest.raises(InputError):
        FeatureModel.fit(seen)


def test_other_features_are_refused():
    with pytest.raises(InputError, match="7 features do not fit a model of 8"):
        FeatureModel.fit(films()).distance(np.zeros(7))


@pytest.mark.parametrize(
    "change", [{"mean": [1.0]}, {"axes": [[1.0]]}, {"variances": None}, {"rest": 0.0}, {"n_films": "many"}]
)
def test_damaged_data_are_refused(change):
    with pytest.raises(InputError, match="not a model of features"):
        FeatureModel.from_dict(FeatureModel.fit(films()).to_dict() | change)


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
