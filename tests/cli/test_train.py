from __future__ import annotations

import io
import json
import shutil
import sys
from importlib import util
from pathlib import Path

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.cli import terminal
from cephsure.cli.train import training_display
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training import device, material
from cephsure.training import runner as run_module
from cephsure.training.run_config import RunConfig
from cephsure.training.runner import JobState
from cephsure.training.stage import FitSettings
from cephsure.uncertainty.reference import Reference, read_reference
from cephsure.workflows import train_bundle
from cephsure.workflows.train_bundle import TrainingState


class Training:
    """Stands in for the trainings themselves; keeps what it was asked."""

    def __init__(self):
        self.begun, self.jobs, self.name, self.stop = {}, {}, None, None
        self.referred = {}

    def begin(self, data, out, **options):
        options.pop("tell")
        self.begun = {"data": data, "out": out, **options}
        return RunConfig(
            data=data,
            data_format=options["data_format"],
            split=options["split"] or "train",
            truth=options["truth"],
            mm_per_px=options["mm_per_px"],
            landmark_set=options["landmark_set"],
            data_sha256="0",
            kind=options["kind"],
            members=options["members"] if options["kind"] == "ensemble" else 1,
            seed=options["seed"],
            precision="float32",
            recipe=options["recipe"],
            start=None if options["start"] is None else options["start"].name,
        )

    def run_jobs(self, out, config, *, jobs, device, checkpoint_every, executor):
        assert executor is None  # the command starts processes
        self.jobs = {"jobs": jobs, "device": device, "checkpoint_every": checkpoint_every}
        state = JobState("0", running=True)
        yield [state]
        stage = "paper" if isinstance(config.recipe, PaperRecipe) else "coarse"
        row = {
            "stage": stage,
            "epoch": 1,
            "epochs": 2,
            "loss": 3.5,
            "validation_mre_mm": 2.0,
            "seconds": 60.0,
        }
        state.rows = [row]
        yield [state]
        if self.stop is not None:
            raise self.stop
        state.rows, state.done, state.running = [row, row | {"epoch": 2}], True, False
        yield [state]

    def finish(self, out, config, *, name):
        self.name = name
        stages = {"fine": {"validation_mre_mm": 1.5, "best_validation_mre_mm": 1.4}}
        bundle = out / "bundle"
        bundle.mkdir(parents=True)
        (bundle / "bundle.json").write_text(json.dumps({"members": [{"stages": stages}], "recipe": {}}))
        return bundle

    def add_reference(self, folder, films, *, truth, source, on_progress):
        self.referred = {"folder": folder, "films": films, "truth": truth, "source": source}


@pytest.fixture
def training(monkeypatch):
    fake = Training()
    for name in ("begin", "run_jobs", "finish"):
        monkeypatch.setattr(run_module, name, getattr(fake, name))
    monkeypatch.setattr(device, "find_device", lambda wanted: {"auto": "cpu"}.get(wanted, wanted))
    monkeypatch.setattr(material, "run_films", lambda config: ("one", "two"))
    monkeypatch.setattr(train_bundle, "add_reference", fake.add_reference)
    return fake


def test_from_films_to_a_bundle(cephsure, training, tmp_path):
    out = tmp_path / "my run"
    run = cephsure("train", "--data", tmp_path, "--out", out, "--model", "baseline")
    assert run.status == 0, run.err
    assert run.out.splitlines() == [
        f"bundle      {out}/bundle",
        f"curves      {out}/curves.png",
        "validation  mean radial error 1.50 mm: single networks, films they were not trained on",
    ]
    assert run.lines == [
        f"new run in {out}: reading {tmp_path}",
        "training in float32 on cpu",
        "member 00: coarse 1/2, loss 3.5, validation MRE 2.00 mm (" + run.lines[2].split("(")[1],
        run.lines[3],
        "next:",
        f"  cephsure evaluate --data {tmp_path} --truth mean --model '{out}/bundle'",
        f"  cephsure predict FILM --model '{out}/bundle'",
    ]
    assert run.lines[2].endswith(" left)")
    assert run.lines[3].startswith("member 00: coarse 2/2")


def test_what_is_not_said_is_the_usual(cephsure, training, tmp_path):
    assert cephsure("train", "--data", tmp_path, "--out", tmp_path / "run").status == 0
    assert training.begun == {
        "data": str(tmp_path),
        "out": tmp_path / "run",
        "recipe": CoarseToFineRecipe(),
        "kind": "ensemble",
        "members": 15,
        "truth": "mean",
        "seed": 0,
        "data_format": "auto",
        "split": None,
        "mm_per_px": None,
        "landmark_set": None,
        "images": None,
        "labels": "auto",
        "precision": None,
        "start": None,
        "old_films": None,
    }
    assert training.jobs == {"jobs": None, "device": "cpu", "checkpoint_every": None}
    assert training.name is None


