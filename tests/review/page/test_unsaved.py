"""Nothing is lost: what is not stored is seen, tried again, and keeps the page from closing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def film(tab):
    tab.open("vhm_lateral_0deg")
    tab.choose("Pog")
    return tab


def said(tab):
    return tab.page.locator("#saved").inner_text().strip()


def rows(tab):
    return tab.server.project.films[1].rows


def test_an_edit_without_a_server_stays_and_is_sent_later(film):
    film.server.project.down = True
    film.page.keyboard.press("m")
    film.until(lambda: said(film) == "1 not saved")
    assert film.page.locator(".point.missing.unsaved").count() == 1
    film.page.keyboard.press("a")
    film.until(lambda: said(film) == "2 not saved")
    film.picture("unsaved")
    film.server.project.down = False
    film.page.locator("#saved").click()
    film.saved()
    assert sorted(row["state"] for row in rows(film).values()) == ["accepted", "missing"]
    assert film.page.locator(".unsaved").count() == 0


def test_the_page_asks_before_it_closes_on_something_unsaved(film):
    film.server.project.down = True
    film.page.keyboard.press("m")
    film.until(lambda: said(film) == "1 not saved")
    asked = []
    film.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    film.page.close(run_before_unload=True)
    film.until(lambda: asked == ["beforeunload"])
    assert said(film) == "1 not saved"
    film.server.project.down = False
    film.page.locator("#saved").click()
    film.saved()


def test_a_failure_of_the_server_is_tried_again_by_itself_and_stored_once(film):
    film.server.project.fail = [500, 503]
    film.page.keyboard.press("m")
    film.until(lambda: said(film) == "1 not saved")
    film.saved()
    assert [row["revision"] for row in rows(film).values()] == [1]


def test_a_lost_answer_does_not_store_twice(film):
    film.server.project.lose_answer = True
    film.page.keyboard.press("m")
    film.until(lambda: len(rows(film)) == 1)
    film.until(lambda: said(film) == "1 not saved")
    film.saved()
    assert [row["revision"] for row in rows(film).values()] == [1]


def test_edits_of_one_point_go_out_in_order_with_the_revisions_they_rest_on(film):
    film.server.project.slow_s = 0.3
    film.page.keyboard.press("ArrowRight")
    film.page.wait_for_timeout(600)
    for key in ("m", "z"):
        film.choose("Pog")
        film.page.keyboard.press(key)
    film.saved()
    assert (rows(film)[7]["state"], rows(film)[7]["revision"]) == ("edited", 3)


def test_what_the_server_refuses_is_explained_and_can_be_given_up(film):
    film.server.project.fail = [400]
    film.page.keyboard.press("m")
    film.until(lambda: said(film) == "1 refused")
    film.page.locator("#saved").click()
    assert "made to fail" in film.page.locator("dialog").inner_text()
    film.picture("refused")
    film.page.get_by_role("button", name="Give it up").click()
    film.saved()
    assert rows(film) == {}
    assert film.page.locator(".point.missing").count() == 0


def test_a_reload_shows_only_what_was_acknowledged(film):
    film.page.keyboard.press("m")
    film.saved()
    film.server.project.down = True
    film.choose("Sn")
    film.page.keyboard.press("m")
    film.until(lambda: said(film) == "1 not saved")
    film.server.project.down = False
    film.page.on("dialog", lambda dialog: dialog.accept())
    film.server.project.fail = [503] * 50
    film.page.reload()
    film.until(lambda: film.page.locator(".point.missing").count() == 1)
    assert len(rows(film)) == 1


def test_a_film_can_be_left_with_something_unsaved(film):
    film.server.project.fail = [503]
    film.page.keyboard.press("m")
    film.open("no_scale")
    film.saved()
    assert rows(film)[7]["state"] == "missing"
    assert film.page.locator(".point.missing").count() == 0
