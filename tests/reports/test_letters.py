from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cephsure.reports import letters
from cephsure.reports.font_files import BUNDLED
from cephsure.reports.letters import runs
from cephsure.reports.painter import Painter, text_width

NAMES = {
    "Japanese": "患者山田太郎",
    "Arabic": "صورةالمريض",
    "Hindi": "रोगीएक्सरे",
    "Russian": "Фильм",
    "Greek": "Ακτινογραφία",
    "Hebrew": "נבדק",
    "Thai": "ผู้ป่วย",
    "Korean": "환자",
    "Polish": "łódźżęąß",
}


def drawn(text, size=24):
    picture = Image.new("RGB", (500, 60))
    Painter(picture).text((10.0, 30.0), text, size, (255, 255, 255))
    return np.asarray(picture.convert("L")).astype(int)


def text_of(line):
    return "".join(run.text for run in runs(line))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_letter_is_replaced_on_a_machine_without_fonts(no_fonts, name):
    assert text_of(f"{name}.png") == f"{name}.png"
    assert {run.font for run in runs(name)} == {BUNDLED}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_letters_are_drawn_and_each_is_another(no_fonts, name):
    pictures = [drawn(letter) for letter in sorted(set(name))]
    assert all(picture.max() > 120 for picture in pictures)
    for i, picture in enumerate(pictures):
        assert all((picture != other).any() for other in pictures[i + 1 :])


def test_plain_names_need_no_other_font():
    assert [run.font for run in runs("film_001 (2).png")] == [None]


def test_signs_that_ascii_can_say_need_no_other_font():
    assert text_of("Pog′ 0.5 ≥ 0.4 – 3×2") == "Pog' 0.5 >= 0.4 - 3x2"
    assert [run.font for run in runs("Pog′")] == [None]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("tooth🦷.png", "tooth[U+1F9B7].png"),
        ("b\udce9d.png", "b[U+DCE9]d.png"),
        ("two\nlines", "two[U+000A]lines"),
        ("gpj\u202egnp", "gpj[U+202E]gnp"),
    ],
)
def test_what_cannot_be_drawn_stands_as_its_code_point(no_fonts, name, shown):
    assert text_of(name) == shown


def test_an_accent_of_its_own_joins_its_letter():
    # As macOS writes file names.
    assert text_of("Mu\u0308ller") == "Müller"


def test_a_line_is_as_wide_as_it_is_drawn(no_fonts):
    for name in ("film 001", *NAMES.values()):
        columns = np.flatnonzero(drawn(f"H{name}H").max(axis=0) > 60)
        assert columns[-1] - 10 == pytest.approx(text_width(f"H{name}H", 24), abs=4)


def test_without_an_engine_for_scripts_letters_still_run_from_right_to_left(no_fonts, monkeypatch):
    monkeypatch.setattr(letters, "_sets_scripts", lambda: False)
    assert text_of("נבד_12.png") == "דבנ_12.png"
    assert [run.direction for run in runs("נבד")] == [None]
    # Digits stay as they are read.
    assert text_of("נ 12 ב") == "נ 12 ב"
