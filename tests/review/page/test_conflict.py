"""Two tabs on one film: different points merge, the same point is shown twice and a person chooses."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def both(tabs, server):
    first, second = tabs(is_deaf=True), tabs(is_deaf=True)
    for tab in (first, second):
        tab.open("vhm_lateral_0deg")
    return first, second


def row(tab, number):
    return tab.server.project.films[1].rows[number]


def nudge(tab, key):
    tab.choose("Pog")
    tab.page.keyboard.press(key)


def test_edits_of_different_points_merge(both):
    first, second = both
    nudge(first, "ArrowRight")
    first.until(lambda: 7 in first.server.project.films[1].rows)
    second.choose("Sn")
    second.page.keyboard.press("m")
    second.saved()
    assert (row(first, 7)["state"], row(first, 15)["state"]) == ("edited", "missing")
    second.until(lambda: second.page.locator(".point.edited").count() == 1)


@pytest.mark.parametrize(("button", "x"), [("Use mine", -1), ("Keep the stored one", 1)])
def test_the_same_point_is_shown_twice_and_a_person_chooses(both, button, x):
    first, second = both
    found = first.place_of(1, 7)
    nudge(first, "ArrowRight")
    first.until(lambda: 7 in first.server.project.films[1].rows)
    nudge(second, "ArrowLeft")
    second.until(lambda: second.page.locator("dialog.conflict").count() == 1)
    assert row(first, 7)["x_px"] == pytest.approx(found[0] + 1, abs=0.001)  # nothing was overwritten
    assert second.page.locator("dialog .crop").count() == 1
    assert "Pogonion" in second.page.locator("dialog").inner_text()
    second.picture("conflict")
    second.page.get_by_role("button", name=button).click()
    second.saved()
    assert row(first, 7)["x_px"] == pytest.approx(found[0] + x, abs=0.001)
    assert second.point("Pog")["x"] == pytest.approx(found[0] + x, abs=0.001)


def test_a_conflict_that_was_put_away_stays_unsaved(both):
    first, second = both
    nudge(first, "ArrowRight")
    first.until(lambda: 7 in first.server.project.films[1].rows)
    nudge(second, "ArrowLeft")
    second.until(lambda: second.page.locator("dialog.conflict").count() == 1)
    second.page.keyboard.press("Escape")
    second.until(lambda: second.page.locator("#saved").inner_text().strip() == "1 to settle")
    second.page.locator("#saved").click()
    second.page.get_by_role("button", name="Keep the stored one").click()
    second.saved()


def test_news_from_another_tab_arrive_by_themselves(tabs):
    first, second = tabs(), tabs()
    for tab in (first, second):
        tab.open("vhm_lateral_0deg")
    first.choose("Pog")
    first.page.keyboard.press("m")
    second.until(lambda: second.page.locator(".point.missing").count() == 1)
