from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.evaluation.label_check.film_findings import (
    copy_findings,
    head_findings,
    outside_findings,
    size_findings,
)


def test_points_outside_their_film_with_edges_inside(films):
    width, height = films.looks[2].size_px
    films.points["bob"][2, 0] = (width + 3, 10)
    films.points["bob"][2, 4] = (4, -1)
    films.points["ann"][3, 0] = (width, -0.5)  # as tools count that begin at the pixel's corner
    (found,) = outside_findings(films)
    assert (found.film, found.annotator, found.codes, found.serious) == ("002", "bob", ("S", "A"), True)
    assert [mark.at_px for mark in found.marks] == [(width + 3, 10), (4, -1)]
    assert f"{width} x {height} px" in found.said


def doubled(films, with_look, **facts):
    """Film 5 once more as film 9, at half the size."""
    look = films.looks[5]
    half = tuple(side // 2 for side in look.size_px)
    films.points["ann"][9] = films.points["ann"][5] / 2 + 1
    films.points["bob"][9] = np.nan
    return replace(with_look(films, 9, replace(look, size_px=half, sha256="x")), **facts)


def named(count, **places):
    return tuple(places.get(f"f{place}") for place in range(count))


def test_a_copy_says_how_far_its_annotations_lie_apart(films, with_look):
    (found,) = copy_findings(doubled(films, with_look))
    assert (found.film, found.others, found.serious) == ("005", ("009",), True)
    # Off by 1 px of the half film, 2 px of the whole one, along both axes: 2.83 mm.
    assert "ann's points 2.8" in found.said
    assert "bob" not in found.said
    assert "give them one group" in found.said


@pytest.mark.parametrize(
    ("groups", "splits", "expected"),
    [
        ({"f5": "a", "f9": "a"}, {}, (False, "training keeps them together")),
        ({"f5": "a", "f9": "b"}, {}, (True, "give them one group")),
        ({}, {"f5": "train", "f9": "test1"}, (True, "both sides of the split, train and test1")),
        ({"f5": "a", "f9": "a"}, {"f5": "train", "f9": "test1"}, (False, "test1-clean leaves it out")),
    ],
)
def test_a_copy_that_training_may_part_must_be_looked_at(films, with_look, groups, splits, expected):
    films = doubled(films, with_look, groups=named(40, **groups), splits=named(40, **splits))
    (found,) = copy_findings(films)
    serious, words = expected
    assert found.serious is serious
    assert words in found.said


def test_films_of_one_size_and_scale_say_nothing(films):
    assert list(size_findings(films)) == []


def test_films_of_another_size_shape_or_scale_are_good_to_know(films, with_look):
    other = with_look(films, 4, replace(films.looks[4], size_px=(400, 400), mm_per_px=None))
    other = with_look(other, 6, replace(films.looks[6], mm_per_px=(0.5, 0.5)))
    found = {tuple(one.others): one for one in size_findings(other)}
    assert {one.serious for one in found.values()} == {False}
    assert [one.said for one in size_findings(other)] == [
        "1 film (004): not of 194 x 240 px as the other films; of another shape: 1 film (004)",
        "1 film (004): no scale, which the other films have",
        "1 film (006): a scale other than 1 mm/px",
    ]


def test_films_that_are_all_of_other_sizes_are_counted(films):
    looks = tuple(replace(look, size_px=(200 + film, 240)) for film, look in enumerate(films.looks))
    (found,) = size_findings(replace(films, looks=looks))
    assert (found.said, found.serious) == ("40 different sizes", False)


def test_a_few_heads_tell_no_usual_size(films, with_look, judge):
    films.points["ann"][4:] = np.nan
    other = with_look(films, 2, replace(films.looks[2], mm_per_px=(3.0, 3.0)))
    assert [found.film for found in head_findings(other, {"ann": judge})] == []


def test_a_scale_that_makes_a_head_larger_than_the_others(films, with_look, judge):
    other = with_look(films, 7, replace(films.looks[7], mm_per_px=(1.6, 1.6)))
    (found,) = head_findings(other, {"ann": judge})
    assert found.film == "007"
    assert "1.6 mm/px" in found.said
    assert float(found.said.split(" times")[0].split()[-1]) == pytest.approx(1.6, rel=0.1)


def test_true_scales_and_unknown_ones_say_nothing(films, with_look, judge):
    assert list(head_findings(films, {"ann": judge})) == []
    unknown = with_look(films, 7, replace(films.looks[7], mm_per_px=None))
    assert list(head_findings(unknown, {"ann": judge})) == []


def test_a_scale_that_no_head_has(films):
    tenfold = replace(films, looks=tuple(replace(look, mm_per_px=(10.0, 10.0)) for look in films.looks))
    (found,) = head_findings(tenfold, {})
    assert found.film == ""
    assert "S to N measures" in found.said
