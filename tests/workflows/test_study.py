from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("pandas", reason="experiments need the extra studies")

from cephsure.bundles.bundle import Provenance
from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from cephsure.landmarks import Landmark, LandmarkSet, load_landmark_set
from cephsure.studies import study as study_module
from cephsure.studies.registry import EXPERIMENTS
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.workflows.study import (
    Begun,
    Failed,
    Found,
    Opened,
    Reported,
    StudyOptions,
    experiments,
    run_study,
)
from table_study import table_study  # beside tests/conftest.py, which puts its folder on the path

ROWS = [(f"model {index}", 0.25 * index, index) for index in range(30)]
TABLE = ResultTable.from_records("Errors", ROWS, columns=("model", "mre_mm", "n"))


@pytest.fixture
def made(monkeypatch):
    """Experiments that give ``TABLE``, or raise what ``made`` holds under their name; gives their studies."""
    studies = {}
    raised = {}

    def experiment(name):
        def make(study):
            studies[name] = study
            with study.progress("films", 2) as step:
                step()
            if name in raised:
                raise raised[name]
            return ExperimentResult(name, f"On {name}", (), {"errors": TABLE})

        return make

    for name, entry in EXPERIMENTS.items():
        function = entry.function or name.replace("-", "_")
        monkeypatch.setattr(f"cephsure.studies.{function}.{function}", experiment(name))
    return studies, raised


@pytest.fixture
def options(tmp_path, phantom_isbi):
    """Options of a study of stored predictions on drawn films."""
    (model,) = table_study(tmp_path, kinds=("ensemble",), n_test=2, n_away=2).study.models
    films = phantom_isbi(n_train=1, n_test1=2, width_px=97, height_px=120)
    return StudyOptions(name="accuracy", data=films, out=tmp_path / "study", models=(str(model.stored),))


def test_what_is_told_and_what_comes_out(made, options):
    told = []
    outcome = run_study(options, tell=told.append)
    folder = options.out / "accuracy"
    assert [type(event) for event in told] == [Opened, Begun, Found, Reported]
    assert told[0] == Opened(("default ensemble (5), mean",), (), {})
    assert told[1] == Begun("accuracy", 1, 1)
    assert outcome.found == {"accuracy": told[2]}
    assert (outcome.failed, outcome.left_out, outcome.damaged) == ({}, {}, ())
    assert outcome.report == options.out / "report.html" == told[3].report
    assert told[2].folder == folder
    assert sorted(path.name for path in folder.iterdir()) == ["accuracy.json", "errors.csv"]


def test_the_table_shown_is_the_beginning_of_the_first_or_the_one_chosen(made, options, monkeypatch):
    table = run_study(options).found["accuracy"].table
    assert table.title == "Errors (first 20 of 30 rows)"
    assert table.rows[1] == ("model 1", "0.25", "1")
    chosen = TABLE.select("model", "n", where=TABLE.frame["n"] == 7)
    result = ExperimentResult("accuracy", "On accuracy", (), {"errors": TABLE}, shown=chosen)
    monkeypatch.setattr("cephsure.studies.accuracy.accuracy", lambda study: result)
    table = run_study(options).found["accuracy"].table
    assert (table.title, table.rows) == ("Errors", (("model 7", "7"),))


def test_all_goes_on_past_one_that_fails(made, options):
    _, raised = made
    raised["referral"] = InputError("no such annotator")
    told = []
    outcome = run_study(replace(options, name="all"), tell=told.append)
    assert outcome.left_out == {"rotation": "--ct", "other-site": "--other-site"}
    assert outcome.failed == {"referral": raised["referral"]}
    assert list(outcome.found) == [
        *("accuracy", "error-correlation", "distortion", "observers", "detection", "samples")
    ]
    assert [event.about for event in told if isinstance(event, Failed)] == [options.out / "referral"]


