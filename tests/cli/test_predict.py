from __future__ import annotations

import contextlib
import json
import shlex

import pytest

from cephsure.cli.tables import NO_SCALE
from cephsure.sample_films import sample_film


@pytest.fixture(autouse=True)
def _uses_fake_model(fake_model):
    pass


def test_a_film_is_shown_as_a_table(cephsure, write_film):
    run = cephsure("predict", write_film(), "--mm-per-px", "0.2")
    assert run.status == 0
    assert "Sella" in run.out
    assert "0.2 mm/px (user)" in run.out
    assert run.lines == []


def test_without_a_scale_the_results_are_in_pixels_and_say_so(cephsure, write_film):
    run = cephsure("predict", write_film())
    assert run.status == 0
    assert NO_SCALE in run.out


def test_options_reach_the_model(cephsure, write_film, fake_model):
    found = {"--facing": "left", "--polarity": "negative", "--mm-per-px": "0.1"}
    regions = {"--level": "0.95", "--region": "disc", "--reader": "senior", "--truth-of": "mean"}
    options = {"--model": "mine", "--samples": "5", "--seed": "7", **found, **regions}
    words = [word for pair in options.items() for word in pair]
    assert cephsure("predict", write_film(), *words).status == 0
    name, (film, given) = fake_model
    assert name == "mine"
    assert given == {
        "samples": 5,
        "seed": 7,
        "facing": "left",
        "polarity": "negative",
        "level": 0.95,
        "region": "disc",
        "reader": "senior",
        "truth_of": "mean",
    }
    assert film.spacing.x_mm_per_px == 0.1


def test_a_reader_may_be_called_a_site(cephsure, write_film, fake_model):
    assert cephsure("predict", write_film(), "--site", "clinic.json").status == 0
    assert fake_model[1][1]["reader"] == "clinic.json"


def test_thorough_asks_for_every_measure(cephsure, write_film, fake_model):
    assert cephsure("predict", write_film(), "--thorough").status == 0
    assert fake_model[1] == "thorough"


def test_research_measures_are_shown_where_all_is_asked_for(cephsure, write_film):
    assert "entropy" not in cephsure("predict", write_film()).out
    assert "entropy" in cephsure("predict", write_film(), "--all").out


def test_default_is_the_ensemble_and_nothing_is_forced_on_it(cephsure, write_film, fake_model):
    cephsure("predict", write_film())
    name, (film, given) = fake_model
    assert name == "default-ensemble"
    given_by_default = {"samples": None, "seed": 0, "facing": "auto", "polarity": "auto"}
    assert given == given_by_default | {"level": None, "region": None, "reader": None, "truth_of": None}
    assert film.spacing is None


def test_files_of_every_format_are_written(cephsure, write_film, tmp_path):
    out = tmp_path / "new" / "out"
    formats = ["--format", "json, csv", "--format", "slicer,coco,labelme,json"]
    run = cephsure("predict", write_film("a.png"), "--out", out, *formats, "--overlay")
    assert run.status == 0
    names = ["a.coco.json", "a.csv", "a.json", "a.labelme.json", "a.mrk.json", "a.overlay.png"]
    assert sorted(file.name for file in out.iterdir()) == names
    assert json.loads((out / "a.json").read_text())["schema"] == "cephsure.prediction/2"
    assert run.lines == [f"wrote the files of 1 film into {out}"]


def test_json_is_what_is_written_by_default(cephsure, write_film, tmp_path):
    cephsure("predict", write_film("a.png"), "--out", tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.json"]


def test_films_of_one_name_do_not_overwrite_each_other(cephsure, write_film, tmp_path):
    films = [write_film("001.png", tmp_path / site) for site in ("north", "south")]
    cephsure("predict", *films, "--out", tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_one_bad_film_does_not_cost_the_others_theirs(cephsure, write_film, tmp_path):
    good, empty, text = write_film("good.png"), tmp_path / "empty.png", tmp_path / "text.png"
    empty.touch()
    text.write_text("not a film")
    run = cephsure("predict", empty, good, text, tmp_path / "missing.png", "--out", tmp_path / "out")
    assert run.status == 2
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["good.json"]
    assert "good.png" in run.out
    complaints = [line for line in run.lines if line.startswith("error: ")]
    assert [line.split(":")[1].rsplit("/")[-1] for line in complaints] == [
        "empty.png",
        "text.png",
        "missing.png",
    ]
    # The end says them again.
    again = run.lines[run.lines.index("1 of 4 done, 3 not:") + 1 :]
    assert again == ["  " + line.removeprefix("error: ") for line in complaints]


def test_a_failure_of_ours_on_one_film_is_exit_status_1(cephsure, write_film):
    run = cephsure("predict", write_film("boom.png"), write_film("good.png"))
    assert run.status == 1
    assert "good.png" in run.out
    assert "boom.png: ZeroDivisionError: nothing to divide by (a failure of cephsure; --debug" in run.err
    assert "Traceback" not in run.err


def test_many_films_are_one_row_each(cephsure, write_film, tmp_path):
    for number in range(4):
        write_film(f"{number}.png", tmp_path / "films")
    run = cephsure("predict", tmp_path / "films")
    assert run.status == 0
    assert "Sella" not in run.out
    assert sum(".png" in line for line in run.out.splitlines()) == 4
    assert f"{NO_SCALE}: all 4 films" in run.out


def test_a_broken_model_is_one_line(cephsure, write_film):
    run = cephsure("predict", write_film(), "--model", "broken")
    assert run.status == 2
    assert run.lines == ["error: broken: checksum of member_00.onnx is wrong (fetch it again)"]


def test_an_option_that_no_film_can_satisfy_is_said_once(cephsure, write_film):
    run = cephsure("predict", write_film("a.png"), write_film("b.png"), "--samples", "99")
    assert run.status == 2
    assert run.lines == ["error: fake gives 1 to 15 samples a film, not 99"]


def test_no_film_at_all_loads_no_model(cephsure, tmp_path, fake_model):
    run = cephsure("predict", tmp_path / "*.png")
    assert run.status == 2
    assert run.lines == [f"error: {tmp_path}/*.png: no file matches this pattern"]
    assert fake_model == []


def test_an_output_folder_that_cannot_be_written_is_said_before_any_work(cephsure, write_film, fake_model):
    film = write_film()
    run = cephsure("predict", film, "--out", film)
    assert run.status == 2
    assert len(run.lines) == 1
    assert "is a file: a folder is needed" in run.lines[0]
    assert fake_model == []


def test_who_stops_a_batch_keeps_the_files_of_the_films_that_are_done(
    cephsure, write_film, tmp_path, fake_model
):
    films = [write_film(name) for name in ("a.png", "stop.png", "b.png")]
    run = cephsure("predict", *films, "--out", tmp_path / "out")
    assert (run.status, run.out) == (130, "")
    assert run.lines == [f"stopped: 1 of 3 films are done, their files are in {tmp_path / 'out'}"]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--format", "json"], "say where with --out"),
        (["--overlay"], "say where with --out"),
        (["--out", "x", "--format", "json,pdf"], "no format is called 'pdf'"),
        (["--out", "x", "--format", ""], "no format is called ''"),
        (["--mm-per-px", "0"], "not possible for a skull film"),
        (["--mm-per-px", "nan"], "not possible for a skull film"),
        (["--samples", "0"], "samples"),
        (["--facing", "up"], "facing"),
    ],
)
def test_impossible_options_are_exit_status_2(cephsure, write_film, fake_model, options, reason):
    run = cephsure("predict", write_film(), *options)
    assert run.status == 2
    assert reason in " ".join(run.err.split())
    assert fake_model == []


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
