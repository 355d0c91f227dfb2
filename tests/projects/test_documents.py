from __future__ import annotations

import json

import pytest

from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set
from cephsure.projects.documents import largest_error, read_document
from made_projects import SET, document


def test_a_documents_facts():
    facts = read_document(document(verdict="review", error_mm=4.0), SET)
    assert (facts.verdict, facts.why, facts.reasons) == ("review", "it is review", ("a reason for review",))
    assert (facts.model, facts.mm_per_px, facts.doubt) == ("a-model", (0.1, 0.1), 4.0)


def test_without_a_scale_and_a_verdict():
    facts = read_document(document(verdict=None, film={"path": None, "mm_per_px": None}), SET)
    assert (facts.verdict, facts.why, facts.mm_per_px) == (None, None, None)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ({"expected_error_mm": None, "withheld": {"expected_error_mm": 2.0}, "measures": {}}, 2.0),
        ({"expected_error_mm": None, "withheld": None, "measures": {"raw_expected_error_mm": 3.0}}, 3.0),
        ({"measures": {"raw_expected_error_mm": None, "raw_expected_error_px": 30}}, 30.0),
        ({"expected_error_mm": float("inf"), "measures": {}}, None),
    ],
)
def test_doubt_is_of_the_best_number_there_is(mark, expected):
    assert largest_error([mark]) == expected


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{", document(schema="cephsure.prediction/3"), document(model=1)]
)
def test_what_is_no_prediction_is_refused(text):
    with pytest.raises(InputError, match=r"^prediction(:1)?: "):
        read_document(text, SET)


def test_a_prediction_of_other_landmarks_is_refused():
    with pytest.raises(InputError, match=r"its landmarks are not those of the project \(aariz-29\)"):
        read_document(document(), load_landmark_set("aariz-29"))
    fewer = json.loads(document())["landmarks"][1:]
    with pytest.raises(InputError, match="its landmarks are not"):
        read_document(document(landmarks=fewer), SET)
