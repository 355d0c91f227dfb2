from __future__ import annotations

import numpy as np
import pytest
from cephsure.uncertainty.site import cross_validate

import made_errors
from cephsure.evaluation.diagrams import gain_figure, monitor_figure, reliability_diagram
from cephsure.evaluation.table import gain_table
from cephsure.uncertainty.monitor import watch

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def rows():
    return cross_validate(made_errors.draw(np.random.default_rng(0), 14), repeats=2)


def test_the_reliability_diagram_is_a_picture(figures):
    assert reliability_diagram(figures).startswith(PNG)


def test_the_gain_is_drawn_also_where_regions_are_all_of_the_film(rows):
    # Five films are too few for 90 %.
    assert [row.area_mm2 is None for row in rows] == [True, True, False]
    assert gain_figure(rows, level=0.9, title="made films").startswith(PNG)


def test_the_gains_table_has_a_row_for_each_count(rows):
    table = gain_table(rows, level=0.9)
    assert [row[0] for row in table.rows] == ["0", "5", "10"]
    assert table.columns[3].heading == "coverage at 90 %"
    assert table.rows[0][3:] == ("–", "–", "–")
    assert table.rows[1][4:] == ("–", "100")
    assert table.rows[2][2] == f"{100 * rows[2].sdr_2mm:.1f}"


def test_the_monitor_is_drawn():
    readings = watch([0.0, 0.3, 0.1], level=0.9)
    assert monitor_figure(readings, allowed=0.1, rate=0.05, title="made films").startswith(PNG)
