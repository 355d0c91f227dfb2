from __future__ import annotations

import pytest

from cephsure.studies.other_site import other_site


@pytest.fixture(scope="module")
def figures(table_study):
    return other_site(table_study(kinds=("ensemble",)).study).figures


def test_success_at_both_sites_and_every_film_once(figures):
    success, own, other = figures["other_site_table-ensemble"].axes
    assert [line.get_label().split(":")[0] for line in success.lines] == ["Test1", "away"]
    assert own.get_xlabel() == "film's mean spread of the samples [mm]"
    assert [len(line.get_xdata()) for line in own.lines] == [23, 12]
    assert other.get_title() != own.get_title()
    assert "area under ROC = " in own.texts[0].get_text()


def test_a_row_a_measure_with_px_beside_mm(figures):
    (panel,) = figures["other_site_noticed"].axes
    assert [tick.get_text() for tick in panel.get_yticklabels()] == [
        "default ensemble (5), mean",
        "maximum heat-map activation",
        "spread of the samples",
        "expected radial error",
        "entropy of the heat map",
    ]
    drawn = [line for line in panel.lines if len(line.get_xdata()) == 1]
    assert len(drawn) == 6


def test_all_can_be_drawn(figures):
    for figure in figures.values():
        figure.canvas.draw()
