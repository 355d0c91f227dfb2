from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set
from cephsure.projects import NewFilm, PointEdit, Project, Ruler
from cephsure.sample_films import sample_film
from cephsure.workflows import PredictOptions, SuperimposeOptions, superimpose_films
from cephsure.workflows.superimpose import render_two_films

CODES = load_landmark_set().codes


@pytest.fixture
def dot_pair(dots, tmp_path):
    """Two films of four dots: on the later one the picture is shifted, and one dot lies lower."""
    paths = []
    for number, shift in enumerate((0, 6)):
        drawn = dots.draw_dots(np.random.default_rng(3))
        path = tmp_path / f"t{number + 1}.png"
        pixels = np.roll(drawn.pixels, shift, axis=0)
        Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(path)
        paths.append(path)
    return paths


def of_dots(**more):
    return SuperimposeOptions("best", ("UL", "UR", "LL"), predict=PredictOptions(mm_per_px=0.5), **more)


def by_code(found):
    return {point.code: point for point in found.films.found.points}


def test_a_shifted_film_shows_no_displacement(dot_pair, dot_model):
    found = superimpose_films(*dot_pair, dot_model, options=of_dots())
    assert max(point.displacement_mm for point in by_code(found).values()) < 0.5
    assert found.films.found.no_interval.startswith("first film: dots-default-ensemble is not calib")
    assert found.films.found.shift_px[1] == pytest.approx(-6, abs=0.7)
    assert found.first.pixels.shape == (480, 400)
    assert found.films.names["UL"]


def test_it_tells_how_far_it_is(dot_pair, dot_bundles):
    steps = []
    superimpose_films(
        *map(str, dot_pair),
        dot_bundles("default", "ensemble", 3),
        options=of_dots(),
        on_progress=steps.append,
    )
    assert [(step.done, step.film) for step in steps if step.total] == [(1, dot_pair[0]), (2, dot_pair[1])]


def test_each_film_may_have_a_scale_of_its_own(dot_pair, dot_model):
    found = superimpose_films(*dot_pair, dot_model, options=of_dots(mm_per_px_of_second=0.25))
    films = found.films
    assert (films.first.film.mm_per_px, films.second.film.mm_per_px) == ((0.5, 0.5), (0.25, 0.25))
    assert "are both scales right?" in films.notes[0]
    with pytest.raises(InputError, match="mm"):
        superimpose_films(*dot_pair, dot_model, options=of_dots(mm_per_px_of_second=-1.0))


@pytest.fixture
def table(tmp_path, dots):
    """Write a table of points of films: (film, annotator) -> points (4, 2)."""

    def write(marks, codes=dots.CODES):
        path = tmp_path / "points.csv"
        with path.open("w", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["image", "annotator", "landmark", "x", "y"])
            for (film, who), points in marks.items():
                for code, (x, y) in zip(codes, np.asarray(points).tolist(), strict=True):
                    lines.writerow([film, who, code, x, y])
        return path

    return write


def test_a_persons_points_take_the_place_of_one_films(dot_pair, dot_model, table, dots):
    points = table(
        {("t2.png", "ann"): dots.PLACES + np.array([0, 6]), ("t2.png", "bob"): dots.PLACES + np.array([0, 8])}
    )
    with pytest.raises(InputError, match="--facing"):  # dots are no face
        superimpose_films(*dot_pair, dot_model, options=of_dots(points_of_second=points))
    options = SuperimposeOptions(
        "best",
        ("UL", "UR"),
        points_of_second=points,
        who="bob",
        predict=PredictOptions(mm_per_px=0.5, facing="right"),
    )
    films = superimpose_films(*dot_pair, dot_model, options=options).films
    assert (films.first.points_from, films.second.model) == (dot_model.name, None)
    assert films.second.points_from == f"a person's points, bob: {points}"
    np.testing.assert_allclose(
        [(point.x_px, point.y_px) for point in films.second.points], dots.PLACES + np.array([0, 8]), atol=1e-6
    )
    with pytest.raises(InputError, match="no annotator 'eve'"):
        superimpose_films(*dot_pair, dot_model, options=of_dots(points_of_second=points, who="eve"))


HEAD = {
    code: (250 + i if code not in {"S", "Po", "Go", "Ar", "PNS"} else 80 + i) for i, code in enumerate(CODES)
}


