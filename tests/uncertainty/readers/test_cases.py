from __future__ import annotations

import pytest

from cephsure.uncertainty.readers.cases import KNOWN, KNOWN_MEAN, case_of, case_title

ALL = ("known", "known mean", "0", "1", "10")


@pytest.mark.parametrize(
    ("kind", "films", "truth_of", "case"),
    [
        ("definition", 0, "one", "0"),
        ("profile", 0, "one", "0"),
        ("site", 1, "one", "1"),
        ("site", 9, "one", "1"),  # as many films as were rehearsed, or fewer: never more
        ("site", 500, "mean", "10"),
        ("annotator", 0, "one", KNOWN),
        ("mean", 0, "mean", KNOWN_MEAN),
        ("mean", 0, "one", KNOWN),
    ],
)
def test_a_reader_is_like_the_case_that_knows_no_more(kind, films, truth_of, case):
    assert case_of(kind, films, truth_of, ALL) == case


def test_where_no_new_reader_was_rehearsed_the_annotators_case_is_all_there_is():
    assert case_of("site", 10, "one", [KNOWN]) == KNOWN
    assert case_of("mean", 0, "mean", [KNOWN]) == KNOWN


def test_cases_have_titles():
    titles = {case_title(case) for case in ALL}
    assert len(titles) == len(ALL)
    assert case_title("10") == "a new reader, 10 films corrected"
