from __future__ import annotations

from cephsure.experiments.catalogue import QUESTIONS
from cephsure.experiments.registry import EXPERIMENTS


def test_every_experiment_has_its_question_in_the_reports_order():
    assert list(QUESTIONS) == list(EXPERIMENTS)
    assert all(question for question in QUESTIONS.values())
