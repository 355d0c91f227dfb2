"""The gathering of marks: nothing is guessed, everything left out is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets.builder import DatasetBuilder
from cephsure.errors import AnnotationError, InputError
from cephsure.films import Spacing, SpacingSource

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


def test_a_malformed_entry_is_passed_over_and_named(builder):
    _add(builder, "a.png", ALL)
    for number in range(4):
        with builder.entry("row"):
            if number < 2:
                raise AnnotationError("is odd", where=f"x.csv:{number}")
    dataset = builder.build(name="x", spacing=None)
    assert dataset.problems == ("x.csv:0: is odd; passed over", "x.csv:1: is odd; passed over")


def test_where_most_entries_are_malformed_the_whole_is_refused(builder):
    _add(builder, "a.png", ALL)
    for number in range(3):
        with builder.entry("row"):
            if number < 2:
                raise AnnotationError("is odd", where=f"x.csv:{number}")
    with pytest.raises(AnnotationError, match=r"x\.csv:0: is odd \(so are 1 more of 3 rows\)"):
        builder.build(name="x", spacing=None)


@pytest.mark.parametrize("nowhere", [(0, 0), (-1, -1)])
def test_where_tools_put_unmarked_points_is_no_place(builder, nowhere):
    _add(builder, "a.png", [*ALL[:2], ("Pog'", *nowhere)])
    dataset = builder.build(name="x", spacing=None)
    assert np.isnan(dataset.films[0].annotations["one"][2]).all()
    assert "where no landmark is; left missing" in dataset.problems[0]


def test_nothing_is_read_where_most_labels_are_unknown(builder):
    _add(builder, "a.png", [("S", 1, 2), ("tooth", 3, 4), ("nose", 5, 6)])
    with pytest.raises(InputError, match=r"2 of 3 one's labels are no landmarks of three: 'tooth', 'nose'"):
        builder.build(name="x", spacing=None)


def test_a_films_own_scale_gives_way_to_the_users(builder):
    _add(builder, "a.png", ALL, mm_per_px=(0.1, 0.2))
    assert builder.build(name="x", spacing=None).films[0].spacing == Spacing(0.1, 0.2, SpacingSource.DATASET)
    users = Spacing(0.3, 0.3, SpacingSource.USER)
    assert builder.build(name="x", spacing=users).films[0].spacing == users


def test_names_are_told_apart_whatever_they_are_made_of(builder):
    """One name in two forms of its accent, one that is no UTF-8, one with a control character."""
    for name in ("\u00e9.png", "e\u0301.png", "\udcfc.png", "a\x1b.png"):
        _add(builder, name, ALL)
    films = builder.build(name="x", spacing=None).films
    assert len({film.film_id for film in films}) == 4
    assert all(film.film_id.isprintable() for film in films)
    assert all(film.film_id.encode() for film in films)


def test_an_annotator_beside_others_is_not_called_mean(builder):
    _add(builder, "a.png", ALL, annotator="mean")
    assert builder.build(name="x", spacing=None).films[0].annotations.keys() == {"mean"}
    _add(builder, "a.png", ALL, annotator="two")
    with pytest.raises(InputError, match="an annotator is called 'mean'"):
        builder.build(name="x", spacing=None)