def test_a_model_is_gone_on_from(cephsure, training, tmp_path, dot_bundles):
    bundle = dot_bundles("default", "ensemble", 3)
    command = ["train", "--data", tmp_path, "--start-from", bundle]
    run = cephsure(*command, "--old-films", tmp_path / "old", "--out", tmp_path / "run")
    assert run.status == 0, run.err
    assert (training.begun["kind"], training.begun["members"]) == ("ensemble", 3)
    assert (training.begun["start"].folder, training.begun["old_films"]) == (bundle, tmp_path / "old")
    assert training.begun["recipe"].changes[-1] == f"goes on from {training.begun['start'].name}"
    promises = run.out.splitlines()[3]
    assert promises.startswith("promises    none: ")
    assert promises.endswith("it promises nothing until it is calibrated on films that it has not seen")

    refused = cephsure(*command, "--recipe", "paper", "--out", tmp_path / "other")
    assert (refused.status, refused.out) == (2, "")
    assert "is of the recipe 'default' (leave out --recipe)" in refused.err


def test_with_old_films_there_is_a_model_that_marks_as_before(
    cephsure, training, tmp_path, dot_bundles, monkeypatch
):
    start, out = dot_bundles("default", "baseline", 1), tmp_path / "run"
    known, named = Reference(None, None, "2 films"), []
    before = shutil.copytree(dot_bundles("default", "baseline", 1), tmp_path / "before")

    def finish_before(out, config, *, name):
        named.append(name)
        return before

    monkeypatch.setattr(run_module, "finish_before", finish_before)
    monkeypatch.setattr(train_bundle, "add_reference", lambda *_, **__: known)
    run = cephsure(
        "train",
        "--data",
        tmp_path,
        "--start-from",
        start,
        "--old-films",
        tmp_path,
        "--out",
        out,
        "--name",
        "on",
    )
    assert run.status == 0, run.err
    assert (
        run.out.splitlines()[1]
        == f"as before   {before}: marks as those do who taught {read_bundle(start).name}"
    )
    assert named == ["on"]
    assert read_reference(read_bundle(before).folder) == known  # with checksums that are right again


def test_every_option_has_its_effect(cephsure, training, tmp_path):
    options = "--recipe paper --model ensemble --members 3 --truth senior --seed 9 --format csv --split all"
    options += (
        " --mm-per-px 0.2 --landmarks mine.toml --jobs 2 --epochs 7 --width 0.5 --stop-below-mm 4 --name my"
        " --schedule cosine --device cuda --checkpoint-every 5 --images films --labels names"
        " --precision bfloat16"
    )
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run", *options.split())
    assert run.status == 0, run.err
    recipe = training.begun.pop("recipe")
    assert isinstance(recipe, PaperRecipe)
    assert (recipe.filters[0], recipe.fit.epochs, recipe.fit.stop_below_mm) == (32, 7, 4.0)
    assert recipe.fit.schedule == "cosine"
    assert recipe.changes == ("filters x 0.5", "7 epochs", "cosine schedule", "stopped below 4 mm")
    assert {key: training.begun[key] for key in training.begun if key not in {"data", "out"}} == {
        "kind": "ensemble",
        "members": 3,
        "truth": "senior",
        "seed": 9,
        "data_format": "csv",
        "split": "all",
        "mm_per_px": 0.2,
        "landmark_set": "mine.toml",
        "images": Path("films"),
        "labels": "names",
        "precision": "bfloat16",
        "start": None,
        "old_films": None,
    }
    assert training.jobs == {"jobs": 2, "device": "cuda", "checkpoint_every": 5}
    assert training.name == "my"
    assert training.referred == {
        "folder": tmp_path / "run" / "bundle",
        "films": ("one", "two"),
        "truth": "senior",
        "source": "2 training films",
    }
    # Evaluation on the films it has seen would flatter it.
    assert "--data OTHER_FILMS" in run.err


def test_the_first_member_may_be_validated_on_another_fold(cephsure, training, tmp_path):
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run", "--folds", 5, "--fold", 3)
    assert run.status == 0, run.err
    recipe = training.begun["recipe"]
    assert (recipe.folds, recipe.first_fold) == (5, 3)


def test_a_run_that_goes_on_is_said_to(cephsure, training, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    run = cephsure("train", "--data", "films", "--out", tmp_path)
    assert run.lines[0] == f"going on with {tmp_path}: reading films"


def test_an_interruption_is_one_line(cephsure, training, tmp_path):
    training.stop = KeyboardInterrupt()
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run")
    assert run.status == 130
    assert run.lines[-1] == "stopped; the same command goes on from where it stopped"
    assert "Traceback" not in run.err
    assert run.out == ""


def test_quiet_leaves_the_results(cephsure, training, tmp_path):
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run", "--quiet")
    assert run.err == ""
    assert len(run.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--model", "baseline", "--members", "3"], "error: --members is for an ensemble, not for baseline"),
        (["--width", "0.5"], "recipe 'default' has one width"),
        (["--fold", "2"], "which folds is fold 2 one of? (give --folds too)"),
        (["--folds", "5", "--fold", "5"], "of 5 folds there is no fold 5"),
        (["--recipe", "mine"], "there is no recipe 'mine' (known: paper, default)"),
        (["--mm-per-px", "-1"], "error: "),
    ],
)
def test_options_that_do_not_fit_are_bad_input(cephsure, training, tmp_path, options, complaint):
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run", *options)
    assert run.status == 2
    assert complaint in run.lines[-1]
    assert training.begun == {}