@pytest.fixture
def marked_pair(tmp_path, table):
    """Two films with a person's 19 points of each, and no prediction."""
    for name, grey in (("t1", 0), ("t2", 20)):  # a project knows films by their content
        ramp = np.tile(np.arange(400) // 2 + grey, (500, 1)).astype(np.uint8)
        Image.fromarray(ramp).save(tmp_path / f"{name}.png")
    points = np.array([(HEAD[code], 80 + 18 * i) for i, code in enumerate(CODES)], dtype=float)
    later = points.copy()
    later[CODES.index("Me")] += (0, 10)
    file = table({("t1.png", "ann"): points, ("t2.png", "ann"): later + np.array([3, 4])}, CODES)
    return tmp_path / "t1.png", tmp_path / "t2.png", file


def test_of_a_persons_points_no_network_is_loaded(marked_pair, monkeypatch):
    monkeypatch.setattr("cephsure.workflows.superimpose.open_model", None)
    one, other, points = marked_pair
    options = SuperimposeOptions(
        points_of_first=points, points_of_second=points, predict=PredictOptions(mm_per_px=0.4)
    )
    found = superimpose_films(one, other, options=options)
    ways = {code: point.displacement_mm for code, point in by_code(found).items()}
    assert ways.pop("Me") == pytest.approx(4.0)
    assert max(ways.values()) == pytest.approx(0.0, abs=1e-6)
    assert all(point.moved is None for point in by_code(found).values())
    assert found.draw().width == 400


@pytest.fixture
def marked_project(marked_pair, tmp_path):
    """The same points in a project; on the second film Me is 10 px lower."""
    with Project.create(tmp_path / "project", load_landmark_set(), name="a study") as project:
        for film_id, (path, me) in enumerate(zip(marked_pair[:2], (0, 10), strict=True), start=1):
            project.add_films([NewFilm(path, width_px=400, height_px=500)])
            edits = [
                PointEdit(i + 1, "place", HEAD[code], 80 + 18 * i + me * (code == "Me"))
                for i, code in enumerate(CODES)
            ]
            project.record(film_id, edits, who="anna", request_id=f"request-{film_id}")
        yield project


def of_project(project, **predict):
    folder = project.path.parent
    return SuperimposeOptions(
        points_of_first=folder, points_of_second=folder, who="anna", predict=PredictOptions(**predict)
    )


def test_a_persons_points_are_read_from_a_project(marked_pair, marked_project):
    found = superimpose_films(*marked_pair[:2], options=of_project(marked_project, mm_per_px=0.4))
    assert by_code(found)["Me"].displacement_mm == pytest.approx(4.0)
    assert by_code(found)["Gn"].displacement_mm == pytest.approx(0.0, abs=1e-6)


def test_a_ruler_laid_on_a_film_goes_before_the_scale_given(marked_pair, marked_project):
    for film_id in (1, 2):
        ruler = Ruler((0, 0), (60, 80), 25)  # 0.25 mm a pixel
        marked_project.record_scale(film_id, ruler, who="anna", request_id=f"ruler-{film_id}")
    for given in (None, 0.4):
        found = superimpose_films(*marked_pair[:2], options=of_project(marked_project, mm_per_px=given))
        assert by_code(found)["Me"].displacement_mm == pytest.approx(2.5)
        assert found.films.second.film.spacing_source == "ruler"


def test_a_points_file_without_the_film_is_named(marked_pair, tmp_path):
    one, _, points = marked_pair
    third = tmp_path / "t3.png"
    Image.fromarray(np.tile(np.arange(400) // 2, (500, 1)).astype(np.uint8)).save(third)
    options = SuperimposeOptions(points_of_first=points, points_of_second=points)
    with pytest.raises(InputError, match="has no points of this film"):
        superimpose_films(one, third, options=options)


def test_a_film_against_itself_needs_two_peoples_points(marked_pair):
    one, _, points = marked_pair
    with pytest.raises(InputError, match="is named twice"):
        superimpose_films(one, one)
    with pytest.raises(InputError, match="is named twice"):
        superimpose_films(
            one, one, options=SuperimposeOptions(points_of_first=points, points_of_second=points)
        )


def test_what_is_written_has_escaped_paths(marked_pair, tmp_path):
    one, other, points = marked_pair
    options = SuperimposeOptions(points_of_first=points, points_of_second=points)
    films = superimpose_films(one, other, options=options).films
    said = json.loads(render_two_films([films], "json", tmp_path))
    assert said["first"]["film"]["path"] == str(one)
    assert said["second"]["points_from"] == f"a person's points: {points}"
    assert render_two_films([films], "csv", tmp_path).splitlines()[1].startswith("t1.png,,")


@pytest.mark.slow
def test_a_turned_shifted_and_reduced_copy_shows_no_displacement(tmp_path):
    sample = sample_film("vhm_lateral_0deg")
    with Image.open(sample.path) as picture:
        grey = picture.convert("L")
    copy = tmp_path / "t2.png"
    small = grey.resize((round(0.8 * grey.width), round(0.8 * grey.height)), Image.Resampling.LANCZOS)
    small.rotate(-5, Image.Resampling.BICUBIC, translate=(12, -7)).save(copy)
    options = SuperimposeOptions(
        mm_per_px_of_second=sample.mm_per_px / 0.8, predict=PredictOptions(mm_per_px=sample.mm_per_px)
    )
    found = superimpose_films(sample.path, copy, "default-baseline", options=options)
    ways = {code: point.displacement_mm for code, point in by_code(found).items()}
    assert np.median(list(ways.values())) < 1.0
    assert not any(point.moved for point in by_code(found).values())
