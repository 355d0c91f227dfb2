from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from cephsure.bundles.bundle import Provenance
from cephsure.cli import experiment as module
from cephsure.cli import terminal
from cephsure.errors import InputError
from cephsure.studies import study as study_module
from cephsure.studies.cases import films_of_split, plain_cases
from cephsure.studies.predictions import predict_cases
from cephsure.studies.registry import EXPERIMENTS
from cephsure.studies.result import ExperimentResult, ResultTable


class Registry:
    """Stands in for the experiments: two that count films, and what they were asked."""

    def __init__(self):
        self.studies, self.fails = {}, {}

    def run(self, name):
        def experiment(study):
            self.studies[name] = study
            cases = plain_cases(films_of_split(study.dataset, study.split)[: study.shift_films])
            tables = predict_cases(study, study.split, cases)
            if name in self.fails:
                raise self.fails[name]
            rows = tuple((label, len(table)) for label, table in tables.items())
            table = ResultTable.from_records("Films", rows, columns=("model", "n"))
            return ExperimentResult(name, f"On {name}", ("Counted.",), {"films": table})

        return experiment


@pytest.fixture
def registry(monkeypatch):
    fake = Registry()
    known = {name: EXPERIMENTS[name] for name in ("accuracy", "distortion", "rotation", "other-site")}
    monkeypatch.setattr("cephsure.studies.registry.EXPERIMENTS", known)
    for name in known:
        function = name.replace("-", "_")
        monkeypatch.setattr(f"cephsure.studies.{function}.{function}", fake.run(name))
    return fake


@pytest.fixture
def data(phantom_isbi):
    return phantom_isbi(n_train=1, n_test1=3, width_px=97, height_px=120, noise_px=0.0)


@pytest.fixture
def models(monkeypatch, tmp_path, make_prediction):
    """Models of the 19 points that say the same of every film; gives what they were asked."""
    from cephsure.landmarks import load_landmark_set

    asked = []

    class Fake:
        device = "cpu"
        landmark_set = load_landmark_set("isbi-19")
        bundle = SimpleNamespace(provenance=Provenance(data="other"), validation_films=())

        def predict(self, film, **options):
            asked.append((film.path.stem, options["seed"]))
            return make_prediction(path=film.path)

    def open_models(names, *, quick, device, reader=None):
        asked_readers.append(reader)
        asked_quick.append(quick)
        known = {"one", "two", "default-baseline", "default-ensemble", "default-mc-dropout"}
        if set(names) - known:
            raise InputError("not a model bundle", where=names[0])
        return tuple(
            study_module.StudyModel(
                label=n,
                recipe="default",
                kind="ensemble",
                truth="mean",
                samples=15,
                changes=(),
                sha256=n[0] * 64,
                model=Fake(),
            )
            for n in names
        )

    asked_quick, asked_readers = [], []
    monkeypatch.setattr(study_module, "open_models", open_models)
    monkeypatch.setattr(study_module, "asked_quick", asked_quick, raising=False)
    monkeypatch.setattr(study_module, "asked_readers", asked_readers, raising=False)
    return asked


@pytest.fixture
def run(cephsure, registry, data, models, tmp_path):
    def run(name, *options):
        return cephsure("experiment", name, "--data", data, "--out", tmp_path / "out", *options)

    return run


def test_all_from_films_to_a_report(run, tmp_path, models):
    outcome = run("all", "--models", "one", "two")
    assert outcome.status == 0, outcome.err
    out = tmp_path / "out"
    lines = [line.rstrip() for line in outcome.out.splitlines()]
    table = ["Films", "model n", "one   3", "two   3"]
    assert lines == [
        *("On accuracy", *table, f"tables and figures  {out / 'accuracy'}", ""),
        *("On distortion", *table, f"tables and figures  {out / 'distortion'}", ""),
        f"report  {out / 'report.html'}",
    ]
    assert outcome.lines[0] == "2 models: default ensemble (15), mean, default ensemble (15), mean"
    assert outcome.lines[1] == "networks are computed on: cpu"
    assert "left out: rotation (give --ct)" in outcome.lines
    assert outcome.lines[-2:] == ["accuracy (1 of 2)", "distortion (2 of 2)"]
    for path in (
        "accuracy/accuracy.json",
        "accuracy/films.csv",
        "study.json",
        "predictions/one/test1.csv.gz",
    ):
        assert (out / path).is_file(), path
    made = json.loads((out / "study.json").read_text())["experiments"]["distortion"]
    assert made["arguments"] == [
        *("all", "--split", "test1", "--models", "one", "two", "--seed", "0", "--shift-films", "10")
    ]
    assert len(models) == 6


@pytest.mark.parametrize("typed", [("one", "two"), ("one,two",), ("one", "--models", "two")])
def test_several_models_in_every_way(run, registry, typed):
    assert run("accuracy", "--models", *typed).status == 0
    assert [model.label for model in registry.studies["accuracy"].models] == ["one", "two"]


def test_the_shipped_models_are_the_usual_ones(run, registry):
    run("accuracy")
    labels = {model.label for model in registry.studies["accuracy"].models}
    assert labels == {"default-baseline", "default-ensemble", "default-mc-dropout"}


def test_a_later_call_adds_to_the_report(run, tmp_path, models):
    run("distortion", "--models", "one")
    run("accuracy", "--models", "one")
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert html.index("On accuracy") < html.index("On distortion")
    assert len(models) == 3


