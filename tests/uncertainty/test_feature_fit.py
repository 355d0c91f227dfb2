from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.uncertainty.feature_fit import FeatureModel
from cephsure.uncertainty.shape_fit import shrunken_covariance


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
