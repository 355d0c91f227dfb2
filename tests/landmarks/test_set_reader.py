"""Reading landmark sets: the shipped one and one by file."""

from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set, shipped_landmark_sets

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
    assert [one.number for one in landmarks if one.tissue == "soft"] == [13, 14, 15, 16]
    assert [one.number for one in landmarks if one.tissue == "tooth"] == [11, 12]
    assert [one.number for one in landmarks if one.side == "bilateral"] == [3, 4, 10, 19]
    assert all(len(one.definition) > 40 for one in landmarks)


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
    with pytest.raises(InputError, match=r"'isbi-20'.*shipped sets: isbi-19"):
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
