from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry import shipped_analyses
from cephsure.cephalometry.decision import Acceptance, decide

ANB = shipped_analyses()["isbi"].entries[0]  # class III below 3.2, class I to 5.7, class II above
FMA = shipped_analyses()["isbi"].entries[-1]  # no classes


@pytest.mark.parametrize(
    ("acceptance", "said"),
    [
        (Acceptance(None, {"A": "whatever"}), None),
        (Acceptance("fit", {}), None),
        (Acceptance("fit", {"Po": "expected 3 > 1 mm"}), None),
        (Acceptance("fit", {"B": "expected 3 > 1 mm", "A": "misfit"}), "A, B not accepted"),
        (Acceptance("review", {"A": "scale unknown", "B": "scale unknown"}), "scale unknown"),
        (Acceptance("review", {"A": "film for review"}), "film for review"),
        (Acceptance("review"), "film review"),
        (Acceptance("unfit", {"A": "film unfit"}), "film unfit"),
        (Acceptance("unfit"), "film unfit"),
    ],
)
def test_what_a_verdict_objects_to(acceptance, said):
    assert acceptance.objection(("N", "A", "B")) == said


def test_a_point_without_a_verdict_on_a_judged_film_is_not_accepted(make_prediction, head, judge):
    fit = judge(make_prediction(head), "fit")
    first = fit.landmarks[0].model_copy(update={"verdict": None})
    unsure = fit.model_copy(update={"landmarks": (first, *fit.landmarks[1:])})
    assert Acceptance.of(fit).objection(["S"]) is None
    assert Acceptance.of(unsure).objection(["S"]) == "S not accepted"


@pytest.mark.parametrize(
    ("sure", "objection", "decision", "why"),
    [
        (80, None, "class III", None),
        (79, None, None, "class III 79 % < 80 %"),
        (80, "A not accepted", None, "A not accepted"),
        (79, "A not accepted", None, "A not accepted"),
    ],
)
def test_a_class_is_decided_if_probable_and_nothing_is_objected(sure, objection, decision, why):
    values = np.array([1.0] * sure + [4.0] * (100 - sure))
    found = decide(ANB, values, 0.8, objection)
    assert (found.get("decision"), found.get("not_decided")) == (decision, why)
    assert [share.probability for share in found["class_probabilities"]] == [
        sure / 100,
        (100 - sure) / 100,
        0.0,
    ]


def test_a_percentage_is_never_rounded_up_to_the_one_wanted():
    assert (
        decide(ANB, np.array([1.0] * 799 + [4.0] * 201), 0.8, None)["not_decided"] == "class III 79 % < 80 %"
    )


def test_without_classes_there_is_nothing_to_decide():
    assert decide(FMA, np.array([20.0]), 0.8, None) == {"not_decided": None}
    assert decide(FMA, np.array([20.0]), 0.8, "A not accepted") == {"not_decided": "A not accepted"}
