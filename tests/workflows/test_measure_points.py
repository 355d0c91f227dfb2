from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cephsure.cephalometry import analyse
from cephsure.errors import InputError
from cephsure.exports import EXPORTERS, export
from cephsure.landmarks import load_landmark_set
from cephsure.model import load_model
from cephsure.projects import NewFilm, PointEdit, Project, Ruler
from cephsure.sample_films import sample_film
from cephsure.workflows import AnalyzeOptions, OutputFiles, PredictOptions, analyze_points

CODES = load_landmark_set().codes


@pytest.fixture(scope="module")
def prediction():
    sample = sample_film("vhm_lateral_0deg")
    return load_model("default-baseline").predict(sample.path, mm_per_px=sample.mm_per_px)


def values(batch):
    return {value.code: value.value for value in batch.results[0].analysis.measurements}


@pytest.mark.parametrize("kind", EXPORTERS)
def test_what_predict_writes_is_taken_back_from_every_format(prediction, tmp_path, kind):
    file = export(prediction, kind, tmp_path, stem="film")
    sample = sample_film("vhm_lateral_0deg")
    found = analyze_points(file, [sample.path], options=options(mm_per_px=sample.mm_per_px))
    by_model = {value.code: value.value for value in analyse(prediction).measurements}
    assert values(found) == pytest.approx(by_model, rel=1e-4)
    assert found.results[0].prediction is None


def options(analysis="isbi", **predict):
    return AnalyzeOptions(analysis, predict=PredictOptions(**predict))


@pytest.fixture
def marked(tmp_path):
    """A head of 19 points on two films, as a table; the second is shifted, and marked by two people."""
    rng = np.random.default_rng(0)
    rows = ["image,annotator,landmark,x,y"]
    for name, who, shift in (("001", "anna", 0), ("002", "anna", 10), ("002", "ben", 20)):
        for number, code in enumerate(CODES):
            x = (250 if code not in {"S", "Po", "Go", "Ar", "PNS"} else 80) + number + shift
            rows.append(f"films/{name}.png,{who},{code},{x},{100 + 15 * number + rng.normal():.3f}")
    file = tmp_path / "table.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    return file


def film(path, size=(400, 500)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.add.outer(np.arange(size[1]), np.arange(size[0])).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def measured_project(tmp_path):
    """A project of one film of 400 x 500 px with a person's points and a ruler: 0.25 mm a pixel."""
    path = film(tmp_path / "films" / "001.png")
    with Project.create(tmp_path / "project", load_landmark_set(), name="a study") as project:
        project.add_films([NewFilm(path, width_px=400, height_px=500)])
        edits = [
            PointEdit(i + 1, "place", 250 if code not in {"S", "Po", "Go", "Ar", "PNS"} else 80, 100 + 15 * i)
            for i, code in enumerate(CODES)
        ]
        project.record(1, edits, who="anna", request_id="points")
        project.record_scale(1, Ruler((0, 0), (60, 80), 25), who="anna", request_id="ruler")
    return tmp_path / "project", path


@pytest.mark.parametrize("is_named", [False, True])
def test_a_ruler_laid_on_a_film_goes_before_every_other_scale(measured_project, is_named):
    project, path = measured_project
    for given, notes in ((None, 0), (0.5, 1), (0.25, 0)):
        asked = options("steiner", mm_per_px=given)
        about = analyze_points(project, [path] * is_named, options=asked).results[0].analysis.film
        assert about.mm_per_px == (0.25, 0.25)
        assert about.spacing_source == "ruler"
        assert [note for note in about.notes if "ruler" in note] == [
            "its ruler goes before the scale given, 0.5 mm a pixel"
        ] * notes


def test_whose_points_are_measured_may_be_chosen(marked):
    found = {who: analyze_points(marked, who=who).results[-1].analysis for who in ("mean", "ben")}
    assert "mean of anna, ben" in found["mean"].points_from
    assert ", ben: " in found["ben"].points_from
    x = {who: analysis.points[0].x_px for who, analysis in found.items()}
    assert x["ben"] - x["mean"] == pytest.approx(5.0)
    only_anna = analyze_points(marked, who="ben")
    assert [path.name for path in only_anna.errors] == ["001.png"]


def test_the_users_scale_goes_before_the_films_and_that_before_the_points_file(prediction, tmp_path):
    file = export(prediction, "json", tmp_path, stem="film")
    path = sample_film("vhm_lateral_0deg").path
    stated = analyze_points(file, [path]).results[0].analysis.film
    assert (stated.mm_per_px, stated.spacing_source) == (prediction.film.mm_per_px, "points file")
    assert stated.width_px == prediction.film.width_px
    given = analyze_points(file, [path], options=options(mm_per_px=0.3)).results[0].analysis.film
    assert (given.mm_per_px, given.spacing_source) == ((0.3, 0.3), "user")
    alone = analyze_points(file, options=options(mm_per_px=0.3)).results[0].analysis.film
    assert (alone.mm_per_px, alone.spacing_source) == ((0.3, 0.3), "user")


def test_films_find_their_points_by_name(marked, tmp_path):
    second = film(tmp_path / "elsewhere" / "002.png")
    found = analyze_points(marked, [second, film(tmp_path / "003.png")])
    assert [each.analysis.film.path for each in found.results] == [str(second)]
    assert [path.name for path in found.errors] == ["003.png"]


def test_points_off_the_film_are_missing_and_most_of_them_are_an_error(marked, tmp_path):
    some = analyze_points(marked, [film(tmp_path / "001.png", (400, 360))]).results[0].analysis
    assert "outside the film; left missing" in " ".join(some.film.notes)
    assert any(value.missing for value in some.measurements)
    none = analyze_points(marked, [film(tmp_path / "001.png", (200, 200))])
    assert "points lie outside this film" in str(none.errors[tmp_path / "001.png"])


def test_a_film_of_another_size_is_another_film(prediction, tmp_path):
    file = export(prediction, "json", tmp_path, stem="film")
    found = analyze_points(file, [film(tmp_path / "other.png")])
    assert "its points are of a film of 928 x 976 px" in str(found.errors[tmp_path / "other.png"])


def test_where_no_point_tells_where_the_face_looks_it_must_be_said(tmp_path):
    file = tmp_path / "lips.csv"
    file.write_text("image,landmark,x,y\na.png,UL,1,2\na.png,Sn,2,3\na.png,Pog',1,9\n", encoding="utf-8")
    found = analyze_points(file, options=options("soft-tissue", mm_per_px=0.5))
    assert "give --facing" in str(next(iter(found.errors.values())))
    given = analyze_points(file, options=options("soft-tissue", mm_per_px=0.5, facing="right"))
    assert given.results[0].analysis.film.facing_source == "given"


def test_what_cannot_be_is_said_before_any_work(marked, tmp_path):
    with pytest.raises(InputError, match="an overlay is drawn on the film"):
        analyze_points(marked, files=OutputFiles(tmp_path / "out", ("json",), overlay=True))
    with pytest.raises(InputError, match="no format is called 'pdf'"):
        analyze_points(marked, files=OutputFiles(tmp_path / "out", ("pdf",)))
    with pytest.raises(InputError, match="no such file"):
        analyze_points(tmp_path / "none.csv", files=OutputFiles(tmp_path / "out", ("json",)))
    assert not (tmp_path / "out").exists()


def test_files_are_written_for_each_film(marked, tmp_path):
    analyze_points(marked, files=OutputFiles(tmp_path / "out", ("json", "csv")))
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == [f"{stem}.analysis.{kind}" for stem in ("001", "002") for kind in ("csv", "json")]