def test_what_is_asked_reaches_the_study(run, registry, data, tmp_path):
    ct = tmp_path / "head.nii"
    ct.write_bytes(b"x")
    options = [
        "--ct",
        ct,
        "--other-site",
        data,
        "--other-site-mm-per-px",
        "0.127",
        "--seed",
        4,
        "--shift-films",
        2,
        "--quick",
        "--site",
        "senior",
    ]
    outcome = run("accuracy", "--models", "one", *options)
    assert outcome.status == 0, outcome.err
    study = registry.studies["accuracy"]
    assert (study.cts, study.seed, study.shift_films) == ((ct,), 4, 2)
    assert study_module.asked_quick == [True]
    made = json.loads((study.out / "study.json").read_text())["experiments"]["accuracy"]
    assert made["arguments"][-3:] == ["--reader", "senior", "--quick"]
    assert study_module.asked_readers == ["senior"]
    assert study.other_site.films[0].spacing.x_mm_per_px == 0.127
    assert study.dataset.films[0].spacing.x_mm_per_px == 0.1


def test_one_that_fails_does_not_stop_the_others(run, registry, tmp_path):
    registry.fails["accuracy"] = InputError("no such annotator", remedy="give another")
    outcome = run("all", "--models", "one")
    assert outcome.status == 2
    assert "error: no such annotator (give another)" in outcome.lines
    assert "On distortion" in outcome.out
    assert (tmp_path / "out" / "report.html").is_file()
    registry.fails["accuracy"] = ZeroDivisionError("nothing")
    outcome = run("all", "--models", "one")
    assert outcome.status == 1
    assert any(
        line.startswith(f"error: {tmp_path / 'out' / 'accuracy'}: ZeroDivisionError")
        for line in outcome.lines
    )


def test_an_interruption_is_one_line_and_what_is_done_is_reported(run, registry, tmp_path):
    registry.fails["distortion"] = KeyboardInterrupt()
    outcome = run("all", "--models", "one")
    assert outcome.status == 130
    assert outcome.lines[-1] == "stopped; the same command goes on from where it stopped"
    assert "On accuracy" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_quiet_leaves_the_results(run):
    outcome = run("accuracy", "--models", "one", "--quiet")
    assert outcome.err == ""
    assert "On accuracy" in outcome.out


def test_another_seed_in_the_folder_is_refused(run):
    run("accuracy", "--models", "one")
    outcome = run("accuracy", "--models", "one", "--seed", "1")
    assert outcome.status == 2
    assert "of another study (differs in seed 0)" in outcome.lines[-1]


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("accurracy", [], "error: no experiment is called 'accurracy' (one of all, accuracy, "),
        ("accuracy", ["--other-site-mm-per-px", "0.1"], "error: --other-site-mm-per-px is the scale of"),
        ("accuracy", ["--other-site", "x", "--other-site-mm-per-px", "50"], "not possible"),
        ("accuracy", ["--ct", "nothing.nii"], "error: nothing.nii: there is no such file or folder"),
        ("accuracy", ["--models", "nothing"], "error: nothing: not a model bundle"),
        ("accuracy", ["--models", "one", "--other-site", "nothing"], "error: nothing: there is no such file"),
    ],
)
def test_bad_input_is_one_line(run, tmp_path, name, options, complaint):
    outcome = run(name, *options)
    assert outcome.status == 2
    assert complaint in outcome.lines[-1]
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_named(run, monkeypatch):
    missing = {"pandas", "sklearn"}
    monkeypatch.setattr("cephsure.workflows.batch.find_spec", lambda name: None if name in missing else name)
    outcome = run("accuracy")
    assert outcome.status == 2
    assert outcome.lines == [
        'error: cephsure experiment needs scikit-learn, pandas (pip install "cephsure[studies]")'
    ]


def test_help_says_what_each_experiment_is(cephsure):
    outcome = cephsure("experiment", "--help")
    assert outcome.status == 0
    for words in ("error-correlation", "head is turned", "--other-site-mm-per-px"):
        assert words in outcome.out


@pytest.fixture
def _fresh_settings(monkeypatch):
    monkeypatch.setattr(terminal, "settings", terminal.Settings())


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("_fresh_settings")
def test_a_log_has_a_line_an_experiment_and_one_a_minute(capsys, clock):
    with module._display() as display:
        display.begin("accuracy", 1, 8)
        with display.part("test1", 10) as step:
            for _ in range(10):
                clock[0] += 25
                step()
        display.begin("distortion", 2, 8)
        with display.part("elastic", 0):
            pass
    assert capsys.readouterr().err.splitlines() == [
        "accuracy (1 of 8)",
        # After 75 s 3 of 10: 175 s left. Nothing is said of a part that is done.
        "  test1: 3 of 10 predicted, 0:02:55 left",
        "  test1: 6 of 10 predicted, 0:01:40 left",
        "  test1: 9 of 10 predicted, 0:00:25 left",
        "distortion (2 of 8)",
    ]


@pytest.mark.usefixtures("_fresh_settings")
def test_quiet_is_silent(capsys):
    terminal.settings.quiet = True
    with module._display() as display:
        display.begin("accuracy", 1, 8)
        with display.part("test1", 2) as step:
            step()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_fresh_settings")
def test_a_terminal_shows_the_whole_and_the_part(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with module._display() as display:
        display.begin("accuracy", 1, 8)
        with display.part("test1", 5) as step:
            for _ in range(5):
                step()
            display._bars.refresh()
        display.begin("distortion", 2, 8)
        display._bars.refresh()
    shown = screen.getvalue()
    assert "accuracy" in shown
    assert "0/8" in shown
    assert "5/5" in shown
    assert "distortion" in shown
    assert "1/8" in shown
