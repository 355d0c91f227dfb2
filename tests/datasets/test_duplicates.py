"""Groups of films that belong together."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.datasets.duplicates import join_groups, read_duplicate_groups
from cephsure.errors import AnnotationError


def test_no_file_means_no_groups(tmp_path):
    assert read_duplicate_groups(tmp_path / "duplicates.json") == {}


def test_lists_of_both_keys_are_joined(tmp_path):
    file = tmp_path / "duplicates.json"
    content = {
        "same_exposure_pairs": [["a", "b"], ["x", "y"]],
        "likely_same_patient_other_date": [["b", "c"]],
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    groups = read_duplicate_groups(file)
    assert groups == {"a": "a+b+c", "b": "a+b+c", "c": "a+b+c", "x": "x+y", "y": "x+y"}


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=3), max_size=10))
def test_joined_groups_are_the_connected_parts(lists):
    groups = join_groups(lists)
    assert set(groups) == {one for members in lists for one in members}
    # Reachability by flooding, as an independent oracle.
    for start in groups:
        reached = {start}
        while True:
            grown = reached.union(*(members for members in lists if reached & set(members)))
            if grown == reached:
                break
            reached = grown
        assert {one for one in groups if groups[one] == groups[start]} == reached


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be an object with the key 'same_exposure_pairs'"),
        ("{}", "must be an object with the key 'same_exposure_pairs'"),
        ('{"same_exposure_pairs": 3}', "same_exposure_pairs: must be a list"),
        ('{"same_exposure_pairs": [["1", "2"], ["3"]]}', r"same_exposure_pairs\[1\]: must be"),
        ('{"same_exposure_pairs": [[1, 2]]}', r"same_exposure_pairs\[0\]: must be"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, content, words):
    file = tmp_path / "duplicates.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(AnnotationError, match=words) as caught:
        read_duplicate_groups(file)
    assert str(caught.value.where).startswith(str(file))
