"""The film's window: true greys, window and level, zoom at the pointer, pan, fit, pixel on pixel."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def middle(tab):
    box = tab.page.locator("#stage").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def window(tab):
    return tab.page.evaluate("cephsure.stage.window")


def test_the_most_doubtful_film_is_drawn_first(tab):
    assert "30deg" in tab.page.locator("#bar h1").inner_text()
    assert tab.pixels() > 10
    tab.picture("open")


def test_sixteen_bits_reach_the_window(tab):
    tab.open("large_16_bit")
    assert tab.page.evaluate("cephsure.state.grey.depth") == 65536
    assert tab.page.evaluate("cephsure.state.grey.highest") > 255
    assert window(tab)["high"] > 255
    shown = tab.pixels()
    tab.page.keyboard.press("i")
    tab.settle()
    assert tab.pixels() != shown


def test_the_shown_grey_is_that_of_the_file(tab, server):
    tab.open("vhm_lateral_0deg")
    grey = server.project.films[1].pixels
    tab.page.evaluate("cephsure.stage.setWindow(0, 255)")
    tab.page.evaluate("cephsure.stage.move((view) => view.exact(1 / devicePixelRatio))")
    tab.page.evaluate(
        "cephsure.stage.move((view) => { view.x = Math.round(view.x); view.y = Math.round(view.y); })"
    )
    tab.settle()
    found = tab.page.evaluate(
        """() => {
            const { view } = cephsure.stage;
            const context = document.getElementById("film").getContext("2d");
            return [[400, 500], [460, 520], [510, 640]].map(([x, y]) => {
                const [left, top] = view.toScreen(x, y);
                return context.getImageData(Math.floor(left), Math.floor(top), 1, 1).data[0];
            });
        }"""
    )
    assert found == [int(grey[500, 400]), int(grey[520, 460]), int(grey[640, 510])]


@pytest.mark.parametrize("button", ["right", "left"])
def test_dragging_windows_with_the_right_button_and_with_the_tool(tab, button):
    before, shown = window(tab), tab.pixels()
    if button == "left":
        tab.page.keyboard.press("w")
    x, y = middle(tab)
    tab.drag((x - 200, y - 200), (x - 120, y - 150), button=button)
    tab.settle()
    after = window(tab)
    assert after["high"] - after["low"] > before["high"] - before["low"]  # to the right: wider
    assert after["high"] + after["low"] > before["high"] + before["low"]  # down: darker
    assert tab.pixels() != shown


def test_presets_sliders_and_sharpening(tab):
    tab.page.get_by_title("Brightness, contrast").click()
    tab.picture("window")
    shown = {}
    for preset in ("Bone", "Soft tissue", "Full"):
        tab.page.locator("#drop-tools-grey").get_by_role("button", name=preset).click()
        tab.settle()
        shown[preset] = tab.pixels()
    assert shown["Soft tissue"] > shown["Full"] > shown["Bone"]
    before = window(tab)
    tab.page.get_by_label("Brightness").focus()
    tab.page.keyboard.press("PageUp")
    assert window(tab)["low"] > before["low"]
    tab.page.get_by_label("Sharpened").check()
    tab.settle()
    assert tab.page.evaluate("cephsure.state.grey.sharp.size") == 1


def test_the_wheel_zooms_at_the_pointer(tab):
    x, y = middle(tab)
    x += 60
    film = """([x, y]) => {
        const box = cephsure.stage.element.getBoundingClientRect();
        return cephsure.stage.view.toFilm(x - box.left, y - box.top);
    }"""
    before = tab.page.evaluate(film, [x, y])
    scale = tab.page.evaluate("cephsure.stage.view.scale")
    tab.page.mouse.move(x, y)
    for _ in range(5):
        tab.page.mouse.wheel(0, -100)
    tab.until(lambda: tab.page.evaluate("cephsure.stage.view.scale") > 2 * scale)
    assert tab.page.evaluate(film, [x, y]) == pytest.approx(before, abs=0.5)
    tab.page.keyboard.press("f")
    assert tab.page.evaluate("cephsure.stage.view.scale") == pytest.approx(scale)


def test_pan_pixel_on_pixel_and_what_lies_under_the_pointer(tab, server):
    tab.open("vhm_lateral_0deg")
    tab.page.keyboard.press("1")
    assert tab.page.locator(".zoom").inner_text() == "100 %"
    x, y = middle(tab)
    before = tab.page.evaluate("cephsure.stage.view.x")
    tab.drag((x - 150, y - 250), (x - 100, y - 240))
    assert tab.page.evaluate("cephsure.stage.view.x") == pytest.approx(before + 50)
    tab.page.mouse.move(*tab.at(400, 500))
    grey = int(server.project.films[1].pixels[500, 400])
    assert tab.page.locator(".where").inner_text() == f"x 400 y 500 grey {grey}"


def test_two_fingers_zoom_and_one_moves(tabs):
    tab = tabs(has_touch=True)
    x, y = middle(tab)
    touch = tab.context.new_cdp_session(tab.page)

    def fingers(kind, *places):
        points = [{"x": place[0], "y": place[1], "id": at} for at, place in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    scale = tab.page.evaluate("cephsure.stage.view.scale")
    fingers("touchStart", (x - 40, y), (x + 40, y))
    for away in (60, 80, 120):
        fingers("touchMove", (x - away, y), (x + away, y))
    fingers("touchEnd")
    tab.until(lambda: tab.page.evaluate("cephsure.stage.view.scale") > 2.5 * scale)
    left = tab.page.evaluate("cephsure.stage.view.x")
    fingers("touchStart", (x, y - 230))
    fingers("touchMove", (x + 15, y - 230))
    fingers("touchMove", (x + 30, y - 230))
    fingers("touchEnd")
    tab.until(lambda: tab.page.evaluate("cephsure.stage.view.x") > left + 20)


@pytest.mark.parametrize("width", [1280, 820, 390, 320])
def test_the_page_is_never_wider_than_its_window(tabs, width):
    tab = tabs(viewport={"width": width, "height": 800})
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    tab.picture(f"width_{width}")


def test_escape_closes_a_menu_and_nothing_else(tab):
    tab.open("vhm_lateral_0deg")
    tab.choose("Go")
    menu = tab.page.locator(".drop", has_text="Tracing lines")
    tab.page.get_by_title("What is drawn over the film").click()
    menu.get_by_text("Tracing lines").click()
    tab.page.keyboard.press("Escape")
    tab.until(lambda: not menu.is_visible())
    assert tab.page.locator("#card h2").inner_text().startswith("Go")


def test_incisor_axes_and_the_profile_are_drawn_where_a_set_has_their_points(tab):
    code = """async () => {
        const { tracing } = await import("/page/tracing.js");
        const at = (code, x, y) => ({ code, x, y, state: "placed" });
        const tips = [at("UIT", 60, 80), at("LIT", 58, 78), at("UIA", 40, 40), at("LIA", 40, 120)];
        const skin = [at("G", 90, 10), at("N'", 88, 20), at("Prn", 110, 50), at("Sn", 95, 60)];
        return tracing([...tips, ...skin]).map(({ name, d }) => [name, d]);
    }"""
    drawn = dict(tab.page.evaluate(code))
    assert drawn.keys() == {"upper-incisor", "lower-incisor", "profile"}
    assert drawn["upper-incisor"] == "M33.00 26.00L67.00 94.00"  # beyond both ends by 0.35 of (20, 40)
    assert drawn["profile"].startswith("M90.00 10.00C")
