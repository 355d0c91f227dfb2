"""The gathering of marks: nothing is guessed, everything left out is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets.builder import DatasetBuilder, image_path
from cephsure.errors import AnnotationError, InputError

NAN = float("nan")


@pytest.fixture
def builder(tmp_path, three):
    return DatasetBuilder(root=tmp_path, landmark_set=three)


def _add(builder, name, marks, *, annotator="one", on_disk=True, **facts):
    path = builder.root / name
    if on_disk:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
    builder.add_film(path, annotator=annotator, where="here", **facts)
    for label, x, y in marks:
        builder.add_mark(path, annotator, label, x, y)


ALL = (("S", 1, 2), ("N", 3, 4), ("Pog'", 5, 6))


def test_points_go_to_their_rows_by_number_or_code(builder):
    _add(builder, "b.png", [("l2", 3, 4), ("pog'", 5, 6), (1, 1, 2)])
    _add(builder, "a.png", ALL)
    dataset = builder.build(name="x", spacing=None)
    assert [film.film_id for film in dataset.films] == ["a", "b"]
    for film in dataset.films:
        np.testing.assert_array_equal(film.annotations["one"], [[1, 2], [3, 4], [5, 6]])
    assert dataset.problems == ()


def test_a_doubled_label_is_left_missing(builder):
    _add(builder, "a.png", [*ALL, ("l2", 3, 4.5)])
    dataset = builder.build(name="x", spacing=None)
    np.testing.assert_array_equal(dataset.films[0].annotations["one"], [[1, 2], [NAN, NAN], [5, 6]])
    assert dataset.problems == ("film a: one marked 2 (N) at 2 places; left missing",)


def test_the_same_place_twice_is_no_doubt(builder):
    _add(builder, "a.png", [*ALL, ("l2", 3, 4)])
    dataset = builder.build(name="x", spacing=None)
    assert np.isfinite(dataset.films[0].annotations["one"]).all()
    assert dataset.problems == ()


def test_points_outside_a_film_of_known_size_are_left_missing(builder):
    marks = [("S", -0.6, 2), ("N", 10, 20), ("Pog'", 5, 20.1)]
    _add(builder, "a.png", marks, size_px=(10, 20))
    dataset = builder.build(name="x", spacing=None)
    np.testing.assert_array_equal(dataset.films[0].annotations["one"], [[NAN, NAN], [10, 20], [NAN, NAN]])
    assert dataset.problems == (
        "film a: one marked 1 (S) outside the film, at (-0.6, 2); left missing",
        "film a: one marked 3 (Pog') outside the film, at (5, 20.1); left missing",
    )


def test_without_a_size_points_anywhere_are_kept(builder):
    _add(builder, "a.png", [("S", -100, 1e6), *ALL[1:]])
    film = builder.build(name="x", spacing=None).films[0]
    np.testing.assert_array_equal(film.annotations["one"][0], [-100, 1e6])


def test_what_is_missing_is_named(builder):
    _add(builder, "a.png", ALL)
    _add(builder, "b.png", ALL[:2])
    _add(builder, "a.png", ALL[:1], annotator="two")
    dataset = builder.build(name="x", spacing=None)
    assert np.isnan(dataset.films[1].annotations["two"]).all()
    assert dataset.problems == (
        "film b: one did not mark Pog'",
        "two marked N, Pog' on no film",
        "film b: not annotated by two",
    )


def test_unknown_labels_are_counted_and_named(builder):
    _add(builder, "a.png", [*ALL, ("l4", 1, 1), ("tip", 1, 1)])
    _add(builder, "b.png", [*ALL, ("tip", 1, 1)])
    assert builder.build(name="x", spacing=None).problems == (
        "one: label 'l4' (1 times) is not in landmark set three; left out",
        "one: label 'tip' (2 times) is not in landmark set three; left out",
    )


def test_films_without_image_or_point_are_left_out_and_named(builder):
    _add(builder, "a.png", ALL)
    _add(builder, "b.png", ALL, on_disk=False)
    _add(builder, "c.png", [])
    dataset = builder.build(name="x", spacing=None)
    assert [film.film_id for film in dataset.films] == ["a"]
    assert any("film b: its image" in line and "is missing" in line for line in dataset.problems)
    assert "film c: has no point; left out" in dataset.problems


def test_a_data_set_without_films_is_refused(builder):
    _add(builder, "a.png", ALL, on_disk=False)
    with pytest.raises(InputError, match=r"holds no annotated film \(film a: its image"):
        builder.build(name="x", spacing=None)


def test_films_of_the_same_name_are_called_by_their_folders(builder):
    for name in ("north/1.png", "south/1.png", "south/2.png", "south/2.jpg"):
        _add(builder, name, ALL)
    dataset = builder.build(name="x", spacing=None)
    assert [film.film_id for film in dataset.films] == ["north/1", "south/1", "south/2.jpg", "south/2.png"]


def test_splits_and_groups_are_kept_and_ordered(builder):
    _add(builder, "a.png", ALL, split="train", group="p1")
    _add(builder, "b.png", ALL, split="test1")
    _add(builder, "c.png", ALL, split="test1")
    (builder.root / "duplicates.json").write_text(json.dumps({"same_exposure_pairs": [["a", "b"]]}))
    films = builder.build(name="x", spacing=None).films
    assert [(film.film_id, film.split, film.group) for film in films] == [
        ("b", "test1", "a+b"),
        ("c", "test1", None),
        ("a", "train", "p1"),
    ]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"size_px": (7, 8)}, r"size of a\.png is \(7, 8\) here and \(5, 8\) elsewhere"),
        ({"split": "test1"}, r"split of a\.png is test1 here and train elsewhere"),
        ({"group": "q"}, "group of"),
    ],
)
def test_what_contradicts_is_refused(builder, facts, words):
    _add(builder, "a.png", ALL, size_px=(5, 8), split="train", group="p")
    with pytest.raises(AnnotationError, match=words) as caught:
        _add(builder, "a.png", ALL, annotator="two", **facts)
    assert caught.value.where == "here"


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
    assert image_path(Path("set/one"), reference) == Path(expected)


def test_an_annotator_beside_others_is_not_called_mean(builder):
    _add(builder, "a.png", ALL, annotator="mean")
    assert builder.build(name="x", spacing=None).films[0].annotations.keys() == {"mean"}
    _add(builder, "a.png", ALL, annotator="two")
    with pytest.raises(InputError, match="an annotator is called 'mean'"):
        builder.build(name="x", spacing=None)
