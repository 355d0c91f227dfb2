"""A browser on the page, with a stand-in for the server that fails at will; complaints of scripts fail tests.

Where `CEPHSURE_SCREENSHOTS` names a folder, pictures of the page's states are kept there.
"""

from __future__ import annotations

import copy
import os
import time
from pathlib import Path

import pytest

HARMLESS = ("Failed to load resource", "willReadFrequently")
"""What the browser itself says of an answer that is no success, and of tests that read the canvas."""


@pytest.fixture(scope="session")
def stand_in():
    """One server for all tests: a browser then keeps the page's modules from one to the next."""
    from stand_in_server import FakeServer

    with FakeServer(kept_s=3600) as running:
        yield running, list(running.project.films.values())


@pytest.fixture
def server(stand_in):
    """The server, begun anew."""
    running, films = stand_in
    shown = [copy.copy(film) for film in films]
    for film in shown:
        film.rows, film.done, film.undone = {}, [], []
    running.begin(shown)
    return running


@pytest.fixture(scope="session")
def shared_context(browser):
    """One browser's profile for the first tab of each test; it is left as it was found."""
    context = browser.new_context(**USUAL)
    yield context
    context.close()


USUAL = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}


class Tab:
    """A tab of the page and what tests do to it."""

    def __init__(self, context, server, *, is_deaf=False):
        self.context, self.server, self.complaints = context, server, []
        self.page = self.context.new_page()
        self.page.set_default_timeout(90_000)  # a busy machine takes as long as it takes
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        if is_deaf:  # it does not hear what others do
            self.page.route("**/v1/events*", lambda route: route.abort())
        self.page.goto(server.url)
        self.until(lambda: self.page.locator(".point").count() > 0)

    def _heard(self, message):
        if not any(words in message.text for words in HARMLESS):
            self.complaints.append(message.text)

    def until(self, holds, wait_s=90.0):
        """Wait until something holds."""
        end = time.monotonic() + wait_s
        while not holds():
            assert time.monotonic() < end, "it did not come about"
            self.page.wait_for_timeout(25)

    def open(self, name):
        """Open a film by a part of its name."""
        self.page.locator("#queue .film", has_text=name).first.click()
        self.until(lambda: name in self.page.locator("#bar h1").inner_text())
        self.page.locator("#stage").focus()

    def settle(self):
        """Wait for two frames: what was asked for is drawn."""
        frame = "new Promise((done) => requestAnimationFrame(done))"
        self.page.evaluate(frame)
        self.page.evaluate(frame)

    def saved(self):
        self.until(lambda: self.page.locator("#saved").inner_text().strip() == "All saved")

    def at(self, x, y):
        """Where a place of the film, px, lies in the tab."""
        where = """([x, y]) => {
            const { element, view } = cephsure.stage;
            const box = element.getBoundingClientRect();
            const [left, top] = view.toScreen(x, y);
            return [box.left + left, box.top + top];
        }"""
        return self.page.evaluate(where, [x, y])

    def point(self, code):
        """Where the page shows a point, px of the film."""
        marker = self.page.locator(".point", has_text=code).first
        return self.page.evaluate(
            """(number) => {
                const { state } = cephsure;
                const mark = state.film.prediction.landmarks.find((one) => one.number === number);
                const row = state.rows.get(number);
                return { x: row?.x_px ?? mark.x_px, y: row?.y_px ?? mark.y_px };
            }""",
            int(marker.get_attribute("data-number")),
        )

    def place_of(self, film, number):
        mark = self.server.project.films[film].prediction.landmarks[number - 1]
        return mark.x_px, mark.y_px

    def choose(self, code):
        self.page.locator(f'.chip[aria-label^="{code},"]').click()
        self.page.locator("#stage").focus()

    def drag(self, start, end, *, button="left", steps=8):
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down(button=button)
        mouse.move(*end, steps=steps)
        mouse.up(button=button)

    def pixels(self):
        """A sum over the film's canvas that changes with what is drawn."""
        return self.page.evaluate(
            """() => {
                const canvas = document.getElementById("film");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let sum = 0;
                for (let at = 0; at < data.length; at += 4) sum += data[at];
                return sum / (data.length / 4);
            }"""
        )

    def picture(self, name):
        """Keep a picture of this state where pictures are wanted."""
        folder = os.environ.get("CEPHSURE_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def tabs(browser, shared_context, server):
    """Open tabs: `tabs()`; all are closed and asked for complaints at the end.

    The first usual tab is in the shared profile, every other one in a profile of its own.
    """
    opened, own = [], []

    def new(*, is_deaf=False, **options):
        context = shared_context
        if options or any(tab.context is shared_context for tab in opened):
            context = browser.new_context(**{**USUAL, **options})
            own.append(context)
        opened.append(Tab(context, server, is_deaf=is_deaf))
        return opened[-1]

    yield new
    for tab in opened:
        if tab.context is shared_context:
            forget(tab)
    for context in own:
        context.close()
    assert [complaint for tab in opened for complaint in tab.complaints] == []


def forget(tab):
    """Leave the shared profile as it was found: nothing kept, no page open."""
    if tab.page.is_closed():
        tab.page = tab.context.new_page()
        tab.page.goto(f"{tab.server.url}page/icon.svg")
    tab.page.evaluate("localStorage.clear()")
    tab.page.close()


@pytest.fixture
def tab(tabs):
    return tabs()
