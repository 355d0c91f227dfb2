from __future__ import annotations

from importlib import import_module

import pytest

from cephsure.studies.registry import EXPERIMENTS


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=str)
def test_every_experiment_asks_something_and_can_be_found(experiment):
    assert experiment.question.endswith("?")
    function = experiment.function or experiment.name.replace("-", "_")
    assert callable(getattr(import_module(f"cephsure.studies.{function}"), function))


def test_an_experiment_is_the_function_of_its_name(study, monkeypatch):
    asked = []
    monkeypatch.setattr("cephsure.studies.error_correlation.error_correlation", asked.append)
    EXPERIMENTS["error-correlation"](study)
    assert asked == [study]


def test_what_an_experiment_needs_is_what_the_study_lacks(study):
    lacking = {name: lack for name, experiment in EXPERIMENTS.items() if (lack := experiment.lacks(study))}
    assert lacking == {"rotation": "--ct", "other-site": "--other-site"}
