"""One file for all films, standard input and standard output, by the commands that have them."""

from __future__ import annotations

import csv
import io
import json
import sys

import pandas as pd
import pytest

from cephsure.exports import prediction_json
from cephsure.file_names import unescaped

KEYS = ["film", "model"]


@pytest.fixture
def standard_input(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@pytest.mark.parametrize("command", ["predict", "analyze"])
def test_json_of_all_films_is_one_document_a_line(cephsure, write_film, fake_model, tmp_path, command):
    films = [write_film(f"{number}.png") for number in range(4)]
    run = cephsure(command, *films, tmp_path / "absent.png", "--json", tmp_path / "all.json")
    assert run.status == 2
    assert f"wrote {tmp_path / 'all.json'}" in run.lines
    documents = [json.loads(line) for line in (tmp_path / "all.json").read_text("utf-8").splitlines()]
    assert [document["film"]["path"] for document in documents] == [str(film) for film in films]
    assert {document["schema"].split("/")[0] for document in documents} == {
        "cephsure.prediction" if command == "predict" else "cephsure.analysis"
    }


def test_json_of_one_film_is_its_document_and_reads_back(cephsure, write_film, fake_model, tmp_path):
    cephsure("predict", write_film(), "--json", tmp_path / "one.json", "--out", tmp_path / "out")
    one = prediction_json.read(tmp_path / "one.json")
    assert one == prediction_json.read(tmp_path / "out" / "film.json")


@pytest.mark.parametrize("command", ["predict", "analyze"])
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_document_is_all_that_standard_output_gets(cephsure, write_film, fake_model, command, option):
    run = cephsure(command, write_film("a.png"), write_film("b.png"), option, "-")
    assert run.status == 0
    if option == "--json":
        assert len([json.loads(line) for line in run.out.splitlines()]) == 2
    else:
        assert {row["film"].rsplit("/", 1)[-1] for row in csv.DictReader(io.StringIO(run.out))} == {
            "a.png",
            "b.png",
        }


def test_nothing_goes_to_standard_output_where_no_film_can_be_used(cephsure, fake_model, tmp_path):
    run = cephsure("predict", tmp_path / "absent.png", "--json", "-")
    assert (run.status, run.out) == (2, "")


def test_landmarks_and_measurements_join_by_their_keys(cephsure, write_film, fake_model, tmp_path):
    films = [write_film(name) for name in ("a.png", "b,c.png", "=1.png", "d\ne.png")]
    points, measured = tmp_path / "out" / "points.csv", tmp_path / "out" / "measured.csv"
    assert cephsure("predict", *films, "--csv", points).status == 0
    assert cephsure("analyze", *films, "--csv", measured).status == 0
    first, second = pd.read_csv(points), pd.read_csv(measured)
    assert len(first.groupby(KEYS)) == len(second.groupby(KEYS)) == 4
    joined = first.merge(second, on=KEYS, suffixes=("_landmark", "_measured"))
    assert len(joined) == len(films) * 3 * (len(second) // 4)
    assert (joined.promise_landmark == joined.promise_measured).all()
    leads_to = {(points.parent / unescaped(film)).resolve() for film in first.film.unique()}
    assert leads_to == {film.resolve() for film in films}


@pytest.mark.usefixtures("fake_model")
@pytest.mark.parametrize("command", ["predict", "analyze"])
def test_a_film_may_come_from_standard_input(cephsure, write_film, standard_input, tmp_path, command):
    standard_input(write_film().read_bytes())
    run = cephsure(command, "-", "--mm-per-px", "0.5", "--json", "-", "--csv", tmp_path / "a.csv")
    assert run.status == 0, run.err
    film = json.loads(run.out)["film"]
    assert (film["path"], film["width_px"], film["mm_per_px"]) == (None, 64, [0.5, 0.5])
    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8")))
    assert {(row["film"], row["model"]) for row in rows} == {("", "fake")}


def test_a_film_of_standard_input_is_one_among_others(
    cephsure, write_film, fake_model, standard_input, tmp_path
):
    film = write_film("scan.png")
    standard_input(film.read_bytes())
    run = cephsure("predict", film, "-", "--out", tmp_path / "out")
    assert run.status == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["film.json", "scan.json"]


def test_standard_input_that_holds_no_film_is_one_line(cephsure, fake_model, standard_input):
    standard_input(b"no film")
    run = cephsure("predict", "-")
    assert run.status == 2
    (line,) = run.lines
    assert line.startswith("error: standard input: a text file, not a film")
    standard_input(b"")
    assert cephsure("predict", "-").lines == ["error: standard input: the file is empty"]


def test_a_batch_file_that_cannot_be_written_is_said_first(cephsure, write_film, fake_model, tmp_path):
    run = cephsure("predict", write_film(), "--csv", tmp_path)
    assert run.status == 2
    assert "is a folder" in run.err
    assert fake_model == []


@pytest.mark.parametrize("name", ["m\udcfcller.png", "a\nb\x1b[2J.png", "%FC\x9b.png", "é" * 120 + ".png"])
def test_films_of_any_name_are_done_and_written(cephsure, write_film, fake_model, tmp_path, name):
    try:
        film = write_film(name)
    except OSError:
        pytest.skip("this file system takes no such name")
    formats = "json,csv,slicer,coco,labelme"
    run = cephsure("predict", film, "--mm-per-px", "0.1", "--out", tmp_path / "out", "--format", formats)
    assert run.status == 0, run.err
    assert "\x1b" not in run.out + run.err
    written = {
        path.name.split(".", 1)[1]: path.read_bytes().decode("utf-8") for path in (tmp_path / "out").iterdir()
    }
    assert len(written) == 5
    assert unescaped(json.loads(written["json"])["film"]["path"]) == str(film)
    assert unescaped(json.loads(written["labelme.json"])["imagePath"]) == f"../{name}"
    assert unescaped(json.loads(written["coco.json"])["images"][0]["file_name"]) == f"../{name}"
    assert {unescaped(row["film"]) for row in csv.DictReader(written["csv"].splitlines())} == {f"../{name}"}
    json_file = min((tmp_path / "out").glob("*.json"), key=lambda path: len(path.name))
    assert prediction_json.read(json_file).film.path == str(film)
