from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from cephsure.landmarks import load_landmark_set

CODES = load_landmark_set().codes
BACK = {"S", "Po", "Go", "Ar", "PNS"}


@pytest.fixture
def marked(tmp_path, monkeypatch):
    """Two films of 400 x 500 px in the working folder, with a person's points of each in one table."""
    monkeypatch.chdir(tmp_path)
    rows = ["image,annotator,landmark,x,y"]
    for name, shift, me in (("t1", 0, 0), ("t2", 5, 10)):
        Image.fromarray(np.tile(np.arange(400) // 2, (500, 1)).astype(np.uint8)).save(f"{name}.png")
        for i, code in enumerate(CODES):
            x, y = (80 if code in BACK else 250) + i + shift, 80 + 18 * i + me * (code == "Me")
            rows.append(f"{name}.png,ann,{code},{x},{y}")
    (tmp_path / "points.csv").write_text("\n".join(rows) + "\n")
    return "superimpose", "t1.png", "t2.png", "--points1", "points.csv", "--points2", "points.csv"


def test_the_table_fits_eighty_columns_and_says_which_film_is_which(cephsure, marked, monkeypatch):
    monkeypatch.setattr("cephsure.cli.terminal.width", lambda: 80)
    run = cephsure(*marked, "--mm-per-px", "0.4")
    assert run.status == 0
    assert max(map(len, run.out.splitlines())) <= 80
    lines = run.out.splitlines()
    assert lines[0] == "T1: t1.png"
    assert "T2: t2.png" in lines
    (me,) = (line for line in lines if line.startswith("Me "))
    assert me.split()[-1] == "4.0"
    assert "no intervals: first film: how far a person's points are off is not known" in lines


def test_json_on_standard_output_is_all_there_is(cephsure, marked):
    run = cephsure(*marked, "--mm-per-px", "0.4", "--on", "frankfort", "--json", "-")
    assert run.status == 0
    said = json.loads(run.out)
    assert (said["on"], said["first"]["film"]["path"]) == ("frankfort", "t1.png")
    assert len(said["points"]) == len(CODES)


def test_the_files_are_written_and_said(cephsure, marked, tmp_path):
    run = cephsure(
        *marked, "--csv", "-", "--json", "out.json", "--overlay", "new/both.png", "--mm-per-px", "1"
    )
    assert run.status == 0
    assert run.lines == ["wrote out.json", "wrote new/both.png"]
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert {row["code"] for row in rows} == set(CODES)
    with Image.open(tmp_path / "new" / "both.png") as picture:
        assert (picture.format, picture.width) == ("PNG", 400)


def test_the_second_film_may_have_another_scale(cephsure, marked):
    run = cephsure(*marked, "--mm-per-px", "0.4", "--mm-per-px2", "0.8", "--json", "-")
    said = json.loads(run.out)
    assert said["second"]["film"]["mm_per_px"] == [0.8, 0.8]
    assert "are both scales right?" in said["notes"][0]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--on", "sn", "--stable", "S,N"], "give --on best"),
        (["--on", "best", "--stable", "S"], "two landmarks or more"),
        (["--on", "best", "--stable", "S,Zy"], "there is no landmark 'Zy'"),
        (["--reader", "mean"], "without a network: no --reader"),
        (["--truth-of", "mean"], "without a network: no --truth-of"),
        (["--annotator", "eve"], "no annotator 'eve'"),
        (["--mm-per-px2", "-1"], "mm"),
        (["--json", "-", "--csv", "-"], "only one file can be -"),
        (["--overlay", "t1.png"], "t1.png: is read: it is not written over"),
        (["--csv", "points.csv"], "points.csv: is read: it is not written over"),
    ],
)
def test_what_cannot_be_is_bad_input(cephsure, marked, more, complaint):
    run = cephsure(*marked, *more)
    assert run.status == 2
    assert complaint in " ".join(run.err.replace("│", " ").split())
    assert run.out == ""


def test_films_that_cannot_be_are_bad_input(cephsure, marked, tmp_path):
    command, one, other, *points = marked
    run = cephsure(command, one, one)
    assert run.status == 2
    assert run.lines[-1].startswith("error: t1.png: is named twice")
    run = cephsure(command, one, "no.png", *points)
    assert run.status == 2
    assert "no.png" in run.lines[-1]
    run = cephsure(command, one, other, "--annotator", "ann")
    assert run.status == 2
    assert "give --points1 or --points2" in " ".join(run.err.replace("│", " ").split())
    (tmp_path / "file").write_text("")
    run = cephsure(*marked, "--overlay", "file/a.png")
    assert run.status == 2
    assert "a.png" in run.err


def test_a_models_points_and_a_persons(cephsure, dots, dot_bundles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        drawn = dots.draw_dots(np.random.default_rng(number))
        Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(f"t{number}.png")
    bundle = dot_bundles("default", "ensemble", 3)
    run = cephsure(
        *("superimpose", "t1.png", "t2.png", "--model", bundle, "--mm-per-px", "0.5"),
        *("--on", "best", "--stable", "UL,UR", "--overlay", "both.png"),
    )
    assert run.status == 0
    assert "no intervals: first film: dots-default-ensemble is not calibrated" in run.out
    assert (tmp_path / "both.png").is_file()
