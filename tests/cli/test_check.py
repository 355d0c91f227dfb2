from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def clean(phantom_isbi):
    return phantom_isbi(24, 0, width_px=194, height_px=240, noise_px=0.4)


def test_a_clean_data_set_ends_with_0(cephsure, clean):
    run = cephsure("check", "--data", clean, "--mm-per-px", "1")
    assert run.status == 0
    assert "nothing must be looked at" in run.out
    assert "24 films, 19 landmarks of isbi-19" in run.out


def test_something_to_look_at_ends_with_1_and_is_written(cephsure, clean, tmp_path):
    root = shutil.copytree(clean, tmp_path / "data")
    file = root / "AnnotationsByMD" / "400_senior" / "003.txt"
    lines = file.read_text().splitlines()
    lines[0], lines[9] = lines[9], lines[0]
    file.write_text("\n".join(lines))
    out, found = tmp_path / "out", tmp_path / "found.json"
    run = cephsure("check", "--data", root, "--mm-per-px", "1", "--out", out, "--json", found)
    assert run.status == 1
    assert "S and Go look exchanged" in run.out
    assert run.lines[-2:] == [f"wrote {out / 'check.html'}", f"wrote {found}"]
    assert json.loads(found.read_text("utf-8"))["look"] is True


def test_films_elsewhere_and_json_on_standard_output(cephsure, clean, tmp_path):
    labels = tmp_path / "points.csv"
    table = ["image,landmark,x,y"]
    for file in sorted((clean / "AnnotationsByMD" / "400_senior").iterdir()):
        lines = file.read_text().splitlines()
        table += [f"{file.stem}.png,l{place},{line}" for place, line in enumerate(lines, start=1)]
    labels.write_text("\n".join(table))
    options = ("--images", clean / "RawImage", "--labels", "numbers", "--json", "-")
    run = cephsure("check", "--data", labels, *options)
    assert run.status == 0
    assert json.loads(run.out)["look"] is False


@pytest.mark.parametrize(
    "options", [("--landmarks", "no-such-set"), ("--split", "test9"), ("--mm-per-px", "-1")]
)
def test_bad_input_ends_with_2_in_one_line(cephsure, clean, options):
    run = cephsure("check", "--data", clean, *options)
    assert (run.status, len(run.lines)) == (2, 1)
    assert run.out == ""


def test_a_folder_without_a_data_set_ends_with_2(cephsure, tmp_path):
    run = cephsure("check", "--data", tmp_path)
    assert (run.status, len(run.lines)) == (2, 1)
