from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cephsure.sample_films import sample_film

MODEL = ("--model", "default-baseline")


@pytest.fixture
def film():
    return sample_film("vhm_lateral_0deg")


def test_a_film_is_shown_as_a_table_with_classes(cephsure, film):
    run = cephsure("analyze", film.path, *MODEL, "--mm-per-px", f"{film.mm_per_px}")
    assert run.status == 0
    for code in ("ANB", "SNB", "SNA", "ODI", "APDI", "FHI", "FHA", "MW", "FMA"):
        assert f"\n{code} " in run.out
    assert "Wang et al. 2016" in run.out
    assert "Research use only" in run.out


def test_without_a_scale_no_distance_is_given_and_it_says_so(cephsure, film, tmp_path):
    target = tmp_path / "one.json"
    run = cephsure("analyze", film.path, *MODEL, "--analysis", "isbi,jarabak", "--json", target)
    assert "no distances: no scale in the film" in run.out
    measured = json.loads(target.read_text("utf-8"))["measurements"]
    assert {one["value"] for one in measured if one["unit"] == "mm"} == {None}
    assert all(one["value"] is not None for one in measured if one["unit"] != "mm")


@pytest.mark.slow
def test_files_of_every_kind_are_written(cephsure, film, tmp_path):
    options = ("--format", "json,csv", "--overlay", "--analysis", "all")
    run = cephsure("analyze", film.path, *MODEL, "--out", tmp_path / "out", *options)
    assert run.status == 0
    stem = film.path.stem
    names = [f"{stem}.analysis.{kind}" for kind in ("csv", "json", "overlay.png")]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
    document = json.loads((tmp_path / "out" / names[1]).read_text("utf-8"))
    rows = list(csv.DictReader((tmp_path / "out" / names[0]).open(encoding="utf-8")))
    assert document["schema"] == "cephsure.analysis/2"
    assert len(document["measurements"]) == len(rows)
    assert run.lines == [f"wrote the files of 1 film into {tmp_path / 'out'}"]


def test_whose_marks_are_foretold_reaches_the_model(cephsure, write_film, fake_model):
    run = cephsure("analyze", write_film(), "--reader", "senior", "--truth-of", "mean", "--model", "mine")
    assert run.status == 0, run.err
    _, given = fake_model[1]
    assert (given["reader"], given["truth_of"]) == ("senior", "mean")


def test_own_norms_are_used(cephsure, film, tmp_path):
    own = tmp_path / "own.toml"
    norm = '{ mean = 10.0, sd = 0.5, source = "ours", sex = "women" }'
    entry = f'analysis = "isbi"\nmeasurement = "FMA"\nnorms = [{norm}]\n'
    own.write_text(f"[[entries]]\n{entry}", encoding="utf-8")
    run = cephsure("analyze", film.path, *MODEL, "--norms", own)
    assert "norm 10 ± 0.5 women (ours)" in run.out


@pytest.mark.slow
def test_many_films_are_one_row_each_and_a_bad_one_stops_nothing(cephsure, film, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # long paths are folded into several lines
    broken = Path("broken.png")
    broken.write_bytes(b"no picture")
    films = []
    for number in range(4):
        copy = Path(f"{number}.png")
        copy.write_bytes(film.path.read_bytes())
        films.append(copy)
    run = cephsure("analyze", *films, broken, *MODEL)
    assert run.status == 2
    assert [line.split()[0] for line in run.out.splitlines() if ".png" in line] == [str(one) for one in films]
    assert "broken.png" in run.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name films"),
        (["a.png", "--data", "x"], "name films"),
        (["a.png", "--overlay"], "say where with --out"),
        (["a.png", "--out", "x", "--format", "pdf"], "no format is called 'pdf'"),
        (["a.png", "--analysis", "ricketts"], "there is no analysis 'ricketts'"),
        (["a.png", "--min-probability", "0.4", *MODEL], "above 0.5 to 1"),
        (["--data", "x", "--csv", "x.csv"], "--csv is a table of films"),
        (["a.png", "--csv", "-", "--json", "-"], "only one file can be -"),
    ],
)
def test_wrong_options_are_told_in_words(cephsure, film, arguments, complaint):
    given = [str(film.path) if argument == "a.png" else argument for argument in arguments]
    run = cephsure("analyze", *given)
    assert run.status == 2
    assert complaint in " ".join(run.err.replace("│", " ").split())


@pytest.mark.slow
def test_classes_on_annotated_films(cephsure, phantom_isbi, tmp_path):
    root, target = phantom_isbi(n_train=1, n_test1=3), tmp_path / "classes.json"
    run = cephsure("analyze", "--data", root, *MODEL, "--json", target)
    assert run.status == 0
    assert "3 films · truth: mean" in run.out
    document = json.loads(target.read_text("utf-8"))
    assert document["schema"] == "cephsure.class-agreement/1"
    assert document["films"] == 3
    assert document["split"].startswith("test1")
    # The two annotators of these drawn heads differ by half a pixel only.
    assert [one["observers"][0]["films"] for one in document["measurements"]] == [3] * 8


