from __future__ import annotations

import pytest

from cephsure.exports import prediction_json
from cephsure.landmarks import load_landmark_set
from cephsure.model import load_model
from cephsure.projects import Project
from cephsure.sample_films import sample_film

SAMPLE = sample_film("vhm_lateral_0deg").path


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project", load_landmark_set()) as made:
        made.add_films([SAMPLE])
    return tmp_path / "project"


def test_report_and_table_of_a_film(cephsure, tmp_path):
    out, table = tmp_path / "a.html", tmp_path / "all.csv"
    done = cephsure("report", SAMPLE, "--model", "default-baseline", "--out", out, "--summary", table)
    assert done.status == 0
    assert done.out.startswith(f"{out}: verdict: ")
    assert f"wrote {table}" in done.lines
    assert "Cephalometric report" in out.read_text("utf-8")
    assert table.read_text("utf-8").startswith("film,verdict,why,")


def test_folder_gets_a_file_a_film_and_bad_films_are_named(cephsure, tmp_path):
    bad, folder = tmp_path / "bad.png", tmp_path / "out"
    bad.write_bytes(b"no film")
    arguments = (bad, SAMPLE, "--model", "default-baseline", "--out", folder, "--format", "html")
    done = cephsure("report", *arguments)
    assert done.status == 2
    assert "bad.png: a text file, not a film" in done.err
    assert [file.name for file in folder.iterdir()] == ["vhm_lateral_0deg.report.html"]
    assert cephsure("report", tmp_path / "*.tif", "--out", folder).status == 2


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "say where the report goes"),
        (("--out", "a.pdf", "--format", "html"), "name a file that ends with .html"),
        (("--out", "a.html", "--film", "1"), "--film names a film of a project"),
        (("--summary", "a.txt"), "no kind of summary is called so"),
        (("--out", "a.html", "--analysis", "nobodys"), "nobodys"),
    ],
)
def test_what_makes_no_sense_is_said_before_the_work(cephsure, tmp_path, monkeypatch, arguments, what):
    monkeypatch.chdir(tmp_path)
    done = cephsure("report", SAMPLE, *arguments)
    assert done.status == 2
    assert what in " ".join(done.err.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_project_takes_no_options_of_a_prediction(cephsure, project, tmp_path):
    done = cephsure("report", project, "--out", tmp_path / "out", "--mm-per-px", "0.1")
    assert done.status == 2
    assert "predicted already: no --mm-per-px" in " ".join(done.err.replace("│", " ").split())
    done = cephsure("report", project, "--out", tmp_path / "out", "--model", "default-baseline")
    assert "no --model" in " ".join(done.err.replace("│", " ").split())


def test_film_of_a_project(cephsure, project, tmp_path):
    found = load_model("default-baseline").predict(SAMPLE, mm_per_px=0.1)
    with Project.open(project) as opened:
        opened.store_prediction(1, prediction_json.render(found, tmp_path), reader_sha256="", doubt=1.0)
    out = tmp_path / "a.html"
    done = cephsure("report", project, "--film", "1", "--out", out)
    assert (done.status, done.out.startswith(f"{out}: verdict: ")) == (0, True)
    assert "vhm_lateral_0deg.png" in out.read_text("utf-8")


def test_project_without_predictions(cephsure, project, tmp_path):
    done = cephsure("report", project, "--summary", tmp_path / "a.csv")
    assert (done.status, "no film of it is predicted yet" in done.err) == (2, True)
