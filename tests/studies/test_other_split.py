"""Experiments on another split than Test1: they judge its films and say so everywhere."""

from __future__ import annotations

import json

import pytest

from cephsure.studies.accuracy import accuracy
from cephsure.studies.error_correlation import error_correlation
from cephsure.studies.observers import observers
from cephsure.studies.other_site import other_site
from cephsure.studies.referral import referral

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(table_study):
    return table_study(split="test2")


@pytest.mark.parametrize("experiment", [accuracy, error_correlation, observers, other_site, referral])
def test_another_test_set_is_judged_and_named(made, experiment):
    text = json.dumps(experiment(made.study).document())
    assert "Test2" in text
    assert "Test1" not in text


def test_published_figures_of_that_set_stand_beside(made):
    result = accuracy(made.study)
    assert result.title == "Accuracy on Test2"
    table = result.tables["accuracy"]
    who = list(table.frame["who"])
    assert "Li et al. 2020" in who
    # The reference published nothing on it.
    assert not any("Drevick" in source for source in who)
    own = next(
        row for row in result.tables["accuracy_long"].records() if row["who"] == "default baseline, mean"
    )
    assert own["n_films"] == 24


def test_films_without_splits_are_called_by_their_set(made):
    assert made.study.test_name == "Test2"
    away = made.study.other_site
    assert type(made.study)(models=(), dataset=away, split="all", out=made.folder).test_name == "away"
