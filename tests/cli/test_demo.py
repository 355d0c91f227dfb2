from __future__ import annotations

import contextlib
import shlex

import pytest

from cephsure.sample_films import sample_film


@pytest.mark.parametrize(
    ("options", "name"), [([], "vhm_lateral_0deg"), (["--rotated"], "vhm_lateral_30deg")]
)
def test_demo_writes_the_sample_films_landmarks(cephsure, fake_model, tmp_path, options, name):
    with contextlib.chdir(tmp_path):
        run = cephsure("demo", *options)
    assert run.status == 0
    assert "Sella" in run.out
    assert sample_film(name).credit in run.out
    written = sorted(file.name for file in (tmp_path / "cephsure-demo").iterdir())
    assert written == [f"{name}.json", f"{name}.overlay.png"]
    assert fake_model[0] == "default-ensemble"


def test_the_command_that_demo_names_does_the_same(cephsure, fake_model, tmp_path):
    run = cephsure("demo", "--out", tmp_path / "first out")
    words = shlex.split(run.lines[-1].partition("): ")[2])
    assert words[0] == "cephsure"
    words[words.index("--out") + 1] = str(tmp_path / "again")
    assert cephsure(*words[1:]).status == 0
    first, again = (tmp_path / folder / "vhm_lateral_0deg.json" for folder in ("first out", "again"))
    assert first.read_bytes() == again.read_bytes()


def test_the_credit_is_shown_even_when_quiet(cephsure, fake_model, tmp_path):
    run = cephsure("demo", "--quiet", "--out", tmp_path)
    assert sample_film("vhm_lateral_0deg").credit in run.out
    assert run.err == ""
