from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def film(dots, tmp_path_factory):
    """A film of four dots with its points in a table; the last dot has none."""
    drawn = dots.draw_dots(np.random.default_rng(3))
    path = tmp_path_factory.mktemp("compare") / "film.png"
    Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(path)
    with path.with_name("points.csv").open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["image", "annotator", "landmark", "x", "y"])
        for who, right in (("ann", 0), ("bob", 10)):
            for code, (x, y) in list(zip(dots.CODES, drawn.points.tolist(), strict=True))[:3]:
                lines.writerow(["film.png", who, code, x + right, y])
    return path


def command(film, *more):
    return ["compare", film, "--truth", film.with_name("points.csv"), *more]


def test_prints_errors_and_whose_points_are_true(cephsure, film, dot_bundles):
    bundle = dot_bundles("default", "ensemble", 3)
    run = cephsure(*command(film, "--model", bundle, "--mm-per-px", "0.5", "--annotator", "bob"))
    assert run.status == 0
    lines = run.out.splitlines()
    (header,) = (line for line in lines if line.startswith("code"))
    assert header.split() == ["code", "error", "mm", "verdict"]
    rows = {
        cells[0]: cells[1:]
        for line in lines
        if (cells := line.split()) and cells[0] in ("UL", "UR", "LL", "LR")
    }
    # 10 px of 0.5 mm.
    assert [float(rows[code][0]) for code in ("UL", "UR", "LL")] == pytest.approx([5, 5, 5], abs=1.5)
    assert rows["LR"][0] == "-"
    assert any(line.startswith("mean radial error") and "of 3 points" in line for line in lines)
    assert "no true point: LR" in lines
    assert any(line.startswith("truth: bob (") for line in lines)
    assert any(line.startswith("no promise: dots-default-ensemble is not calibrated") for line in lines)


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(cephsure, film, dot_bundles, columns, monkeypatch):
    monkeypatch.chdir(film.parent)
    monkeypatch.setattr("cephsure.cli.terminal.width", lambda: columns)
    run = cephsure(
        "compare", "film.png", "--truth", "points.csv", "--model", dot_bundles("default", "ensemble", 3)
    )
    assert run.status == 0
    assert max(map(len, run.out.splitlines())) <= columns
    assert "error px" in run.out
    assert "truth: the mean of ann and bob (points.csv)" in run.out


def test_writes_the_picture_and_says_so(cephsure, film, dot_bundles, tmp_path):
    out = tmp_path / "new" / "compared.png"
    bundle = dot_bundles("default", "ensemble", 3)
    run = cephsure(*command(film, "--model", bundle, "--out", out, "--worst", "2"))
    assert run.status == 0
    assert run.lines == [f"wrote {out}"]
    with Image.open(out) as picture:
        assert picture.format == "PNG"


def test_points_of_other_films_are_bad_input(cephsure, film, dot_bundles, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(film.read_bytes())
    run = cephsure(
        "compare",
        other,
        "--truth",
        film.with_name("points.csv"),
        "--model",
        dot_bundles("default", "ensemble", 3),
    )
    assert run.status == 2
    assert run.lines[-1].endswith("has no points of this film (other.png) (it has: film)")


def test_a_picture_that_cannot_be_written_is_said_before_the_work(cephsure, tmp_path):
    (tmp_path / "file").write_text("")
    run = cephsure("compare", "no-film.png", "--truth", "none.csv", "--out", tmp_path / "file" / "a.png")
    assert run.status == 2
    assert "a.png" in run.err
    assert "no-film" not in run.err
