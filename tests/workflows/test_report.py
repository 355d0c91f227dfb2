from __future__ import annotations

import shutil

import pytest

from cephsure import films, load_model
from cephsure.errors import InputError
from cephsure.exports import prediction_json
from cephsure.projects import PointEdit, Project
from cephsure.sample_films import sample_film
from cephsure.workflows import batch
from cephsure.workflows.report import ReportFiles, ReportOptions, report_films, report_project

NORMS = """
[[entries]]
analysis = "isbi"
measurement = "SNA"
norms = [{ mean = 81.0, sd = 4.0, source = "our clinic 2026" }]
"""
SAMPLE = sample_film("vhm_lateral_0deg")


@pytest.fixture(scope="module")
def model():
    return load_model("default-baseline")


@pytest.fixture(scope="module")
def document(model, tmp_path_factory):
    return prediction_json.render(model.predict(SAMPLE.path, mm_per_px=0.1), tmp_path_factory.mktemp("x"))


@pytest.fixture
def film(tmp_path):
    return shutil.copy(SAMPLE.path, tmp_path / "a.png")


@pytest.fixture
def project(tmp_path, model, document, film):
    """Two predicted films, the first with a point that anna moved, who says that it is reviewed."""
    with film.open("rb") as first, (tmp_path / "b.png").open("wb") as second:
        second.write(first.read() + b"other")
    with Project.create(tmp_path / "project", model.landmark_set) as made:
        made.add_films([film, tmp_path / "b.png"])
        for number in (1, 2):
            made.store_prediction(number, document, reader_sha256="definition", doubt=1.0)
        made.record(1, [PointEdit(2, "edit", 410.5, 307.25)], who="anna", request_id="request-1")
        made.record_state(1, "reviewed", who="anna", request_id="request-2")
        yield made


def test_films_are_predicted_and_reported(model, film, tmp_path):
    files = ReportFiles(folder=tmp_path / "out", format="html")
    absent = tmp_path / "absent.png"
    done = report_films([film, absent], model, files=files)
    (found,) = done.results
    assert list(done.errors) == [absent]
    assert found.file == tmp_path / "out" / "a.report.html"
    page = found.file.read_text("utf-8")
    assert found.reviewed.prediction.why[1:] in page.replace("&#x27;", "'")
    assert "Not reviewed by a person." in page


def test_report_on_a_film_is_the_same_each_time(model, film, tmp_path):
    pytest.importorskip("reportlab", reason="PDF is written with reportlab")
    contents = []
    for name in ("one.pdf", "two.pdf"):
        (found,) = report_films([films.read(film)], model, files=ReportFiles(file=tmp_path / name)).results
        contents.append(found.file.read_bytes())
    assert contents[0].startswith(b"%PDF")
    assert contents[0] == contents[1]


def test_films_without_a_place_are_only_measured(model, film):
    (found,) = report_films([film], model, options=ReportOptions(analysis="steiner")).results
    assert found.file is None
    assert {value.analysis for value in found.analysis.measurements} == {"steiner"}


def test_one_file_is_for_one_film(model, film, tmp_path):
    with pytest.raises(InputError, match="one report for 2 films"):
        report_films([film, film], model, files=ReportFiles(file=tmp_path / "a.html", format="html"))


def test_pdf_needs_its_package(model, film, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"a PDF report needs reportlab .*cephsure\[report\]"):
        report_films([film], model, files=ReportFiles(file=tmp_path / "a.pdf"))


def test_project_is_reported_as_people_left_it(project, tmp_path):
    done = report_project(project.path, files=ReportFiles(folder=tmp_path / "out", format="html"))
    first, second = done.results
    assert [found.file.name for found in (first, second)] == ["a.report.html", "b.report.html"]
    assert "Reviewed by anna, " in first.file.read_text("utf-8")
    assert "Points: 1 edited." in first.file.read_text("utf-8")
    assert "Not reviewed by a person." in second.file.read_text("utf-8")
    assert first.analysis.measurements != second.analysis.measurements


def test_film_of_a_project_by_its_name_and_own_norms(project, tmp_path):
    norms = tmp_path / "norms.toml"
    norms.write_text(NORMS, "utf-8")
    options = ReportOptions(analysis="isbi", norms=norms)
    files = ReportFiles(file=tmp_path / "b.html", format="html")
    (found,) = report_project(project.path, names=["b"], options=options, files=files).results
    assert found.name == "b.png"
    assert "81 ± 4" in found.file.read_text("utf-8")


def test_several_films_of_a_project_need_a_folder(project, tmp_path):
    with pytest.raises(InputError, match=r"one report for 2 films .*--film"):
        report_project(project.path, files=ReportFiles(file=tmp_path / "a.html", format="html"))


def test_film_that_is_another_or_nowhere(project, film, tmp_path):
    (tmp_path / "b.png").unlink()
    files = ReportFiles(folder=tmp_path / "out", format="html")
    done = report_project(project.path, files=files)
    assert [found.name for found in done.results] == ["a.png"]
    (error,) = done.errors.values()
    assert "is not found any more" in str(error)
    film.write_bytes(film.read_bytes() + b"more")
    with pytest.raises(InputError):
        raise next(iter(report_project(project.path, names=["a"], files=files).errors.values()))
    assert len(report_project(project.path).results) == 2  # the points need no film
