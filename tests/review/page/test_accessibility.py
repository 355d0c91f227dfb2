"""WCAG 2.2 A and AA as far as axe-core sees them, in every state; and a keyboard that is never trapped."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="session")
def axe():
    module = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="accessibility is checked with axe-core"
    )
    return module.Axe()


def violations(axe, tab):
    found = axe.run(tab.page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [(one["id"], node["target"], node["failureSummary"]) for one in found for node in one["nodes"]]


def open_film(tab):
    tab.open("vhm_lateral_0deg")
    tab.page.keyboard.press("Tab")


def open_window(tab):
    tab.page.get_by_title("Brightness, contrast").click()


def open_layers(tab):
    tab.page.get_by_title("What is drawn over the film").click()


def open_ruler(tab):
    tab.open("no_scale")
    tab.page.keyboard.press("l")
    tab.page.mouse.click(*tab.at(400, 200))
    tab.page.mouse.click(*tab.at(400, 400))


def open_unsaved(tab):
    tab.open("vhm_lateral_0deg")
    tab.server.project.down = True
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("m")
    tab.until(lambda: "1 not saved" in tab.page.locator("#saved").inner_text())


def open_learning(tab):
    tab.server.project.loop.update(corrected=5, reviewed=5, offer=5)
    tab.server.project.loop["monitor"] = {
        "level": 0.9,
        "alarm": True,
        "words": None,
        "rows": [{"name": "a", "share": 0.6, "running": 0.6}],
    }
    tab.page.locator("#views").get_by_role("button", name="Learning").click()
    tab.until(lambda: tab.page.locator(".chart").count() == 1)


def open_compare(tab):
    tab.page.locator("#views").get_by_role("button", name="Compare").click()
    tab.until(lambda: tab.page.locator(".compare-table tbody tr").count() == 19)


@pytest.mark.parametrize(
    "state",
    [
        open_film,
        open_window,
        open_layers,
        open_ruler,
        open_unsaved,
        open_learning,
        open_compare,
        lambda tab: tab.page.keyboard.press("?"),
        lambda tab: tab.open("notes"),
        lambda tab: tab.open("arrived_last"),
    ],
    ids=["film", "window", "layers", "ruler", "unsaved", "learning", "compare", "help", "unread", "waiting"],
)
def test_axe_finds_nothing(axe, tab, state):
    state(tab)
    tab.settle()
    assert violations(axe, tab) == []


def test_axe_finds_nothing_on_the_profile_card(axe, tabs, server):
    server.project.profile_needed = True
    tab = tabs()
    tab.page.locator("dialog").wait_for()
    assert violations(axe, tab) == []


def focused(tab):
    return tab.page.evaluate("document.activeElement.closest('#queue, #stage, #panel, #top, #middle')?.id")


def test_f6_leads_round_the_page_and_tab_leaves_the_film_once_all_is_checked(tab):
    tab.open("vhm_lateral_0deg")
    seen = []
    for _ in range(3):
        tab.page.keyboard.press("F6")
        seen.append(focused(tab))
    assert seen == ["panel", "queue", "stage"]
    tab.page.get_by_role("button", name="Accept remaining").click()
    tab.saved()
    tab.page.locator("#stage").focus()
    tab.page.keyboard.press("Tab")
    assert focused(tab) != "stage"


def test_a_film_is_reviewed_by_keyboard_alone(tab, server):
    tab.page.locator("#queue .film", has_text="vhm_lateral_0deg").focus()
    tab.page.keyboard.press("Enter")
    tab.until(lambda: "vhm_lateral_0deg" in tab.page.locator("#bar h1").inner_text())
    tab.page.keyboard.press("F6")
    for _ in range(19):
        tab.page.keyboard.press("Tab")
        tab.page.keyboard.press("a")
    tab.page.keyboard.press("Enter")
    tab.saved()
    assert server.project.films[1].state == "reviewed"


def test_the_chosen_point_is_said(tab):
    tab.open("vhm_lateral_0deg")
    tab.choose("Go")
    assert tab.page.locator("#said").inner_text().startswith("Go, Gonion")


def test_motion_stops_where_it_is_not_wanted(tabs):
    tab = tabs(reduced_motion="reduce")
    all_elements = "[...document.querySelectorAll('*')]"
    moving = (
        f"{all_elements}.filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"
    )
    assert tab.page.evaluate(moving) == 0
