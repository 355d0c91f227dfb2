"""The report on the open film, from the page."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def button(tab):
    return tab.page.locator("#bar").get_by_role("button", name="Report")


def test_report_is_saved_after_what_was_decided(tab, server):
    tab.open("vhm_lateral_0deg")
    tab.choose("Pog")
    server.project.slow_s = 0.4
    tab.page.keyboard.press("a")
    with tab.page.expect_download() as download:
        button(tab).click()
    assert download.value.suggested_filename == "vhm_lateral_0deg.png.report.pdf"
    asked = [*server.project.requests, *server.project.asked]
    assert any(path.endswith("/edits") for path in asked)
    assert any(path.endswith("/report") for path in asked)
    tab.saved()
    tab.picture("report")


def test_why_there_is_none_is_said(tab):
    tab.open("no_scale")
    button(tab).click()
    dialog = tab.page.locator("dialog")
    tab.until(lambda: "is not found any more" in dialog.inner_text())
    assert "There is no report" in dialog.inner_text()
    dialog.get_by_role("button", name="Close").click()
    tab.until(lambda: dialog.count() == 0)


def test_film_without_points_has_none(tab):
    tab.open("arrived_last")
    assert button(tab).count() == 0
