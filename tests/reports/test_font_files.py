from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cephsure.reports import font_files
from cephsure.reports.font_files import BUNDLED, FontFile, font_folders, fonts_for, system_fonts


@pytest.fixture
def fonts(tmp_path, monkeypatch, no_fonts):
    """A folder of fonts: the bundled one under names that speak for or against it, and what is none."""
    monkeypatch.setattr(font_files, "font_folders", lambda: (tmp_path, tmp_path / "absent"))

    def lay(**files):
        for name, data in files.items():
            path = tmp_path / "inner" / name.replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        font_files.system_fonts.cache_clear()
        return tmp_path / "inner"

    return lay


@pytest.fixture
def unifont():
    return font_files._unifont()


@pytest.mark.parametrize(
    ("platform", "known"),
    [
        ("linux", "/usr/share/fonts"),
        ("darwin", "/System/Library/Fonts"),
        ("win32", str(Path("W:/", "Fonts"))),
    ],
)
def test_every_system_keeps_its_fonts_somewhere(monkeypatch, platform, known):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("WINDIR", "W:/")
    monkeypatch.delenv("XDG_DATA_DIRS", raising=False)
    folders = font_folders()
    assert known in map(str, folders)
    assert any(folder.is_relative_to(Path.home()) for folder in folders)


def test_regular_fonts_of_many_letters_go_first(fonts, unifont):
    fonts(
        Zapf_ttf=unifont,
        DejaVuSansBold_ttf=unifont,
        DejaVuSans_ttf=unifont,
        NotoSans_ttf=unifont,
        notes_txt=b"",
    )
    names = [path.name for path in system_fonts()]
    assert names == ["DejaVuSans.ttf", "NotoSans.ttf", "Zapf.ttf", "DejaVuSansBold.ttf"]


def test_fonts_that_draw_a_box_for_all_letters_are_left_alone(fonts, unifont):
    fonts(LastResort_otf=unifont, NotoColorEmoji_ttf=unifont)
    assert system_fonts() == ()


def test_a_font_of_the_machine_goes_before_the_bundled_one(fonts, unifont):
    folder = fonts(Mine_ttf=unifont)
    assert fonts_for(frozenset("患Ж")) == dict.fromkeys("患Ж", FontFile(folder / "Mine.ttf"))


def test_a_file_that_is_no_font_is_passed_over(fonts):
    fonts(Broken_ttf=b"no font", Broken_ttc=b"")
    assert fonts_for(frozenset("患")) == {"患": BUNDLED}


def test_a_letter_that_no_font_has_is_left_out(no_fonts):
    assert fonts_for(frozenset("Ж🦷")) == {"Ж": BUNDLED}


def test_the_bundled_font_tells_what_it_has():
    assert all(BUNDLED.has(letter) for letter in "aЖ患ض환")
    assert not BUNDLED.has("🦷")
