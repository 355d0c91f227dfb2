"""The loop, the profile card and the superimposition."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def view(tab, name):
    tab.page.locator("#views").get_by_role("button", name=name).click()


def test_nothing_corrected_offers_nothing(tab):
    view(tab, "Learning")
    assert tab.page.get_by_role("button", name="Calibrate on my films").is_disabled()
    tab.picture("learning_empty")


def test_a_dot_marks_an_offer_and_nothing_less(tab, server):
    dot = tab.page.locator("#views button", has_text="Learning").locator(".dot")
    tab.open("vhm_lateral_0deg")
    tab.choose("Pog")
    server.project.loop.update(corrected=1)
    tab.page.keyboard.press("a")
    tab.saved()
    tab.until(lambda: "/v1/loop" in server.project.asked)
    assert not dot.is_visible()
    server.project.loop.update(reviewed=1, offer=1)
    tab.page.keyboard.press("z")
    tab.until(dot.is_visible)
    tab.page.reload()
    tab.until(dot.is_visible)  # without anything new


def test_an_offer_shows_its_gain_before_it_is_applied(tab, server):
    rows = [
        {"name": f"{at}.png", "share": share, "running": running}
        for at, (share, running) in enumerate(
            [(0.84, None), (0.95, 0.9), (0.79, 0.86), (1.0, 0.9), (0.89, 0.9)]
        )
    ]
    server.project.loop.update(
        corrected=5,
        reviewed=5,
        offer=5,
        monitor={"level": 0.9, "alarm": False, "words": None, "rows": rows},
        next=[{"film_id": 4, "name": "no_scale.png", "why": "its least certain point may be off by 4.1 mm"}],
    )
    view(tab, "Learning")
    tab.until(lambda: tab.page.locator(".chart circle").count() == 5)
    tab.page.get_by_role("button", name="Calibrate on my films").click()
    tab.until(lambda: "1.32 mm" in tab.page.locator("#learning").inner_text())
    tab.picture("learning")
    tab.page.get_by_role("button", name="Apply to the queue").click()
    tab.until(lambda: "rest on 5 of your films" in tab.page.locator("#learning").inner_text())
    assert server.project.requests[-2:] == ["/v1/loop/calibrate", "/v1/loop/apply"]
    tab.page.locator("#learning .film").click()
    tab.until(lambda: "no_scale" in tab.page.locator("#bar h1").inner_text())


def test_a_running_job_is_watched(tab, server):
    server.project.loop.update(
        corrected=1, job={"kind": "calibrate", "state": "running", "done": 1, "total": 4, "error": None}
    )
    view(tab, "Learning")
    tab.until(lambda: tab.page.locator("#learning progress").count() == 1)
    server.project.loop["job"] = {
        "kind": "calibrate",
        "state": "failed",
        "done": 1,
        "total": 4,
        "error": "no point is there twice",
    }
    tab.until(lambda: "no point is there twice" in tab.page.locator("#learning").inner_text())


def test_the_card_of_the_first_start(tabs, server):
    server.project.profile_needed = True
    tab = tabs()
    dialog = tab.page.locator("dialog")
    dialog.wait_for()
    assert dialog.locator(".crop").count() == 2
    tab.picture("profile")
    dialog.locator("fieldset").first.get_by_label("Place 2").check()
    dialog.get_by_role("button", name="Save").click()
    tab.until(lambda: server.project.profile_answers == {"10": "junior"})
    tab.page.reload()
    tab.until(lambda: tab.page.locator(".point").count() > 0)
    assert dialog.count() == 0


def test_the_card_waits_for_a_film_that_it_can_be_asked_on(tabs, server):
    server.project.profile_needed, server.project.is_profile_ready = True, False
    tab = tabs()
    tab.until(lambda: "/v1/profile" in server.project.asked)
    tab.open("notes")  # it cannot be read
    assert tab.page.locator("dialog").count() == 0
    server.project.is_profile_ready = True
    server.project.event += 1  # a film was predicted
    tab.until(lambda: tab.page.locator("dialog .crop").count() == 2)


def test_the_card_can_be_put_away_and_found_again(tabs, server):
    server.project.profile_needed = True
    tab = tabs()
    tab.page.get_by_role("button", name="Not now").click()
    tab.until(lambda: tab.page.locator("dialog").count() == 0)
    view(tab, "Learning")
    tab.page.get_by_role("button", name="How do you mark?").click()
    tab.until(lambda: tab.page.locator("dialog .crop").count() == 2)


def test_two_films_are_laid_upon_each_other(tab):
    tab.open("vhm_lateral_0deg")
    view(tab, "Compare")
    tab.page.get_by_label("Second (T2)").select_option("2")
    tab.until(lambda: tab.page.locator(".compare-table tbody tr").count() == 19)
    tab.until(
        lambda: (
            tab.page.evaluate(
                "document.querySelector('.both-films').getContext('2d').getImageData(300, 300, 1, 1).data[0]"
            )
            > 0
        )
    )
    assert tab.page.locator(".compare-film .way").count() == 19
    tab.picture("compare")
    tab.page.get_by_label("Laid on").select_option("best")
    tab.page.get_by_label("S", exact=True).check()
    tab.until(lambda: tab.page.locator("tr.moved").count() > 0)
    table = tab.page.locator(".compare-table").inner_text()
    assert "…" in table
