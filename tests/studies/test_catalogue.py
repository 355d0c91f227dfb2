from __future__ import annotations

from cephsure.studies.catalogue import NEEDS, QUESTIONS
from cephsure.studies.registry import EXPERIMENTS, missing_data


def test_every_experiment_has_its_question_in_the_reports_order():
    assert list(QUESTIONS) == list(EXPERIMENTS)
    assert all(question for question in QUESTIONS.values())


def test_what_an_experiment_needs_is_what_it_misses(study):
    assert {name: missing for name in QUESTIONS if (missing := missing_data(name, study))} == NEEDS
