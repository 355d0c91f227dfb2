from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets import film_of, open_dataset, read_marked_points, truth
from cephsure.datasets.open import find_format
from cephsure.errors import InputError
from cephsure.landmarks import LandmarkSet, load_landmark_set
from cephsure.projects import NewFilm, PointEdit, Project, Ruler
from made_projects import SET, fresh

SIZE = (120, 150)


@pytest.fixture
def project(tmp_path):
    """Two persons' corrections of three films of 120 x 150 px; the third nobody touched."""
    (tmp_path / "films").mkdir()
    with Project.create(tmp_path / "project", SET, name="a study") as made:
        for name, grey in (("b", 10), ("a", 20), ("c", 30)):
            path = tmp_path / "films" / f"{name}.png"
            Image.linear_gradient("L").resize(SIZE).point(lambda value, by=grey: value // 2 + by).save(path)
            made.add_films([NewFilm(path, width_px=SIZE[0], height_px=SIZE[1])])
        edits = [PointEdit(1, "place", 10.5, 20), PointEdit(2, "place", 30, 40), PointEdit(3, "missing")]
        made.record(1, edits, who="anna", request_id=fresh())
        made.record(1, [PointEdit(1, "edit", 12, 22, 1)], who="bob", request_id=fresh())
        made.record(2, [PointEdit(4, "place", 50, 60)], who="anna", request_id=fresh())
        made.record_state(2, "reviewed", who="bob", request_id=fresh())
        yield made


def test_each_person_is_an_annotator_by_their_own_marks(project):
    dataset = open_dataset(project.path.parent)
    assert (dataset.name, dataset.landmark_set) == ("a study", SET)
    first, second = dataset.films
    assert [film.film_id for film in dataset.films] == ["a", "b"]
    assert list(second.annotations) == ["anna", "bob"]
    np.testing.assert_array_equal(
        truth(second, "anna")[:4], [[10.5, 20], [30, 40], [np.nan] * 2, [np.nan] * 2]
    )
    np.testing.assert_array_equal(truth(second, "bob")[0], [12, 22])
    np.testing.assert_array_equal(truth(second)[0], [11.25, 21])
    assert np.isnan(truth(first, "bob")).all()  # reviewed without a mark
    assert first.size_px == SIZE


def test_the_file_alone_is_the_project_and_its_format_is_found(project):
    assert find_format(project.path) == find_format(project.path.parent) == "project"
    by_file = open_dataset(project.path, format="project")
    assert [film.film_id for film in by_file.films] == ["a", "b"]


def test_a_project_is_read_while_somebody_edits(project):
    project._database._connection.execute("BEGIN IMMEDIATE")
    assert len(open_dataset(project.path).films) == 2
    project._database._connection.execute("ROLLBACK")


def test_films_moved_meanwhile_are_found(project, tmp_path):
    deep = tmp_path / "archive" / "2026"
    deep.mkdir(parents=True)
    (tmp_path / "films" / "a.png").rename(deep / "renamed.png")
    lost = open_dataset(project.path)
    assert len(lost.films) == 1
    assert any("a.png is missing" in problem for problem in lost.problems)
    found = open_dataset(project.path, images=tmp_path / "archive")
    assert [film.path.name for film in found.films] == ["b.png", "renamed.png"]


def test_a_ruler_goes_before_what_the_film_states_and_before_the_scale_given_for_all_films(project):
    project.record_scale(1, Ruler((0, 0), (60, 80), 25), who="anna", request_id=fresh())
    a, b = open_dataset(project.path).films
    assert film_of(a).spacing is None
    assert film_of(b).spacing.x_mm_per_px == 0.25
    assert [
        film_of(film).spacing.x_mm_per_px for film in open_dataset(project.path, mm_per_px=0.5).films
    ] == [0.5, 0.25]


def test_the_ruler_of_marked_points_is_told_apart_from_a_stated_scale(project):
    project.record_scale(1, Ruler((0, 0), (60, 80), 25), who="anna", request_id=fresh())
    a, b = read_marked_points(project.path.parent, landmark_set=SET, mm_per_px=0.5)
    assert (a.ruler_mm_per_px, b.ruler_mm_per_px) == (None, 0.25)


def test_points_of_another_set_are_those_that_both_define_alike(project):
    other = load_landmark_set("aariz-29")
    dataset = open_dataset(project.path, landmark_set=other)
    assert dataset.landmark_set == other
    marked = np.isfinite(truth(dataset.films[1], "anna")).all(axis=1)
    shared = {other.codes[row] for row, mine in other.rows_of(SET).items() if mine in (0, 1)}
    assert {other.codes[row] for row in np.flatnonzero(marked)} == shared != set()
    assert any("are not defined alike in aariz-29" in problem for problem in dataset.problems)


def test_a_set_without_a_common_point_is_refused(project):
    form = SET.to_dict() | {"name": "mine", "landmarks": [SET.to_dict()["landmarks"][0]]}
    with pytest.raises(InputError, match=r"its landmarks \(isbi-19\) are none of mine"):
        open_dataset(project.path, landmark_set=LandmarkSet.from_dict(form))


def test_a_project_without_a_mark_or_film_is_refused(tmp_path):
    with Project.create(tmp_path / "p", SET):
        pass
    with pytest.raises(InputError, match="holds no annotated film"):
        open_dataset(tmp_path / "p")
    (tmp_path / "no").mkdir()
    with pytest.raises(InputError, match="holds no project"):
        open_dataset(tmp_path / "no", format="project")


def test_marked_points_of_a_project_need_no_film(project, tmp_path):
    (tmp_path / "films" / "b.png").unlink()
    found = {film.name: film for film in read_marked_points(project.path.parent, landmark_set=SET)}
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["b"].points_px("bob")[0], [12, 22])
    assert found["b"].path == tmp_path / "films" / "b.png"