def test_a_damaged_result_of_an_earlier_call_is_told(made, options):
    run_study(options)
    (options.out / "accuracy" / "accuracy.json").write_text("{")
    told = []
    outcome = run_study(replace(options, name="referral"), tell=told.append)
    assert "accuracy.json: not an experiment's result" in str(outcome.damaged[0])
    assert [event.error for event in told if isinstance(event, Failed)] == list(outcome.damaged)
    assert outcome.report is not None


def test_an_interruption_goes_on_to_the_caller_after_the_report(made, options):
    _, raised = made
    raised["distortion"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_study(replace(options, name="all"))
    assert "On error-correlation" in (options.out / "report.html").read_text("utf-8")


def test_progress_is_shown(made, options):
    steps = []

    @contextmanager
    def progress(what, total, /):
        yield lambda: steps.append((what, total))

    run_study(options, progress=progress)
    assert steps == [("films", 2)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "accurracy"}, "no experiment is called 'accurracy'"),
        ({"name": "rotation"}, r"the experiment rotation needs --ct \(give --ct\)"),
        ({"other_site_mm_per_px": 0.1}, "--other-site-mm-per-px is the scale of --other-site"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(made, options, changes, complaint):
    with pytest.raises(InputError, match=complaint):
        run_study(replace(options, **changes))
    assert not options.out.exists()


def test_a_model_of_other_landmarks_is_refused(made, options, monkeypatch):
    class Spots:
        device = "cpu"
        landmark_set = LandmarkSet(
            name="spots",
            title="one spot",
            source="made for this test",
            landmarks=(Landmark(1, "U", "spot", "the brightest pixel", "bone", "midline"),),
        )

    real = study_module.open_models

    def with_model(names, *, quick, device, reader):
        return tuple(replace(model, model=Spots()) for model in real(names, quick=quick, device=device))

    monkeypatch.setattr(study_module, "open_models", with_model)
    monkeypatch.setattr("cephsure.datasets.open_dataset", lambda path, **_: open_dataset(path))
    with pytest.raises(InputError, match="the model table-ensemble predicts the landmarks of spots"):
        run_study(options)


class Trained:
    """A model that was trained on all films of a data set."""

    device, landmark_set = "cpu", load_landmark_set("isbi-19")

    def __init__(self, data):
        self.bundle = SimpleNamespace(
            provenance=Provenance(data=open_dataset(data).name, split="all", truth="mean"),
            validation_films=(),
        )


@pytest.fixture
def trained(made, options, monkeypatch):
    """The study's model, trained on the films that are judged."""
    real = study_module.open_models

    def opened(names, *, quick, device, reader):
        model = Trained(options.data)
        return tuple(replace(each, model=model) for each in real(names, quick=quick, device=device))

    monkeypatch.setattr(study_module, "open_models", opened)


@pytest.mark.parametrize("name", ["accuracy", "all"])
def test_a_model_is_not_judged_on_films_it_was_trained_on(trained, options, name):
    with pytest.raises(InputError) as raised:
        run_study(replace(options, name=name))
    assert str(raised.value).startswith("table-ensemble was trained on 2 of the 2 films of 'test1'")
    assert "--split test2" in str(raised.value)
    assert "cephsure train --split train" in str(raised.value)
    assert not options.out.exists()


def test_heads_may_be_turned_for_a_model_that_knows_all_films(trained, made, options, tmp_path):
    ct = tmp_path / "head.nii"
    ct.touch()
    run_study(replace(options, name="rotation", cts=(ct,)))
    assert list(made[0]) == ["rotation"]


def test_the_list_of_experiments_is_light():
    script = (
        "import sys; from cephsure.workflows.study import experiments; print(*experiments()); "
        "print(*sorted({'pandas', 'scipy', 'sklearn', 'matplotlib', 'jinja2'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names, heavy = run.stdout.splitlines()
    assert names.split() == list(experiments())
    assert heavy == ""


def test_samples_are_of_no_reader(options, made):
    with pytest.raises(InputError, match="own samples, which are no reader's marks"):
        run_study(replace(options, name="samples", reader="mean"))
    assert not options.out.exists()
