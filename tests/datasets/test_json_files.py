"""JSON files: errors name the file and the line or the place; groups of films that belong together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.datasets.json_files import (
    JsonObject,
    join_groups,
    read_duplicate_groups,
    read_json,
    read_text,
)
from cephsure.errors import AnnotationError

PATH = Path("a.json")


def at(place, **content):
    """The object that stands at a place of a file."""
    return JsonObject(PATH, place, content)


def test_a_byte_order_mark_is_no_error(tmp_path):
    file = tmp_path / "a.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(file) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "where"),
    [(b'{\n "a": 1,\n}', ":3"), (b"", ":1"), (b"\xff", ""), (b"[" * 100_000, "")],
)
def test_what_is_no_json_is_named(tmp_path, content, where):
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(AnnotationError) as caught:
        read_json(file)
    assert str(caught.value.where) == f"{file}{where}"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("value", [None, "x", "1_0", True, float("nan"), float("inf"), [1], 10**400])
def test_only_finite_numbers_are_numbers(value):
    with pytest.raises(AnnotationError, match=r"a\.json: points\[3\]: must be a finite number"):
        at("").number(value, "points[3]")


def test_numbers_become_floats():
    assert at("").number(3, "x") == 3.0
    assert at("").number(-2.5, "x") == -2.5
    assert at("").number("0.096", "x") == 0.096


def test_1_0_is_a_whole_number():
    """As pandas, R and JavaScript write identifiers and sizes."""
    assert at("", id=1.0).identifier("id") == 1
    assert at("", width=3.0, height="4").size("width", "height") == (3, 4)
    with pytest.raises(AnnotationError, match="id: must be a whole number or a text"):
        at("", id=1.5).identifier("id")


@pytest.mark.parametrize(
    "nothing", [None, "", " ", "NaN", "NA", "n/a", "#N/A", "<NA>", "null", "-", float("nan")]
)
def test_a_position_of_nothing_is_missing(nothing):
    assert at("").position(nothing, nothing) is None
    with pytest.raises(AnnotationError, match="y: must be a finite number"):
        at("").position(1.0, nothing)


def test_wrong_kinds_are_refused_with_their_place(tmp_path):
    with pytest.raises(AnnotationError, match=r"shapes\[2\].points: must be a list"):
        at("shapes[2]").items("points")
    with pytest.raises(AnnotationError, match="label: must be a text"):
        at("", label=7).text("label")
    with pytest.raises(AnnotationError, match=r"shapes\[2\]: must be an object"):
        list(at("", shapes=[{}, {}, []]).objects("shapes"))
    with pytest.raises(AnnotationError, match=r"shapes\[2\].id: must be a whole number or a text"):
        at("shapes[2]", id=True).identifier("id")
    file = tmp_path / "a.json"
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(AnnotationError, match="document: must be an object"):
        JsonObject.read(file)


def test_a_size_is_whole_or_absent():
    keys = ("width", "height")
    assert at("").size(*keys) is None
    assert at("", width=3, height=4).size(*keys) == (3, 4)
    for bad in (
        {"width": 3},
        {"width": 3, "height": 0},
        {"width": 3.5, "height": 4},
        {"width": True, "height": 1},
    ):
        with pytest.raises(AnnotationError, match=r"must be a (positive whole|finite) number"):
            at("", **bad).size(*keys)


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


@pytest.mark.slow
@given(st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=3), max_size=10))
def test_joined_groups_are_the_connected_parts(lists):
    groups = join_groups(lists)
    assert set(groups) == {film for members in lists for film in members}
    # Reachability by flooding, as an independent oracle.
    for start in groups:
        reached = {start}
        while True:
            grown = reached.union(*(members for members in lists if reached & set(members)))
            if grown == reached:
                break
            reached = grown
        assert {film for film in groups if groups[film] == groups[start]} == reached


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_utf_16_is_read_where_it_says_so(tmp_path, encoding):
    file = tmp_path / "a.txt"
    file.write_bytes("Müller\n".encode(encoding))
    if encoding == "utf-16-le":  # without its mark it is bytes of any kind
        with pytest.raises(AnnotationError, match="is not UTF-8 text"):
            read_text(file)
    else:
        assert read_text(file) == "Müller\n"