@pytest.mark.parametrize("options", [["--model", "oracle"], ["--members", "1"], []])
def test_wrong_usage(cephsure, training, tmp_path, options):
    required = ["--data", tmp_path, "--out", tmp_path] if options else []
    run = cephsure("train", *required, *options)
    assert run.status == 2
    assert "Usage: " in run.err


def test_missing_packages_are_named_in_one_line(cephsure, monkeypatch, tmp_path):
    real = util.find_spec
    monkeypatch.setattr(
        "cephsure.workflows.train_bundle.find_spec",
        lambda name: None if name in {"torch", "onnx"} else real(name),
    )
    run = cephsure("train", "--data", tmp_path, "--out", tmp_path / "run")
    assert run.status == 2
    (line,) = run.lines
    assert line.startswith('error: training needs torch, onnx (pip install "cephsure[train]"; ')
    assert "constraints.txt" in line


def test_data_that_are_not_there(cephsure, tmp_path):
    run = cephsure("train", "--data", tmp_path / "nothing", "--out", tmp_path / "run")
    assert run.status == 2
    assert run.lines[-1] == f"error: {tmp_path / 'nothing'}: there is no such file or folder"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_another_run_in_the_folder_is_refused(cephsure, phantom_isbi, tmp_path):
    data = phantom_isbi(n_train=4, n_test1=0, width_px=97, height_px=120)
    (tmp_path / "run.json").write_text("{}")
    run = cephsure("train", "--data", data, "--out", tmp_path)
    assert run.status == 2
    assert run.lines[-1] == f"error: {tmp_path / 'run.json'}: not a training run's configuration"


FIT = FitSettings(epochs=3)
RECIPE = CoarseToFineRecipe(coarse_fit=FIT, fine_fit=FIT, orientation_fit=FIT)
CONFIG = RunConfig("d", "auto", "all", "mean", None, None, "0", "ensemble", 2, 0, "float32", RECIPE)


def row(stage, epoch):
    return {
        "stage": stage,
        "epoch": epoch,
        "epochs": 3,
        "loss": 2.5,
        "validation_score": 0.25,
        "validation_mre_mm": None if stage == "orientation" else 1.0 + epoch,
        "validation_unit": "wrong answers" if stage == "orientation" else "mm",
        "seconds": 10.0 * epoch,
    }


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch):
    monkeypatch.setattr(terminal, "settings", terminal.Settings())


def test_a_log_has_a_line_for_each_new_epoch(capsys):
    states = [JobState("0", running=True), JobState("1"), JobState("orientation")]
    with training_display() as show:
        show(TrainingState(CONFIG, 1, states))
        assert capsys.readouterr().err == ""
        states[0].rows = [row("coarse", 1), row("coarse", 2)]
        show(TrainingState(CONFIG, 1, states))
        show(TrainingState(CONFIG, 1, states))
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(" (")[0] for line in lines] == [
            "member 00: coarse 1/3, loss 2.5, validation MRE 2.00 mm",
            "member 00: coarse 2/3, loss 2.5, validation MRE 3.00 mm",
        ]
        assert all(line.endswith(" left)") for line in lines)
        states[2].rows = [row("orientation", 1)]
        show(TrainingState(CONFIG, 1, states))
        assert "orientation: orientation 1/3, loss 2.5, wrong answers 25 %" in capsys.readouterr().err


def test_what_an_earlier_run_has_left_is_said_once(capsys):
    states = [
        JobState("0", [row("coarse", 3), row("fine", 3)], done=True),
        JobState("1", [row("coarse", 1)]),
        JobState("orientation"),
    ]
    with training_display() as show:
        show(TrainingState(CONFIG, 1, states))
        show(TrainingState(CONFIG, 1, states))
    assert capsys.readouterr().err.splitlines() == [
        "member 00: done",
        "member 01: was at coarse 1/3, loss 2.5, validation MRE 2.00 mm",
    ]


def test_quiet_says_nothing(capsys):
    terminal.settings.quiet = True
    with training_display() as show:
        show(TrainingState(CONFIG, 1, [JobState("0", [row("coarse", 1)]), JobState("1")]))
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_bar_networks_and_time_left(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "120"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    states = [
        JobState("0", [row("coarse", 1)], running=True),
        JobState("1", running=True),
        JobState("orientation", [row("orientation", 3)], done=True),
    ]
    with training_display() as show:
        show(TrainingState(CONFIG, 1, states))
    text = screen.getvalue()
    assert "1 of 3 networks" in text
    assert "member 00  coarse 1/3, loss 2.5, validation MRE 2.00 mm" in text
    assert "member 01  reading films" in text
    assert " left" in text
    assert "orientation 3/3" not in text
