"""The ruler gives a film its scale; where the head contradicts it, that is said at once."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def measure(tab, typed, *, to=(400, 400)):
    tab.page.keyboard.press("l")
    tab.page.mouse.click(*tab.at(400, 200))
    tab.page.mouse.click(*tab.at(*to))
    tab.page.get_by_label("Known length").fill(typed)
    tab.page.keyboard.press("Enter")


def test_two_clicks_and_a_length_give_the_scale(tab, server):
    tab.open("no_scale")
    assert "No scale" in tab.page.locator("#under").inner_text()
    tab.page.keyboard.press("Tab")
    assert "No scale" in tab.page.locator(".facts").inner_text()
    measure(tab, "45,0")
    tab.until(lambda: "0.225 mm a pixel" in tab.page.locator("#under").inner_text())
    assert server.project.films[4].mm_per_px == pytest.approx(0.225, abs=0.001)
    tab.until(lambda: "Expected error" in tab.page.locator(".facts").inner_text())
    assert not tab.page.locator("#scale-warning").is_visible()


def test_a_length_that_the_head_contradicts_is_questioned(tab):
    tab.open("no_scale")
    measure(tab, "80")
    tab.until(lambda: tab.page.locator("#scale-warning").is_visible())
    assert "sella to nasion" in tab.page.locator("#scale-warning").inner_text()
    tab.picture("scale_doubt")
    tab.page.get_by_role("button", name="Keep it").click()
    tab.until(lambda: "Is the scale right?" in tab.page.locator("#under").inner_text())


def test_what_is_no_length_is_not_taken(tab, server):
    tab.open("no_scale")
    measure(tab, "long")
    assert "millimetres" in tab.page.locator("#ruler-says").inner_text()
    tab.picture("ruler")
    tab.page.get_by_role("button", name="Cancel").click()
    assert not tab.page.locator("#ruler-form").is_visible()
    assert server.project.films[4].mm_per_px is None
