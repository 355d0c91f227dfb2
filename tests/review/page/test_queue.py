"""The queue: most doubtful first, filters, films that cannot be read or wait, an order that holds still."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def names(tab):
    return tab.page.locator("#queue .film .name").all_inner_texts()


def test_the_most_doubtful_come_first_and_progress_is_told(tab):
    assert names(tab)[0] == "vhm_lateral_30deg.png"
    assert names(tab)[-2:] == ["notes.png", "arrived_last.png"]
    assert "5 of 6 predicted" in tab.page.locator(".queue-head").inner_text()
    tab.page.locator("#queue img").first.wait_for()
    decoded = (
        "[...document.querySelectorAll('#queue img')].map((one) => one.decode().then(() => one.naturalWidth))"
    )
    wide = tab.page.evaluate(f"Promise.all({decoded})")
    assert all(width > 0 for width in wide)


@pytest.mark.parametrize(
    ("kind", "expected"), [("unfit", ["vhm_lateral_30deg.png"]), ("unread", ["notes.png"]), ("referred", [])]
)
def test_filters(tab, kind, expected):
    tab.page.get_by_label("Which films").select_option(kind)
    tab.until(lambda: names(tab) == expected)
    assert tab.page.get_by_text("No film is like this").count() == (not expected)


def test_films_are_chosen_by_why_they_are_doubted(tab):
    everything = names(tab)
    tab.page.get_by_label("Which reason").select_option("stretched")
    tab.until(lambda: 0 < len(names(tab)) < len(everything))
    tab.open(names(tab)[0])
    tab.page.locator("#bar summary").click()
    assert "The head is stretched" in tab.page.locator("#bar").inner_text()
    tab.page.get_by_label("Which reason").select_option("")
    tab.until(lambda: len(names(tab)) == len(everything))


def test_the_reasons_of_a_film_fold_when_something_else_is_touched(tab):
    tab.open("vhm_lateral_30deg")
    listed = tab.page.locator("#bar details")
    listed.locator("summary").click()
    assert listed.locator("li").first.is_visible()
    tab.page.locator("#queue h2").click()
    assert not listed.locator("li").first.is_visible()


def test_films_are_found_by_name(tab):
    tab.page.locator("#search").fill("scale")
    tab.until(lambda: names(tab) == ["no_scale.png"])


def test_a_film_that_cannot_be_read_says_why_and_n_goes_on(tab):
    tab.open("notes")
    assert "Is no picture that can be read" in tab.page.locator("#nothing").inner_text()
    tab.picture("unread")
    tab.page.keyboard.press("n")
    tab.until(lambda: "arrived_last" in tab.page.locator("#bar h1").inner_text())
    tab.page.keyboard.press("Shift+N")
    tab.until(lambda: "notes" in tab.page.locator("#bar h1").inner_text())


def test_a_waiting_film_is_shown_and_gets_its_points_by_itself(tab, server):
    tab.open("arrived_last")
    assert "has not looked" in tab.page.locator("#nothing").inner_text()
    assert tab.page.locator(".chip.doubtful").count() == 0
    tab.picture("waiting")
    project = server.project
    project.films[6].prediction = project.films[1].prediction
    project.event += 1
    project.changed.append((project.event, 6))
    tab.until(lambda: tab.page.locator(".chip.doubtful").count() == 19)
    tab.until(lambda: tab.page.locator("#measures tbody tr").count() > 5)
    assert names(tab)[-1] == "arrived_last.png"  # the order holds still until it is asked to change
    tab.page.get_by_role("button", name="New predictions").click()
    assert names(tab)[-1] == "notes.png"


def test_accepting_the_rest_and_closing_the_film_leads_to_the_next(tab, server):
    tab.open("vhm_lateral_0deg")
    tab.page.get_by_role("button", name="Accept remaining 19").click()
    tab.saved()
    states = [row["state"] for row in server.project.films[1].rows.values()]
    assert states == ["accepted"] * 19
    tab.page.locator("#stage").focus()
    tab.page.keyboard.press("Enter")
    tab.saved()
    assert server.project.films[1].state == "reviewed"
    tab.until(lambda: "vhm_lateral_0deg" not in tab.page.locator("#bar h1").inner_text())
    tab.until(lambda: tab.page.locator("#queue .film.reviewed").count() == 1)


def test_a_film_is_referred_and_opened_again(tab, server):
    tab.open("vhm_lateral_0deg")
    tab.page.get_by_role("button", name="Refer the film").click()
    tab.saved()
    assert server.project.films[1].state == "referred"
    tab.open("vhm_lateral_0deg")
    tab.page.get_by_role("button", name="Open again").click()
    tab.saved()
    assert server.project.films[1].state is None


def test_a_fit_films_sure_points_are_accepted_with_it(tab, server):
    """Where only one point is doubtful, one decision and Enter close the film."""
    film = server.project.films[1]
    marks = [
        mark.model_copy(update={"verdict": "review" if mark.code == "Go" else "accept"})
        for mark in film.prediction.landmarks
    ]
    film.prediction = film.prediction.model_copy(update={"verdict": "fit", "landmarks": tuple(marks)})
    tab.open("vhm_lateral_0deg")
    tab.page.keyboard.press("Tab")
    assert tab.page.locator("#card h2 .code").inner_text() == "Go"
    tab.page.keyboard.press("a")
    tab.page.keyboard.press("Enter")
    tab.saved()
    assert film.state == "reviewed"
    assert [row["state"] for row in film.rows.values()] == ["accepted"] * 19


def test_on_a_tablet_the_film_is_in_sight_from_the_start_and_each_part_begins_at_its_top(tabs):
    tab = tabs(viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True)
    tab.settle()
    assert tab.page.evaluate("scrollY") == 0
    tab.picture("tablet")
    at = tab.place_of(tab.page.evaluate("cephsure.state.film.film_id"), 7)
    tab.page.touchscreen.tap(*tab.at(*at))
    tab.until(lambda: "Pogonion" in tab.page.locator("#card").inner_text())
    tab.page.evaluate("scrollTo(0, 500)")
    tab.page.locator("#views").get_by_role("button", name="Learning").tap()
    assert tab.page.evaluate("scrollY") == 0