def test_definitions_are_shown_with_their_sources(cephsure):
    run = cephsure("measurements")
    assert run.status == 0
    for text in ("isbi:", "jarabak:", "Angle at nasion", "Downs 1948", "not the tangent"):
        assert text in " ".join(run.out.split())
    assert "Siriwat" not in cephsure("measurements", "steiner").out


def norms_are_named(text):
    return " ".join(text.split())


def test_norms_are_listed_with_source_group_and_sex_and_borders_as_borders(cephsure, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run = cephsure("measurements", "mcnamara,isbi,downs")
    assert all(len(line) <= 80 for line in run.out.splitlines())
    assert "norm 0.4 ± 2.3 (women, Ann Arbor adults, McNamara 1984)" in norms_are_named(run.out)
    assert "class borders (ISBI 2015): retrognathic maxilla: below 79.4; normal maxilla: 79.4 to 83.2" in (
        norms_are_named(run.out)
    )
    assert "classes by this norm: below the norm: below 82" in norms_are_named(run.out)


POINTS = "image,landmark,x,y\n" + "".join(
    f"{name}.png,{code},{x + shift},{y}\n"
    for name, shift in (("001", 0), ("002", 5))
    for code, x, y in [
        *(("S", 164.0, 200.0), ("N", 300.0, 184.0), ("Or", 276.0, 236.0), ("Po", 130.0, 230.0)),
        *(("A", 290.0, 296.0), ("B", 280.0, 372.0), ("Go", 152.0, 352.0), ("Me", 262.0, 412.0)),
    ]
)


@pytest.fixture
def points_file(tmp_path):
    file = tmp_path / "anna.csv"
    file.write_text(POINTS, encoding="utf-8")
    return file


def grey_film(path):
    Image.fromarray(np.add.outer(np.arange(480), np.arange(387)).astype(np.uint8)).save(path)
    return path


def test_a_persons_points_are_measured_without_a_network(cephsure, points_file, fake_model):
    run = cephsure("analyze", "--points", points_file, "--mm-per-px", "0.5")
    assert run.status == 0, run.err
    assert fake_model == []  # no model was loaded
    assert "device:" not in run.err
    assert run.out.count("no verdict: a person's points are not judged") == 2
    assert "class of the value" in run.out
    assert "90 %" not in run.out
    assert "no MW: no point for LIT, UIT" in run.out


def test_films_beside_points_are_measured_alone_and_drawn_on(cephsure, points_file, tmp_path):
    film, out = grey_film(tmp_path / "002.png"), tmp_path / "out"
    files = ("--out", out, "--overlay", "--format", "json,csv")
    run = cephsure("analyze", film, "--points", points_file, *files)
    assert run.status == 0, run.err
    assert "387 x 480 px" in run.out
    assert sorted(file.name for file in out.iterdir()) == [
        f"002.analysis.{kind}" for kind in ("csv", "json", "overlay.png")
    ]
    document = json.loads((out / "002.analysis.json").read_text("utf-8"))
    assert (document["model"], document["film"]["width_px"]) == (None, 387)
    assert document["points"][0]["x_px"] == 169.0


def test_a_film_that_was_not_marked_is_told_and_the_others_go_on(cephsure, points_file, tmp_path):
    films = [grey_film(tmp_path / f"{name}.png") for name in ("001", "003")]
    run = cephsure("analyze", *films, "--points", points_file)
    assert run.status == 2
    assert "anna.csv has no points of this film" in run.err
    assert "it has points of: 001, 002" in run.err
    assert "001.png" in run.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--reader", "junior"], "no --reader"),
        (["--samples", "5"], "no --samples"),
        (["--uncalibrated"], "no --uncalibrated"),
        (["--model", "default-baseline"], "no --model"),
        (["--data", "x"], "name films"),
        (["-"], "name the film's file, not -"),
        (["--truth", "ben"], "no annotator 'ben'"),
        (["--overlay", "--out", "x"], "an overlay is drawn on the film"),
    ],
)
def test_what_makes_no_sense_with_points_is_told(cephsure, points_file, monkeypatch, arguments, complaint):
    monkeypatch.chdir(points_file.parent)
    run = cephsure("analyze", "--points", points_file, *arguments)
    assert run.status == 2
    assert complaint in " ".join(run.err.replace("│", " ").split())


@pytest.mark.parametrize("columns", ["80", "120"])
def test_classes_on_annotated_films_are_not_cut(cephsure, phantom_isbi, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    run = cephsure("analyze", "--data", phantom_isbi(n_train=0, n_test1=2), *MODEL)
    assert run.status == 0
    assert all(len(line) <= int(columns) for line in run.out.splitlines())
    for heading in ("right %", "kappa", "junior", "decided %", "of these right %"):
        assert heading.split()[-1] in run.out
    assert "…" not in run.out
