"""Which file an annotation means, however its name is written, and how large that film is."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets.film_files import FilmFinder, film_size
from cephsure.errors import InputError
from cephsure.file_names import escaped


def _touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"film")
    return path


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("1.png", "set/one/1.png"),
        ("../films/1.png", "set/films/1.png"),
        ("..\\films\\1.png", "set/films/1.png"),
        (" ./1.png ", "set/one/1.png"),
    ],
)
def test_image_paths_take_both_slashes(reference, expected):
    assert FilmFinder().find(reference, Path("set/one")) == Path(expected)


@pytest.mark.parametrize("place", ["images", "images/default", "../images", "../images/default"])
def test_images_are_found_in_the_usual_folders(tmp_path, place):
    folder = tmp_path / "annotations"
    folder.mkdir()
    film = _touch(tmp_path / "annotations" / place / "a.png").resolve()
    assert FilmFinder().find("a.png", folder).resolve() == film


@pytest.mark.parametrize(("written", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_match_in_either_form(tmp_path, written, there):
    film = _touch(tmp_path / unicodedata.normalize(there, "Müller é.png"))
    assert FilmFinder().find(unicodedata.normalize(written, "Müller é.png"), tmp_path) == film
    assert FilmFinder().find_stem(unicodedata.normalize(written, "Müller é"), [tmp_path]) == film


def test_case_matches_where_one_file_alone_can_be_meant(tmp_path):
    film = _touch(tmp_path / "A.PNG")
    assert FilmFinder().find("a.png", tmp_path) == film
    _touch(tmp_path / "a.Png")
    assert not FilmFinder().find("a.png", tmp_path).exists()


@pytest.mark.parametrize(
    "reference", ["C:\\films\\1.png", "/home/anna/1.png", "https://x.org/d/1.png?token=3"]
)
def test_a_path_of_another_machine_is_found_by_its_last_part(tmp_path, reference):
    film = _touch(tmp_path / "1.png")
    assert FilmFinder().find(reference, tmp_path) == film


def test_a_relative_path_is_not_found_by_its_last_part(tmp_path):
    _touch(tmp_path / "1.png")
    assert not FilmFinder().find("south/1.png", tmp_path).exists()


def test_films_elsewhere_are_found_below_their_folder(tmp_path):
    film = _touch(tmp_path / "films" / "2024" / "1.png")
    finder = FilmFinder(tmp_path / "films")
    assert finder.find("south/1.png", tmp_path) == film
    assert finder.find_stem("1", [tmp_path]) == film
    with pytest.raises(InputError, match=r"two films are called 'south/1.png' and 'north/1.png'"):
        finder.find("north/1.png", tmp_path)
    _touch(tmp_path / "films" / "2023" / "1.png")
    assert not FilmFinder(tmp_path / "films").find("south/1.png", tmp_path).exists()


def test_an_absent_folder_of_films_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder of films"):
        FilmFinder(tmp_path / "none")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800", "", "..", "\udcfc.png"])
def test_impossible_names_are_just_not_there(tmp_path, name):
    found = FilmFinder(tmp_path).find(name, tmp_path)
    assert isinstance(found, Path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_the_size_is_told_by_the_header(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(path)
    assert film_size(path) == (30, 40)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_the_size_is_that_of_the_turned_film(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(path, exif=exif)
    assert film_size(path) == (40, 30)


def test_orientation_behind_the_pixels_is_seen(tmp_path):
    path = tmp_path / "film.png"
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(path, exif=exif)
    content = path.read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4])
    last = content.index(b"IEND") - 4
    path.write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])
    assert film_size(path) == (40, 30)


def test_what_is_no_film_has_no_size(tmp_path):
    assert film_size(tmp_path / "none.png") is None
    assert film_size(_touch(tmp_path / "a.png")) is None
    assert film_size(tmp_path) is None


def test_a_film_is_found_by_the_name_that_our_own_files_give_it(tmp_path):
    for name in ("a\nb.png", "m\udcfcller.png"):
        film = tmp_path / name
        try:
            film.touch()
        except OSError:
            pytest.skip("this file system takes no such name")
        assert FilmFinder().find(escaped(name), tmp_path) == film
        (tmp_path / escaped(name)).touch()
        assert FilmFinder().find(escaped(name), tmp_path) == tmp_path / escaped(name)
