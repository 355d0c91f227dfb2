"""Measurements in the analysis that was picked, with interval, class and deviation."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def codes(tab):
    return tab.page.locator("#measures tbody .code").all_inner_texts()


def test_the_analysis_is_picked_and_kept(tab):
    tab.open("vhm_lateral_0deg")
    tab.until(lambda: codes(tab)[:3] == ["ANB", "SNB", "SNA"])
    choice = tab.page.get_by_label("Measurements", exact=True)
    titles = choice.locator("option").all_inner_texts()
    assert {"ISBI 2015", "Steiner", "Downs", "Jarabak", "Björk", "McNamara", "Soft tissue"} == set(titles)
    choice.select_option("downs")
    tab.until(lambda: "FacialAngle" in codes(tab))
    tab.page.reload()
    tab.until(lambda: "FacialAngle" in codes(tab))


def test_interval_class_and_deviation(tab):
    tab.open("vhm_lateral_0deg")
    tab.until(lambda: "ODI" in codes(tab))
    row = tab.page.get_by_role("row", name="ODI Overbite").inner_text()
    assert "°" in row
    assert "…" in row
    assert "SD" in row
    assert "?" in row  # a film for review decides no class


def test_without_a_scale_a_length_says_why_it_is_absent(tab):
    tab.open("no_scale")
    tab.until(lambda: "MW" in codes(tab))
    assert "no scale" in tab.page.locator("#measures tbody tr", has_text="MW").inner_text()
