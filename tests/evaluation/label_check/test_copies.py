from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cephsure.evaluation.label_check import check_labels
from cephsure.evaluation.label_check.copies import find_copies
from cephsure.evaluation.label_check.films import SMALL_PX
from cephsure.evaluation.label_check.on_film import HeadPictures


def encoded(small: np.ndarray, side: int) -> np.ndarray:
    """A film saved smaller as a coarse JPEG, then read and reduced again."""
    file = io.BytesIO()
    picture = Image.fromarray(small)
    picture.resize((side, round(side * picture.height / picture.width))).save(file, "JPEG", quality=30)
    read = Image.open(file).convert("L")
    factor = min(SMALL_PX / max(read.size), 1)
    return np.asarray(read.resize((round(read.width * factor), round(read.height * factor))))


def test_films_of_different_heads_are_no_copies(films):
    assert find_copies(films.looks) == []


def test_the_same_exposure_smaller_and_encoded_anew(films, with_look):
    look = replace(films.looks[3], small=encoded(films.looks[3].small, 120), size_px=(120, 148), sha256="x")
    (copy,) = find_copies(with_look(films, 9, look).looks)
    assert (copy.first, copy.second, copy.same_file, copy.mirrored) == (3, 9, False, False)
    assert copy.correlation > 0.95


def test_the_same_file(films, with_look):
    (copy,) = find_copies(with_look(films, 9, films.looks[3]).looks)
    assert copy.same_file
    assert copy.correlation == 1


@pytest.mark.parametrize("negative", [False, True])
def test_the_mirror_image(films, with_look, negative):
    small = films.looks[3].small[:, ::-1]
    look = replace(films.looks[3], small=255 - small if negative else small, sha256="x")
    (copy,) = find_copies(with_look(films, 9, look).looks)
    assert copy.mirrored


def cut(films, with_look):
    """Film 3 once more as film 9, a tenth narrower on the left and at the top, with its own labels."""
    look, (left, top) = films.looks[3], (19, 24)
    small = look.small[top:, left:]
    for points in films.points.values():
        points[9] = points[3] - (left, top)
    return with_look(films, 9, replace(look, small=small, size_px=small.shape[::-1], sha256="x"))


def test_a_cut_film_is_found_by_its_labels(films, with_look):
    films = cut(films, with_look)
    points = films.points["ann"]
    mean = points[10:].mean(axis=0)
    pictures = HeadPictures(films.looks, points, np.zeros(len(points), dtype=np.bool_), mean)
    assert find_copies(films.looks) == []
    (copy,) = find_copies(films.looks, [pictures.views, pictures.views])
    assert (copy.first, copy.second, copy.by_labels, copy.same_file) == (3, 9, True, False)
    assert copy.correlation > 0.9


def test_a_cut_film_is_told_as_one(films, with_look):
    (found,) = (one for one in check_labels(cut(films, with_look)).findings if one.kind == "copy")
    assert (found.film, found.others) == ("003", ("009",))
    assert "cut, turned or mirrored, the same exposure as 009" in found.said
    assert "apart" not in found.said  # positions on films of another cut do not compare


def test_views_without_any_difference_are_no_copies():
    flat = np.zeros((4, 4), dtype=np.float32)
    assert find_copies([None, None], [{0: flat, 1: flat}, {}]) == []


def test_films_that_cannot_be_read_are_passed_over(films, with_look):
    assert find_copies([None, films.looks[0]]) == []
    (copy,) = find_copies(with_look(with_look(films, 9, films.looks[3]), 0, None).looks)
    assert (copy.first, copy.second) == (3, 9)


def test_empty_films_are_not_taken_for_copies_of_each_other(films):
    blank = replace(films.looks[0], small=np.zeros_like(films.looks[0].small), sha256=None)
    assert find_copies([blank, blank]) == []
