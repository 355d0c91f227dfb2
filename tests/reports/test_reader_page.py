"""The page on which a reader answers; where there is a browser, as a reader would use it."""

from __future__ import annotations

import json
import re
import shlex
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest

from cephsure.landmarks import LandmarkSet
from cephsure.reports.reader_page import SIDE, cut_out, reader_page
from cephsure.reports.reader_questions import questions
from cephsure.uncertainty.readers.reader import profiled, read_reader
from reader_population import made_population

SHIFT = np.array([[-8.0, 16.0], [0.0, 5.0], [2.0, 2.0], [0.0, 0.0]])
ANSWERS = {1: "senior", 3: "between"}
COMMAND = ("cephsure", "reader-profile", "--model", "dots", "--out", "mine/dr x.json")


@pytest.fixture(scope="module")
def profile():
    return partial(profiled, made_population(), name="Dr <X>", model="dots", model_sha256="ab" * 32)


@pytest.fixture(scope="module")
def write(dots, profile):
    drawn = dots.draw_dots(np.random.default_rng(0))
    landmark_set = LandmarkSet.from_dict(dots._landmarks())
    marks = np.stack([drawn.points, drawn.points + SHIFT])[None]
    asked = questions(made_population(), landmark_set, marks, mm_per_px=(0.5, 0.5), faces_left=False)

    def written(**options):
        options = {"answered": {}, "credit": "Courtesy of nobody", **options}
        return reader_page(
            asked, drawn.pixels, span_px=240.0, profile=profile, of="dots-2026", command=COMMAND, **options
        )

    return written


class Elements(HTMLParser):
    """All start tags of a page with their attributes, and all of its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag, **attributes):
        return [
            found
            for name, found in self.tags
            if name == tag and all(found.get(key) == value for key, value in attributes.items())
        ]


def test_the_page_needs_no_other_file_and_no_network(write):
    page = write()
    loaded = [found[key] for _, found in Elements(page).tags for key in ("src", "href") if key in found]
    assert {address.partition(";")[0] for address in loaded} == {"data:image/jpeg", "#save"}
    assert "http" not in re.sub(r"http-equiv", "", page)
    assert "default-src 'none'" in page


def test_the_page_says_once_what_it_is_not_and_whose_the_film_is(write):
    assert write().count("Research use only. Not a medical device.") == 1
    assert "Sample film: Courtesy of nobody." in write()
    own = write(credit="")
    assert "Sample film" not in own
    assert "keep this page as you keep the film" in own


def test_every_landmark_has_its_definition_and_four_answers(write):
    page = Elements(write(answered=ANSWERS))
    for number, chosen in ((1, "senior"), (2, ""), (3, "between")):
        radios = page.all("input", type="radio", name=f"landmark-{number}")
        assert [radio["value"] for radio in radios] == ["junior", "senior", "between", ""]
        assert [radio["value"] for radio in radios if "checked" in radio] == [chosen]
    text = " ".join(page.texts)
    assert text.count("The brightest point of its quarter.") == 3
    assert "Dot UL" in text
    assert "8.0 mm further down and 4.0 mm further back." in text
    assert "junior and senior usually mark 9.0 mm apart." in text
    assert "definition decides: junior is the brightest on 100% of films" in text


def test_places_are_marked_where_they_are(write):
    page = Elements(write())
    (circle,) = [found for found in page.all("circle") if found["class"] == "spot p1"][:1]
    (square,) = [found for found in page.all("rect") if found["class"] == "spot p2"][:1]
    half = float(square["width"]) / 2
    apart = np.array(
        [
            float(square["x"]) + half - float(circle["cx"]),
            float(square["y"]) + half - float(circle["cy"]),
        ]
    )
    # The way of 17.9 px is at most a seventh of what is shown: 125 px, more than 0.45 of the head's 240.
    assert apart == pytest.approx(SHIFT[0] * SIDE / 125, abs=0.2)


def test_a_cut_out_stays_on_the_film():
    pixels = np.arange(60.0, dtype=np.float32).reshape(6, 10)
    corner, cut = cut_out(pixels, np.array([4.0, 3.0]), 3)
    assert corner.tolist() == [3, 2]
    assert cut[1, 1] == pixels[3, 4]
    corner, cut = cut_out(pixels, np.array([9.0, 0.0]), 4)
    assert (corner.tolist(), cut.shape) == ([6, 0], (4, 4))
    assert cut_out(pixels, np.array([9.0, 0.0]), 50)[1].shape == (6, 6)


def test_a_name_does_not_end_the_page_s_data(dots, profile, write):
    given = re.search(r'<script type="application/json" id="given">(.*?)</script>', write(), re.DOTALL)
    assert json.loads(given.group(1))["reader"] == profile({}).model_dump(mode="json")


@pytest.fixture
def opened(browser, write, tmp_path):
    """The page in a browser without network; complaints of its script fail the test."""
    place = tmp_path / "page.html"
    place.write_text(write(), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(place.as_uri())
    yield page
    context.close()
    assert complaints == []


def choose(page):
    for number, answer in ANSWERS.items():
        page.locator(f"#landmark-{number} input[value={answer}]").check()


@pytest.mark.slow
def test_the_file_of_the_page_is_the_one_of_the_command(opened, profile, tmp_path):
    assert opened.locator("#progress").inner_text() == "0 of 3 answered"
    choose(opened)
    assert opened.locator("#progress").inner_text() == "2 of 3 answered"
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save dr x.json").click()
    assert download.value.suggested_filename == "dr x.json"
    download.value.save_as(tmp_path / "saved.json")
    assert read_reader(tmp_path / "saved.json") == profile(ANSWERS)
    said = opened.get_by_role("status").inner_text()
    assert "2 answers" in said
    assert said.endswith('cephsure predict FILM --model dots --reader "dr x.json"')
    command = shlex.split(opened.locator("#command").input_value())
    assert command == [*COMMAND, "--name", "Dr <X>", "--answer", "UL=senior", "--answer", "LL=between"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Dr O'Neill", '"$HOME" `x` \\ !', "it's \"both's\""])
def test_any_name_goes_into_file_and_command(opened, profile, tmp_path, name):
    choose(opened)
    opened.get_by_label("Name of the reader").fill(name)
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save dr x.json").click()
    download.value.save_as(tmp_path / "saved.json")
    assert read_reader(tmp_path / "saved.json") == profile(ANSWERS, name=name)
    command = shlex.split(opened.locator("#command").input_value())
    assert command[command.index("--name") + 1] == name


@pytest.mark.slow
def test_the_keyboard_is_enough(opened, profile, tmp_path):
    opened.locator("#landmark-1 input[value='']").focus()
    opened.keyboard.press("ArrowUp")  # between
    opened.keyboard.press("ArrowUp")  # place 2
    opened.keyboard.press("Tab")  # what is known of readers
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowUp")
    opened.get_by_role("button", name="Save dr x.json").focus()
    with opened.expect_download() as download:
        opened.keyboard.press("Enter")
    download.value.save_as(tmp_path / "saved.json")
    assert read_reader(tmp_path / "saved.json") == profile({1: "senior", 2: "between"})


@pytest.mark.slow
def test_nothing_answered_gives_no_file(opened):
    opened.get_by_role("button", name="Save dr x.json").click()
    assert "at least one landmark" in opened.get_by_role("status").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_is_never_wider_than_its_window(opened, width):
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.locator("#landmark-1 .film").bounding_box()["width"] >= min(500, 0.8 * width)
