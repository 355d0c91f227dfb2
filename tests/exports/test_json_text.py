from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.exports.json_text import readable_json

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@given(st.dictionaries(st.text(), VALUES))
def test_any_document_reads_back_unchanged(document):
    assert json.loads(readable_json(document)) == document


def test_objects_of_a_list_stand_one_a_line():
    text = readable_json({"points": [{"x": 1}, {"x": 2}], "none": [], "pair": [1, 2]})
    assert text.splitlines() == [
        "{",
        '  "points": [',
        '    {"x": 1},',
        '    {"x": 2}',
        "  ],",
        '  "none": [],',
        '  "pair": [1, 2]',
        "}",
    ]


def test_letters_beyond_ascii_stay_readable():
    assert "Müller" in readable_json({"film": "Müller"})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        readable_json({"x": value})
