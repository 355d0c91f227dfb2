"""JSON files: errors name the file and the line or the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from cephsure.datasets.json_file import list_at, number_of, object_of, read_json, size_at, text_at
from cephsure.errors import AnnotationError

PATH = Path("a.json")


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


@pytest.mark.parametrize("value", [None, "1", True, float("nan"), float("inf"), [1], 10**400])
def test_only_finite_numbers_are_numbers(value):
    with pytest.raises(AnnotationError, match=r"a\.json: points\[3\]: must be a finite number"):
        number_of(value, place="points[3]", path=PATH)


def test_numbers_become_floats():
    assert number_of(3, place="x", path=PATH) == 3.0
    assert number_of(-2.5, place="x", path=PATH) == -2.5


def test_wrong_kinds_are_refused_with_their_place():
    with pytest.raises(AnnotationError, match=r"shapes\[2\].points: must be a list"):
        list_at({}, "points", prefix="shapes[2].", path=PATH)
    with pytest.raises(AnnotationError, match="label: must be a text"):
        text_at({"label": 7}, "label", prefix="", path=PATH)
    with pytest.raises(AnnotationError, match=r"shapes\[2\]: must be an object"):
        object_of([], place="shapes[2]", path=PATH)


def test_a_size_is_whole_or_absent():
    keys = ("width", "height")
    assert size_at({}, keys, prefix="", path=PATH) is None
    assert size_at({"width": 3, "height": 4}, keys, prefix="", path=PATH) == (3, 4)
    for bad in (
        {"width": 3},
        {"width": 3, "height": 0},
        {"width": 3.0, "height": 4},
        {"width": True, "height": 1},
    ):
        with pytest.raises(AnnotationError, match="must be a positive whole number"):
            size_at(bad, keys, prefix="", path=PATH)
