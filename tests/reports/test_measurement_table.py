from __future__ import annotations

import pytest

from cephsure.cephalometry import analyse_points, load_analyses
from cephsure.landmarks import load_landmark_set
from cephsure.reports.measurement_table import lay_out_values
from cephsure.reports.painter import text_width

CODES = load_landmark_set().codes
ALL = load_analyses("all")


@pytest.fixture(scope="module")
def analysis():
    at = {code: (60 + 70 * (i % 5), 80 + 90 * (i // 5) + 9 * (i % 5)) for i, code in enumerate(CODES)}
    return analyse_points(at, ALL, facing="right", points_from="a person's points, anna: folder/points.csv")


def words(legend):
    return " ".join(line.text for line in legend.lines).split()


@pytest.mark.parametrize("width", [400, 900, 1935])
def test_no_text_is_cut_whatever_the_width(analysis, width):
    legend = lay_out_values(analysis, width=width, size=20)
    for line in legend.lines:
        assert line.x >= 0
        assert line.x + text_width(line.text, line.size) <= width
        assert 0 < line.y < legend.height
        assert "…" not in line.text
    said = " ".join(words(legend))
    for value in analysis.measurements:
        assert value.code in said
        if value.class_of_value is not None:
            assert value.class_of_value in said


@pytest.mark.parametrize("width", [400, 900, 1935])
def test_no_two_lines_lie_on_each_other(analysis, width):
    lines = lay_out_values(analysis, width=width, size=20).lines
    boxes = [(line.x, line.y - 10, line.x + text_width(line.text, 20), line.y + 10) for line in lines]
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:number]:
            apart = left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom
            assert apart, lines[number]


def test_the_analyses_are_told_apart_and_the_reader_is_told_what_to_know(analysis):
    said = " ".join(words(lay_out_values(analysis, width=900, size=20)))
    for definition in ALL:
        assert definition.name.upper() in said
    assert "not judged (19 of 19)" in said
    assert "folder/points.csv" in said
    assert "scale unknown" in said
    assert "no intervals and no decided classes" in said
    assert said.endswith("Research use only. Not a medical device.")
