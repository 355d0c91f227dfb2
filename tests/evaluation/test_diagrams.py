from __future__ import annotations

from dataclasses import replace

from cephsure.evaluation.diagrams import gain_figure, monitor_figure, reliability_diagram
from cephsure.evaluation.table import gain_table
from cephsure.uncertainty.monitor import watch
from cephsure.uncertainty.readers.site import GainRow

PNG = b"\x89PNG"
ROW = GainRow(
    films=0,
    test_films=14,
    repeats=1,
    mre_mm=1.7,
    mre_sd_mm=0.0,
    sdr_2mm=0.75,
    coverage=0.93,
    worst_landmark=0.6,
    area_mm2=21.5,
    accepted=0.25,
    wrong=0.031,
)
ROWS = [ROW, replace(ROW, films=5, repeats=9, mre_mm=1.3, mre_sd_mm=0.125, area_mm2=None, accepted=None)]


def test_the_reliability_diagram_has_a_row_for_each_case_that_it_shows(figures):
    both = reliability_diagram(figures)
    del figures["cases"]["0"]
    one = reliability_diagram(figures)
    heights = [int.from_bytes(picture[20:24]) for picture in (both, one)]
    assert both.startswith(PNG)
    assert heights[0] == 2 * heights[1]


def test_the_gain_is_drawn_also_where_regions_are_all_of_the_film():
    assert gain_figure(ROWS, level=0.9, title="made films").startswith(PNG)


def test_the_gains_table_has_a_row_for_each_count():
    table = gain_table(ROWS, level=0.9)
    assert table.columns[3].heading == "held at 90 %"
    assert table.rows == (
        ("0", "1.70 (0.00)", "75.0", "93.0", "60", "21.5", "25", "3.1"),
        ("5", "1.30 (0.12)", "75.0", "93.0", "60", "–", "–", "3.1"),
    )
    assert "mean of 9 random draws" in table.title


def test_the_monitor_is_drawn():
    readings = watch([0.0, 0.3, 0.1], level=0.9)
    assert monitor_figure(readings, allowed=0.1, rate=0.05, title="made films").startswith(PNG)
