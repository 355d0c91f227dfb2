"""Every text in one file a language; none is missing, none is left over, none stands in the code."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import pytest

PAGE = Path(str(resources.files("cephsure"))) / "review" / "page"
MODULES = sorted(PAGE.glob("*.js"))
OPTIONAL = ("landmark.", "measure.", "class.", "why.", "analysis.", "scale.")
"""What a language may translate of the server's words; without it those stand."""


def texts(language):
    return json.loads((PAGE / "texts" / f"{language}.json").read_text(encoding="utf-8"))


def told():
    """Keys and openings of keys that the code asks for."""
    code = "\n".join(module.read_text(encoding="utf-8") for module in MODULES)
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    keys = set(re.findall(r'data-(?:t|label|title)="([\w.-]+)"', html))
    keys |= set(re.findall(r'"((?:[a-z]\w*)(?:\.[\w-]+)+)"', code))
    openings = set(re.findall(r"[`\"]([a-z]\w*(?:\.\w+)*\.)\$\{", code))
    keys |= set(re.findall(r'\bt\(\s*"(\w+)"', code))
    return keys | {f"{key}.title" for key in keys}, openings


def test_german_says_all_that_english_says():
    english, german = texts("en"), texts("de")
    optional = {key for key in english if key.startswith(OPTIONAL)}
    assert english.keys() - german.keys() <= optional
    assert {key for key in german.keys() - english.keys() if not key.startswith(OPTIONAL)} == set()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_same_places_are_filled_in(language):
    english, other = texts("en"), texts(language)
    for key in english.keys() & other.keys():
        assert set(re.findall(r"\{\w+\}", english[key])) == set(re.findall(r"\{\w+\}", other[key])), key


def test_every_text_is_asked_for():
    keys, openings = told()
    opened = tuple(opening for opening in openings if opening)
    unused = [
        key for key in texts("en") if key.removesuffix("_one") not in keys and not key.startswith(opened)
    ]
    assert unused == []


def test_no_module_is_longer_than_it_should_be():
    assert {
        module.name: lines for module in MODULES if (lines := len(module.read_text().splitlines())) > 300
    } == {}


def test_nothing_comes_from_elsewhere_and_nothing_stands_inline():
    for file in PAGE.rglob("*.*"):
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, file.name
        assert "https:" not in text, file.name
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*src=)", html) == []
    assert not re.search(r"\sstyle=|\son\w+=", html)


@pytest.mark.slow
def test_the_language_changes_without_a_reload_and_is_kept(tab):
    tab.open("vhm_lateral_0deg")
    tab.choose("Go")
    tab.page.locator("#language").select_option("de")
    tab.until(lambda: "Nächster Punkt" in tab.page.locator("#finish").inner_text())
    assert tab.page.locator("html").get_attribute("lang") == "de"
    assert "Kieferwinkels" in tab.page.locator("#card").inner_text()
    assert "," in tab.page.locator("#measures tbody .value").first.inner_text()
    tab.picture("german")
    tab.page.reload()
    tab.until(lambda: "Bilder" in tab.page.locator("#queue").inner_text())


@pytest.mark.slow
def test_a_german_browser_is_answered_in_german(tabs):
    tab = tabs(locale="de-DE")
    assert tab.page.title() == "cephsure: Durchsicht"
    tab.page.keyboard.press("?")
    assert "Tasten und Maus" in tab.page.locator("dialog").inner_text()
