"""Answers may overtake each other: nothing that is shown gives way to what is older."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def tab(tabs):
    """In a profile of its own: requests that are held back may outlive their tab in a shared one."""
    return tabs(locale="en-GB")


@pytest.fixture
def film(tab):
    tab.open("vhm_lateral_0deg")
    tab.choose("Pog")
    return tab


class Held:
    """Answers to an address that are held back, each as it was made."""

    def __init__(self, tab, address, most=1):
        self.tab, self.answers, self.most = tab, [], most
        tab.page.route(address, self._hold)

    def _hold(self, route):
        if len(self.answers) == self.most:
            return route.continue_()
        return self.answers.append((route, route.fetch()))

    def wait(self, count=1):
        self.tab.until(lambda: len(self.answers) == count)

    def release(self):
        for route, answer in self.answers:
            route.fulfill(response=answer)
        self.tab.settle()
        self.tab.page.wait_for_timeout(50)


def somebody_else(tab, film_id=1):
    """Something happened to a film elsewhere."""
    project = tab.server.project
    project.event += 1
    project.changed.append((project.event, film_id))


def test_facts_older_than_what_was_acknowledged_since_are_not_shown(film):
    held = Held(film, "**/v1/films/1", most=2)
    somebody_else(film)
    held.wait()
    film.page.keyboard.press("m")
    film.saved()
    for route, answer in list(held.answers):
        route.fulfill(response=answer)
        held.wait(2)
        assert film.page.locator(".point.missing").count() == 1


def test_a_row_of_a_point_never_gives_way_to_an_older_one(film):
    held = Held(film, "**/v1/films/1/edits")
    film.page.keyboard.press("m")
    held.wait()  # stored, and the answer is on its way
    rows = film.server.project.films[1].rows
    rows[7] = {**rows[7], "state": "referred", "revision": 2, "who": "ben", "event_id": 99}
    somebody_else(film)
    film.until(lambda: film.page.evaluate("cephsure.state.rows.get(7)?.revision") == 2)
    held.release()
    film.saved()
    assert film.page.locator(".point.referred").count() == 1


def test_a_film_that_is_predicted_while_its_pixels_come_is_shown_predicted(tab):
    waiting = tab.server.project.films[6]
    held = Held(tab, "**/v1/films/6/pixels")
    tab.page.locator("#queue .film", has_text="arrived_last").click()
    held.wait()
    tab.page.wait_for_timeout(100)  # the film's facts are there
    waiting.prediction = tab.server.project.films[2].prediction
    somebody_else(tab, 6)
    tab.until(lambda: tab.page.locator("#queue .film", has_text="arrived_last").locator(".done").count() == 0)
    held.release()
    tab.until(lambda: "arrived_last" in tab.page.locator("#bar h1").inner_text())
    tab.until(lambda: tab.page.evaluate("cephsure.state.film.prediction !== null"))


def test_an_edit_after_an_undo_rests_on_the_undo(film):
    film.page.keyboard.press("m")
    film.saved()
    film.server.project.slow_s = 0.3
    film.choose("Pog")
    film.page.keyboard.press("z")
    film.page.keyboard.press("r")
    film.saved()
    row = film.server.project.films[1].rows[7]
    assert (row["state"], row["revision"]) == ("referred", 3)


def test_an_edit_does_not_rest_on_what_somebody_else_did_meanwhile(film):
    held = Held(film, "**/v1/films/1/edits")
    film.page.keyboard.press("m")
    held.wait()
    film.choose("Pog")
    film.page.keyboard.press("a")  # waits for the first
    rows = film.server.project.films[1].rows
    rows[7] = {**rows[7], "state": "referred", "revision": 2, "who": "ben", "event_id": 99}
    route, answer = held.answers[0]
    told = answer.json()
    told["points"] = [rows[7]]  # the answer was made after it
    route.fulfill(json=told)
    film.page.locator("dialog.conflict").wait_for()
    assert rows[7]["who"] == "ben"
    film.page.get_by_role("button", name="Keep the stored one").click()
    film.saved()


def test_an_older_list_of_films_does_not_replace_a_newer_one(film):
    held = Held(film, "**/v1/films?*")
    somebody_else(film)
    held.wait()
    film.page.route("**/v1/events*", lambda route: route.abort())  # nothing else renews the list
    film.page.keyboard.press("m")
    row = film.page.locator("#queue .film", has_text="vhm_lateral_0deg")
    film.until(lambda: "1 point decided" in row.inner_text())
    held.release()
    assert "1 point decided" in row.inner_text()


def test_a_name_that_is_typed_while_something_is_stored_is_looked_for(film):
    film.page.locator("#search").press_sequentially("no_sc")
    film.page.evaluate("import('/page/bus.js').then(({ tell }) => tell('stored', 1))")
    film.until(lambda: film.page.locator("#queue .film").count() == 1)


def test_an_older_answer_of_the_loop_does_not_replace_a_newer_one(tab):
    tab.server.project.loop.update(corrected=1, reviewed=1, offer=1)
    tab.page.locator("#views").get_by_role("button", name="Learning").click()
    button = tab.page.get_by_role("button", name="Calibrate on my films")
    tab.until(button.is_enabled)
    held = Held(tab, "**/v1/loop")
    somebody_else(tab)
    held.wait()
    button.click()
    tab.page.get_by_role("button", name="Apply to the queue").wait_for()
    held.release()
    assert tab.page.get_by_role("button", name="Apply to the queue").count() == 1


def test_measurements_are_asked_for_again_when_a_film_is_predicted_anew(film):
    film.until(lambda: film.page.locator("#measures .interval").first.inner_text() != "")
    held = Held(film, "**/v1/films/1/measure")
    film.page.locator("#analysis").select_option("steiner")
    held.wait()
    before = film.server.project.requests.count("/v1/films/1/measure")
    one = film.server.project.films[1]
    one.prediction = one.prediction.model_copy(update={"reasons": ("another",)})
    somebody_else(film)
    film.until(lambda: film.page.evaluate("cephsure.state.film.prediction.reasons[0]") == "another")
    held.release()
    film.until(lambda: film.server.project.requests.count("/v1/films/1/measure") > before)


def test_two_films_are_laid_anew_when_one_of_them_is_changed(film):
    film.page.locator("#views").get_by_role("button", name="Compare").click()
    film.page.locator("#compare tbody tr").first.wait_for()
    before = film.server.project.asked.count("/v1/superimpose")
    somebody_else(film, 1)
    film.until(lambda: film.server.project.asked.count("/v1/superimpose") > before)


def test_the_pair_chosen_last_is_the_one_that_is_shown(film):
    film.page.locator("#views").get_by_role("button", name="Compare").click()
    film.page.locator("#compare tbody tr").first.wait_for()
    held = Held(film, "**/v1/superimpose?*second=3*")
    film.page.get_by_label("Second (T2)").select_option("3")
    held.wait()
    before = film.server.project.asked.count("/v1/superimpose")
    film.page.get_by_label("Second (T2)").select_option("4")
    film.until(lambda: film.server.project.asked.count("/v1/superimpose") > before)
    film.page.wait_for_timeout(100)
    rows = film.page.locator("#compare tbody").inner_text()
    held.release()
    assert film.page.locator("#compare tbody").inner_text() == rows
