"""Points: dragged with a loupe, moved by keys, accepted, missing, referred, undone; measurements follow."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
POINT_B, POGONION, SOFT_POGONION = 6, 7, 16


@pytest.fixture
def film(tab):
    tab.open("vhm_lateral_0deg")
    return tab


def rows(tab):
    return tab.server.project.films[1].rows


def value(tab, code):
    return tab.page.locator("#measures tbody tr", has_text=code).first.locator(".value").inner_text()


def test_a_film_that_opens_while_a_point_is_held_takes_it_from_the_hand(film):
    film.page.mouse.move(*film.at(*film.place_of(1, POINT_B)))
    film.page.mouse.down()
    film.page.mouse.move(600, 400, steps=2)
    film.page.locator("#queue .film", has_text="no_scale").evaluate("button => button.click()")
    film.until(lambda: "no_scale" in film.page.locator("#bar h1").inner_text())
    film.page.mouse.move(620, 410, steps=4)
    film.page.mouse.up()
    film.saved()
    assert rows(film) == {}
    assert film.server.project.films[4].rows == {}


def test_dragging_moves_the_point_and_stores_it(film):
    found = film.place_of(1, POINT_B)
    start = film.at(*found)
    before = value(film, "SNB")
    film.page.mouse.move(*start)
    film.page.mouse.down()
    film.page.mouse.move(start[0] - 20, start[1] - 6, steps=6)
    assert film.page.locator("#loupe").is_visible()
    film.until(lambda: value(film, "SNB") != before)  # live: the button is still down
    assert rows(film) == {}
    film.picture("drag")
    film.page.mouse.up()
    film.saved()
    assert not film.page.locator("#loupe").is_visible()
    scale = film.page.evaluate("cephsure.stage.view.scale")
    row = rows(film)[POINT_B]
    assert (row["state"], row["revision"]) == ("edited", 1)
    assert (row["x_px"], row["y_px"]) == pytest.approx(
        (found[0] - 20 / scale, found[1] - 6 / scale), abs=0.01
    )
    assert "moved by" in film.page.locator(".provenance").inner_text()
    assert film.page.locator(".before circle").count() == 1  # where it was, and the way


def test_shift_drags_ten_times_finer(film):
    found = film.place_of(1, POGONION)
    start = film.at(*found)
    film.page.mouse.move(*start)
    film.page.mouse.down()
    film.page.keyboard.down("Shift")
    film.page.mouse.move(start[0] - 40, start[1], steps=10)
    film.page.mouse.up()
    film.page.keyboard.up("Shift")
    film.saved()
    moved = (found[0] - rows(film)[POGONION]["x_px"]) * film.page.evaluate("cephsure.stage.view.scale")
    assert 3 < moved < 8  # the first 3 px only say that it is a drag


def test_arrow_keys_move_by_a_pixel_and_by_a_tenth_and_are_one_edit(film):
    found = film.place_of(1, POGONION)
    film.choose("Pog")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        film.page.keyboard.press(key)
    film.until(lambda: POGONION in rows(film))
    film.saved()
    row = rows(film)[POGONION]
    assert (row["x_px"], row["y_px"]) == pytest.approx((found[0] + 1.9, found[1] - 1), abs=0.001)
    assert row["revision"] == 1


def test_tab_leads_from_the_least_certain_point_to_the_next(film):
    marks = film.server.project.films[1].prediction.landmarks
    order = [mark.code for mark in sorted(marks, key=lambda mark: -mark.expected_error_mm)]
    seen = []
    for _ in range(3):
        film.page.keyboard.press("Tab")
        seen.append(film.page.locator("#card h2 .code").inner_text())
    assert seen == order[:3]
    film.page.keyboard.press("Shift+Tab")
    assert film.page.locator("#card h2 .code").inner_text() == order[1]
    film.picture("chosen")


@pytest.mark.parametrize(("key", "state"), [("a", "accepted"), ("m", "missing"), ("r", "referred")])
def test_a_letter_decides_and_leads_on(film, key, state):
    film.page.keyboard.press("Tab")
    number = film.page.evaluate("cephsure.state.selected")
    film.page.keyboard.press(key)
    film.saved()
    assert rows(film)[number]["state"] == state
    assert film.page.evaluate("cephsure.state.selected") not in (number, None)
    if state == "accepted":
        assert (rows(film)[number]["x_px"], rows(film)[number]["y_px"]) == film.place_of(1, number)
    assert film.page.locator(f".point.{state}").count() == 1
    assert film.page.locator(f".chip.{state}").count() == 1


def test_undo_and_redo(film):
    film.choose("Pog")
    film.page.keyboard.press("m")
    film.page.keyboard.press("z")
    film.saved()
    film.until(lambda: film.page.locator(".point.missing").count() == 0)
    film.page.keyboard.press("Shift+Z")
    film.until(lambda: film.page.locator(".point.missing").count() == 1)
    film.page.keyboard.press("Control+z")
    film.until(lambda: film.page.locator(".point.missing").count() == 0)
    assert rows(film)[POGONION]["state"] == "predicted"


def test_a_missing_point_keeps_its_row_and_is_placed_by_a_click(film):
    count = film.page.locator("#measures tbody tr").count()
    film.choose("Pog")
    film.page.keyboard.press("m")
    film.saved()
    film.until(lambda: film.page.locator("#measures .gone").count() > 0)
    assert film.page.locator("#measures tbody tr").count() == count
    film.choose("Pog")
    film.page.keyboard.press("p")
    film.page.mouse.click(*film.at(700, 880))
    film.until(lambda: rows(film)[POGONION]["state"] == "placed")
    assert (rows(film)[POGONION]["x_px"], rows(film)[POGONION]["y_px"]) == pytest.approx((700, 880), abs=0.01)


def test_back_to_the_models_place(film):
    film.choose("Pog")
    film.page.keyboard.press("ArrowRight")
    film.until(lambda: POGONION in rows(film))
    film.page.get_by_role("button", name="Back to the model's").click()
    film.saved()
    assert rows(film)[POGONION]["state"] == "predicted"


def test_what_a_reload_shows_is_what_was_stored(film):
    film.choose("Pog")
    film.page.keyboard.press("a")
    film.saved()
    film.page.reload()
    film.until(lambda: film.page.locator(".point.accepted").count() == 1)
    assert "vhm_lateral_0deg" in film.page.locator("#bar h1").inner_text()  # the same film


def test_a_point_cannot_leave_the_film(film):
    start = film.at(*film.place_of(1, SOFT_POGONION))
    film.drag(start, (start[0] + 500, start[1] + 500))
    film.saved()
    row = rows(film)[SOFT_POGONION]
    assert (row["x_px"], row["y_px"]) == (927, 975)


def test_before_shows_the_models_points_as_long_as_the_key_is_held(film):
    film.choose("Pog")
    film.page.keyboard.press("m")
    film.saved()
    film.page.keyboard.down("b")
    film.until(lambda: film.page.locator(".point.missing").count() == 0)
    film.page.keyboard.up("b")
    film.until(lambda: film.page.locator(".point.missing").count() == 1)


def test_layers_are_drawn_and_taken_away(film):
    film.choose("Pog")
    film.page.keyboard.press("t")
    film.page.keyboard.press("h")
    film.until(lambda: film.page.locator(".tracing path").count() > 5)
    film.until(lambda: film.page.locator(".heat image").count() == 1)
    film.page.get_by_title("What is drawn over the film").click()
    film.page.get_by_label("Each network's point").check()
    film.until(lambda: film.page.locator(".dots circle").count() == 19)
    wide = film.page.locator(".region").first.bounding_box()["width"]
    film.page.get_by_label("Region holds").select_option("0.5")
    # None while the regions are drawn anew.
    film.until(
        lambda: (film.page.locator(".region").first.bounding_box() or {"width": wide})["width"] < 0.7 * wide
    )
    film.picture("layers")
    film.page.get_by_label("Regions", exact=True).uncheck()
    film.until(lambda: film.page.locator(".region").count() == 1)  # the chosen point's stays


def test_single_letters_can_be_switched_off(film):
    film.page.keyboard.press("?")
    film.picture("help")
    film.page.get_by_label("Single letters decide").uncheck()
    film.page.keyboard.press("Escape")
    film.choose("Pog")
    film.page.keyboard.press("m")
    film.page.wait_for_timeout(200)
    assert rows(film) == {}
