"""The landmark set itself: its JSON form, its checks, finding a landmark by label."""

from __future__ import annotations

import copy
import json

import pytest

from cephsure.errors import InputError
from cephsure.landmarks import LandmarkSet, load_landmark_set, shipped_landmark_sets


def _form():
    entry = {"name": "first", "definition": "where it is", "tissue": "bone", "side": "midline"}
    return {
        "name": "two",
        "title": "Two points",
        "source": "this test",
        "landmarks": [
            {**entry, "number": 1, "code": "A"},
            {**entry, "number": 2, "code": "L1", "aliases": ["x"]},
        ],
    }


def test_json_form_survives_a_round_trip():
    landmark_set = LandmarkSet.from_dict(_form())
    again = LandmarkSet.from_dict(json.loads(json.dumps(landmark_set.to_dict())))
    assert again == landmark_set
    assert again.landmarks[1].aliases == ("x",)
    assert again.codes == ("A", "L1")
    assert len(again) == 2


def test_from_dict_leaves_its_argument_alone():
    form = _form()
    kept = copy.deepcopy(form)
    LandmarkSet.from_dict(form)
    assert form == kept


@pytest.mark.parametrize(
    ("label", "row"),
    [
        ("a", 0),
        (" A ", 0),
        ("1", 0),
        (1, 0),
        ("2", 1),
        ("L2", 1),
        ("l02", 1),
        ("l1", 1),
        ("0", None),
        ("3", None),
        ("", None),
        ("l", None),
        ("ll2", None),
        ("-1", None),
        ("x", None),
        ("first", None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_index_by_code_then_by_number(label, row):
    assert LandmarkSet.from_dict(_form()).index(label) == row


def _change(path, value):
    form = _form()
    target = form
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return form


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (_change(["landmarks"], []), "landmarks: must be a list"),
        (_change(["landmarks"], {"number": 1}), "landmarks: must be a list"),
        (_change(["landmarks", 0], "A"), r"landmarks\[1\]: must be a table"),
        (_change(["landmarks", 1, "number"], 3), r"landmarks\[2\].number: is 3, expected 2"),
        (_change(["landmarks", 0, "number"], True), r"landmarks\[1\].number: is True"),
        (
            _change(["landmarks", 1, "code"], "a"),
            r"landmarks\[2\].code: 'a' is taken by landmark 1",
        ),
        (_change(["landmarks", 1, "code"], " "), r"landmarks\[2\].code: must be one line"),
        (_change(["landmarks", 1, "definition"], "a\nb"), r"landmarks\[2\].definition: must be one line"),
        (_change(["landmarks", 0, "tissue"], "skin"), "is 'skin', must be one of bone, soft, tooth"),
        (_change(["landmarks", 0, "side"], ["left"]), "must be one of midline, bilateral"),
        (_change(["landmarks", 0, "aliases"], "x"), r"landmarks\[1\].aliases: must be a list"),
        (_change(["landmarks", 0, "colour"], "x"), r"landmarks\[1\]: unknown key 'colour'"),
        (_change(["version"], 1), "unknown key 'version'"),
        (_change(["name"], 7), "name: must be one line of text"),
    ],
)
def test_a_wrong_form_is_refused_with_file_and_key(form, words):
    with pytest.raises(InputError, match=words) as caught:
        LandmarkSet.from_dict(form, where="set.toml")
    assert caught.value.where == "set.toml"


def test_a_missing_key_is_named():
    form = _form()
    del form["landmarks"][1]["side"]
    with pytest.raises(InputError, match=r"landmarks\[2\]: key 'side' is missing"):
        LandmarkSet.from_dict(form)


SMALL = """
name = "small"
title = "One point"
source = "this test"
[[landmarks]]
number = 1
code = "Ba"
name = "Basion"
definition = "The lowest point of the front rim of the great foramen."
tissue = "bone"
side = "midline"
"""


def test_the_shipped_set_has_the_challenge_order():
    isbi = load_landmark_set("isbi-19")
    expected = "S N Or Po A B Pog Me Gn Go LIT UIT UL LL Sn Pog' PNS ANS Ar"
    assert " ".join(isbi.codes) == expected
    assert [landmark.number for landmark in isbi.landmarks] == list(range(1, 20))
    assert load_landmark_set() == isbi


def test_the_shipped_set_states_tissue_and_side_as_the_data_notes_do():
    landmarks = load_landmark_set("isbi-19").landmarks
    assert [landmark.number for landmark in landmarks if landmark.tissue == "soft"] == [13, 14, 15, 16]
    assert [landmark.number for landmark in landmarks if landmark.tissue == "tooth"] == [11, 12]
    assert [landmark.number for landmark in landmarks if landmark.side == "bilateral"] == [3, 4, 10, 19]
    assert all(len(landmark.definition) > 40 for landmark in landmarks)


def test_every_shipped_set_loads_by_its_name():
    assert "isbi-19" in shipped_landmark_sets()
    for name in shipped_landmark_sets():
        assert load_landmark_set(name).name == name


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_any_other_set_works_by_file(tmp_path, kind):
    file = tmp_path / "small.toml"
    file.write_text(SMALL, encoding="utf-8")
    assert load_landmark_set(kind(file)).codes == ("Ba",)


def test_an_unknown_name_lists_the_shipped_sets():
    with pytest.raises(InputError, match=r"'isbi-20'.*shipped sets: .*isbi-19"):
        load_landmark_set("isbi-20")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name = \ntitle = 1\n", "is not valid TOML: .*line 1"),
        (b"\xff\xfe", "is not UTF-8"),
        (SMALL.replace('tissue = "bone"', 'tissue = "wood"').encode(), r"landmarks\[1\].tissue: is 'wood'"),
        (b"", "key 'name' is missing"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, words):
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        load_landmark_set(file)
    assert caught.value.where == file
