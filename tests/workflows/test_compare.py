from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets.marked_points import MarkedFilm
from cephsure.errors import InputError
from cephsure.workflows.compare import compare_annotated, compare_film, film_of_many


@pytest.fixture(scope="module")
def dot_film(dots, tmp_path_factory):
    """A film of four dots, and its true points (4, 2)."""
    drawn = dots.draw_dots(np.random.default_rng(3))
    path = tmp_path_factory.mktemp("compare") / "film.png"
    Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(path)
    return path, drawn.points


@pytest.fixture
def table(tmp_path, dots):
    """Write a table of points: by annotator and film, the points (4, 2); NaN is left out."""

    def write(**marks):
        path = tmp_path / "points.csv"
        with path.open("w", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["image", "annotator", "landmark", "x", "y"])
            for who, (film, points) in marks.items():
                for code, (x, y) in zip(dots.CODES, np.asarray(points).tolist(), strict=True):
                    if np.isfinite(x):
                        lines.writerow([film, who, code, x, y])
        return path

    return write


def test_a_film_is_set_beside_true_points(dot_film, table, dot_model):
    path, points = dot_film
    found = compare_film(path, table(ann=("film.png", points)), dot_model, mm_per_px=0.5)
    compared = found.comparison
    assert (compared.unit, compared.truth_of) == ("mm", "ann")
    np.testing.assert_allclose(compared.truth_px, points, atol=1e-6)
    away = compared.prediction.points_px - points
    np.testing.assert_allclose(compared.errors, 0.5 * np.hypot(away[:, 0], away[:, 1]))
    assert compared.errors.max() < 2  # the networks find dots


def test_the_heat_maps_lie_where_the_points_are(dot_film, table, dot_model):
    path, points = dot_film
    truth = table(ann=("film.png", points))
    compared = compare_film(path, truth, dot_model).comparison
    np.testing.assert_allclose(compared.maps.middles_px, compared.prediction.points_px, atol=1e-6)
    assert compare_film(path, truth, dot_model, with_maps=False).comparison.maps is None


def test_true_points_are_those_of_one_annotator_or_the_mean_of_all(dot_film, table, dot_model):
    path, points = dot_film
    truth = table(ann=("film.png", points), bob=("film.png", points + 4))
    one, both = (
        compare_film(path, truth, dot_model, annotator=who, with_maps=False).comparison
        for who in ("bob", None)
    )
    np.testing.assert_allclose(one.truth_px, points + 4)
    np.testing.assert_allclose(both.truth_px, points + 2)
    assert [each.truth_of for each in (one, both)] == ["bob", "the mean of ann and bob"]
    with pytest.raises(InputError, match="no annotator 'eve'"):
        compare_film(path, truth, dot_model, annotator="eve")


def test_missing_points_are_left_out_and_said(dot_film, table, dot_model, dots):
    path, points = dot_film
    some = points.copy()
    some[1] = np.nan
    compared = compare_film(path, table(ann=("film.png", some)), dot_model, with_maps=False).comparison
    assert compared.missing == (dots.CODES[1],)
    assert compared.sentences[1] == f"no true point: {dots.CODES[1]}"
    assert 1 not in compared.worst(9)


def test_the_picture_shows_it(dot_film, table, dot_model):
    path, points = dot_film
    found = compare_film(path, table(ann=("film.png", points + 5)), dot_model, mm_per_px=0.5)
    few, all_ = (found.draw(worst=count) for count in (1, 4))
    assert few.size != all_.size
    assert found.draw().size == all_.size


def test_a_data_sets_film_is_drawn_likewise(dot_dataset, dot_model):
    annotated = dot_dataset.films[0]
    found = compare_annotated(annotated, dot_model, with_maps=False)
    assert found.comparison.truth_of == "one"
    np.testing.assert_allclose(found.comparison.truth_px, annotated.annotations["one"])
    again = compare_annotated(annotated, dot_model, truth="one", prediction=found.comparison.prediction)
    assert again.comparison.prediction is found.comparison.prediction
    assert again.comparison.maps is not None


def test_points_of_a_picture_of_another_size_are_refused(dot_film, dot_model, tmp_path, dots):
    from cephsure.exports import export

    path, _ = dot_film
    other = tmp_path / "film.png"
    with Image.open(path) as picture:
        picture.resize((200, 240)).save(other)
    truth = export(dot_model.predict(other), "json", tmp_path / "said", stem="film")
    with pytest.raises(InputError, match=r"a film of 200 x 240 px, .* is 400 x 480"):
        compare_film(path, truth, dot_model)


def test_a_film_that_nobody_marked_is_refused(dot_dataset, dot_model):
    from dataclasses import replace

    annotated = dot_dataset.films[0]
    bare = replace(annotated, annotations={"one": np.full((4, 2), np.nan)})
    with pytest.raises(InputError, match="one marked no point of this film"):
        compare_annotated(bare, dot_model, truth="one")


def marked(name, path):
    return MarkedFilm(name, None if path is None else Path(path), None, {"ann": np.zeros((4, 2))})


def test_a_film_is_found_among_many_by_its_name():
    many = [marked("001", "a/001.png"), marked("002", "a/002.png")]
    assert film_of_many(many, Path("elsewhere/002.png"), where="t") is many[1]
    # Converted since.
    assert film_of_many(many, Path("002.dcm"), where="t") is many[1]


def test_points_of_a_film_without_a_name_are_taken_as_they_are():
    assert film_of_many([marked("x", None)], Path("001.png"), where="t").name == "x"


def test_points_of_other_films_are_refused_and_listed():
    many = [marked(f"{number:03d}", f"{number:03d}.png") for number in range(1, 12)]
    with pytest.raises(InputError, match=r"no points of this film \(x.png\)") as caught:
        film_of_many(many, Path("x.png"), where="t.csv")
    assert "001, 002" in str(caught.value)
    assert "and 3 more" in str(caught.value)
    with pytest.raises(InputError, match="no points of this film"):
        film_of_many(many[:1], Path("x.png"), where="t.csv")


def test_of_films_of_one_name_the_path_decides(tmp_path):
    many = [marked(f"{folder}/001", tmp_path / folder / "001.png") for folder in "ab"]
    assert film_of_many(many, tmp_path / "b" / "001.png", where="t") is many[1]
    with pytest.raises(InputError, match=r"several films of this name \(001.png\).*it has: a/001, b/001"):
        film_of_many(many, Path("001.png"), where="t")
