from __future__ import annotations

from cephsure.landmarks import load_landmark_set

OWN_SET = """
name = "mine-2"
title = "Two points [of mine]"
source = "Me."
[[landmarks]]
number = 1
code = "X1"
name = "First"
definition = "The [first] point."
tissue = "bone"
side = "bilateral"
[[landmarks]]
number = 2
code = "X2"
name = "Second"
definition = "The second point."
tissue = "soft"
side = "midline"
"""


def test_the_shipped_set_is_shown_with_definitions(cephsure):
    run = cephsure("landmarks")
    assert run.status == 0
    words = " ".join(run.out.split())
    for landmark in load_landmark_set().landmarks:
        assert landmark.code in words
        assert landmark.name in words
        assert landmark.definition.split()[-1] in words


def test_a_set_of_ones_own_is_read_from_its_file(cephsure, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(OWN_SET)
    run = cephsure("landmarks", file)
    assert run.status == 0
    assert "mine-2: Two points [of mine]" in run.out
    assert "The [first] point." in run.out
    assert "bone, both sides" in run.out


def test_an_unknown_set_is_one_line(cephsure):
    run = cephsure("landmarks", "nothing")
    assert run.status == 2
    assert len(run.lines) == 1
    assert "isbi-19" in run.lines[0]
