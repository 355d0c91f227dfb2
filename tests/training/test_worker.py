from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from cephsure.datasets import truth
from cephsure.recipes.coarse_to_fine import stages as coarse_to_fine
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper import stage as paper
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training import worker as module
from cephsure.training.fit import load_checkpoint
from cephsure.training.material import run_films
from cephsure.training.worker import BAD_INPUT, do_job, job_folder, main, recipe_at, recipe_place

EXPORTS = {
    coarse_to_fine: ("export_coarse", "export_fine", "export_orientation"),
    paper: ("export_paper",),
}


@pytest.fixture
def without_export(monkeypatch):
    """Leave the networks in their checkpoints: writing graphs takes longer than training such small ones."""
    leave_out_exports(monkeypatch)


def leave_out_exports(monkeypatch):
    for stages, names in EXPORTS.items():
        for name in names:
            monkeypatch.setattr(stages, name, lambda *_: None)


def log_of(run, job):
    return [json.loads(line) for line in (job_folder(run, job) / "log.jsonl").read_text().splitlines()]


def trained(run, job, stage):
    return load_file(job_folder(run, job) / f"{stage}.checkpoint.safetensors")


def start(run, job, every="auto"):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    recipe = recipe_place(CoarseToFineRecipe)
    process = [sys.executable, "-m", "cephsure.training.job_process", str(os.getpid())]
    command = [*process, str(run), job, "1", "cpu", recipe, every]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def kill_after_first_checkpoint(run, job, delay):
    """Start a job, kill it with signal 9 ``delay`` seconds after its first checkpoint; gives its epochs."""
    process = start(run, job)
    first = job_folder(run, job) / "coarse.checkpoint.safetensors"
    while not first.exists():
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.002)
    time.sleep(delay)
    process.kill()
    process.communicate()
    assert process.returncode in {-signal.SIGKILL, 0}
    return len(log_of(run, job)) if (job_folder(run, job) / "log.jsonl").exists() else 0


@pytest.mark.slow
def test_a_job_killed_at_any_moment_ends_in_the_same_weights(
    begin, films, tiny_recipe, tmp_path, monkeypatch
):
    recipe = replace(
        tiny_recipe,
        coarse_widths=(4, 6),
        coarse_fit=replace(tiny_recipe.coarse_fit, epochs=8),
        fine_fit=replace(tiny_recipe.fine_fit, epochs=3),
    )
    for name in ("killed", "whole"):
        begin(films, tmp_path / name, recipe)
    delay = random.uniform(0, 1.5)  # noqa: S311 - any moment
    print(f"killed {delay:.3f} s after the first checkpoint")  # noqa: T201 - shown where the test fails
    kill_after_first_checkpoint(tmp_path / "killed", "0", delay)
    again = start(tmp_path / "killed", "0")
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors.decode()

    leave_out_exports(monkeypatch)
    do_job(tmp_path / "whole", "0", CoarseToFineRecipe)
    for stage in ("coarse", "fine"):
        killed, whole = (trained(tmp_path / name, "0", stage) for name in ("killed", "whole"))
        assert killed.keys() == whole.keys()
        assert any(key.startswith("averaged.") for key in whole)
        assert any(key.startswith("optimiser.") for key in whole)
        assert [key for key in whole if not torch.equal(killed[key], whole[key])] == []
    for row, other in zip(log_of(tmp_path / "killed", "0"), log_of(tmp_path / "whole", "0"), strict=True):
        assert row | {"seconds": 0} == other | {"seconds": 0}
    names = {path.name for path in job_folder(tmp_path / "killed", "0").iterdir()}
    assert names >= {"coarse.onnx", "coarse.safetensors", "fine.onnx", "fine.safetensors", "done.json"}
    assert not [name for name in names if name.startswith(".")]


@pytest.mark.slow
def test_a_job_that_is_told_to_end_saves_what_it_has_done(begin, films, tiny_recipe, tmp_path):
    fit = replace(tiny_recipe.coarse_fit, epochs=1000)
    begin(films, tmp_path / "run", replace(tiny_recipe, coarse_widths=(4, 6), coarse_fit=fit))
    process = start(tmp_path / "run", "0", every="1000")
    folder = job_folder(tmp_path / "run", "0")
    while not (folder / "log.jsonl").exists():
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.01)
    assert not (folder / "coarse.checkpoint.safetensors").exists()
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    _, facts = load_checkpoint(folder / "coarse.checkpoint.safetensors")
    assert facts["epoch"] >= len(log_of(tmp_path / "run", "0"))


def test_the_papers_dropout_network_is_trained_and_written(begin, films, tiny_paper, tmp_path, monkeypatch):
    run, written = tmp_path / "run", []
    monkeypatch.setattr(paper, "export_paper", lambda *given: written.append(given))
    begin(films, run, tiny_paper, kind="mc-dropout", truth="junior")
    do_job(run, "0", PaperRecipe)
    ((network, recipe, config, folder),) = written
    # Filters 4, 6, 8: sites of 4 and 6 channels going down, of 12 and 8 going up.
    assert sum(config.mask_sizes) == 30
    assert (recipe, folder) == (tiny_paper, job_folder(run, "0"))
    assert torch.equal(network.head.weight, trained(run, "0", "paper")["best.head.weight"])
    facts = json.loads((job_folder(run, "0") / "done.json").read_text())
    assert facts["stages"]["paper"]["epochs"] == 2
    assert facts["validation_films"] == ["007", "008"]  # the last 15 % of eight
    assert facts["validation_unit"] == "mm"


@pytest.mark.usefixtures("without_export")
def test_few_films_without_scale_with_missing_landmarks(begin, csv_films, tiny_recipe, tmp_path):
    run = tmp_path / "run"
    config = begin(csv_films, run, replace(tiny_recipe, folds=15), kind="ensemble", members=2)
    do_job(run, "1", CoarseToFineRecipe)
    rows = log_of(run, "1")
    assert [row["stage"] for row in rows] == ["coarse", "coarse", "fine", "fine"]
    assert all(np.isfinite([row["loss"], row["validation_mre_mm"]]).all() for row in rows)
    assert {row["validation_unit"] for row in rows} == {"frame units"}
    facts = json.loads((job_folder(run, "1") / "done.json").read_text())
    assert facts["validation_unit"] == "frame units"
    assert len(facts["validation_films"]) == 1
    # Film 0 lacks landmark 1, film 1 landmark 2, ...: yet the shape has all of them.
    assert np.isnan(truth(run_films(config)[2], "mean")[2]).all()
    assert np.isfinite(facts["mean_shape"]).all()
    assert np.shape(facts["mean_shape"]) == (19, 2)


@pytest.mark.usefixtures("without_export")
def test_the_paper_without_scale_validates_in_frame_units(begin, csv_films, tiny_paper, tmp_path):
    begin(csv_films, tmp_path / "run", tiny_paper)
    do_job(tmp_path / "run", "0", PaperRecipe)
    rows = log_of(tmp_path / "run", "0")
    assert {row["validation_unit"] for row in rows} == {"frame units"}
    assert all(row["validation_mre_mm"] > 0 for row in rows)


@pytest.mark.usefixtures("without_export")
def test_the_orientation_network_has_no_error_in_mm(begin, films, tiny_recipe, tmp_path):
    begin(films, tmp_path / "run", tiny_recipe)
    do_job(tmp_path / "run", "orientation", CoarseToFineRecipe)
    (row,) = log_of(tmp_path / "run", "orientation")
    assert row["validation_mre_mm"] is None
    assert row["validation_unit"] == "wrong answers"
    assert 0 <= row["validation_score"] <= 1
    facts = json.loads((job_folder(tmp_path / "run", "orientation") / "done.json").read_text())
    assert facts["stages"]["orientation"]["best_validation_mre_mm"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("without_export")
def test_members_differ_and_hold_out_other_films(begin, films, tiny_recipe, tmp_path):
    fit = replace(tiny_recipe.coarse_fit, epochs=1)
    recipe = replace(tiny_recipe, coarse_widths=(4, 6), coarse_fit=fit, fine_fit=fit)
    begin(films, tmp_path / "run", recipe, kind="ensemble", members=2)
    held = []
    for job in ("0", "1"):
        do_job(tmp_path / "run", job, CoarseToFineRecipe)
        held.append(
            json.loads((job_folder(tmp_path / "run", job) / "done.json").read_text())["validation_films"]
        )
    assert not set(held[0]) & set(held[1])
    first, second = (trained(tmp_path / "run", job, "coarse") for job in ("0", "1"))
    assert not torch.equal(first["network.head.weight"], second["network.head.weight"])


def test_a_finished_job_is_left_as_it_is(tmp_path, monkeypatch):
    folder = job_folder(tmp_path, "0")
    folder.mkdir()
    (folder / "done.json").write_text("{}")
    monkeypatch.setattr(module.RunConfig, "load", lambda *_: pytest.fail("nothing is left to do"))
    do_job(tmp_path, "0", PaperRecipe)


@pytest.mark.usefixtures("without_export")
def test_what_a_killed_write_left_is_cleared_away(begin, films, tiny_paper, tmp_path):
    begin(films, tmp_path / "run", tiny_paper)
    folder = job_folder(tmp_path / "run", "0")
    folder.mkdir()
    (folder / ".0123456789abcdef.part").write_bytes(b"half of it")
    do_job(tmp_path / "run", "0", PaperRecipe)
    assert not list(folder.glob(".*"))


def test_a_film_that_cannot_be_read_is_named(begin, films, tiny_paper, tmp_path, capfd):
    data = shutil.copytree(films, tmp_path / "data")
    broken = data / "RawImage" / "TrainingData" / "002.png"
    broken.write_bytes(broken.read_bytes()[:500])
    begin(data, tmp_path / "run", tiny_paper)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.CheckpointTimes, "end_on_signals", lambda _: None)
        with pytest.raises(SystemExit) as end:
            main([str(tmp_path / "run"), "0", "1", "cpu", recipe_place(PaperRecipe), "auto"])
    assert end.value.code == BAD_INPUT
    assert capfd.readouterr().err.splitlines()[-1].startswith(f"{broken}: ")


def test_job_folders(tmp_path):
    assert job_folder(tmp_path, "3").name == "member_03"
    assert job_folder(tmp_path, "orientation").name == "orientation"


def test_what_json_does_not_know_is_null():
    row = {"a": float("nan"), "b": float("inf"), "c": 1.5, "d": 2, "e": None, "f": "x"}
    assert module._strict(row) == {"a": None, "b": None, "c": 1.5, "d": 2, "e": None, "f": "x"}


@pytest.mark.usefixtures("without_export")
def test_a_film_of_another_size_than_the_rest(begin, csv_films, tiny_paper, tmp_path):
    """Films of one data set need not have one size, nor one shape."""
    data = shutil.copytree(csv_films.parent, tmp_path / "data")
    with Image.open(data / "film3.png") as image:
        image.resize((388, 480)).save(data / "film3.png")
    lines = (data / "points.csv").read_text("utf-8").splitlines()
    for index, line in enumerate(lines):
        image, annotator, landmark, x, y = line.split(",")
        if image == "film3.png":
            lines[index] = f"{image},{annotator},{landmark},{2 * float(x)},{2 * float(y)}"
    (data / "points.csv").write_text("\n".join(lines), encoding="utf-8")
    begin(data / "points.csv", tmp_path / "run", tiny_paper)
    do_job(tmp_path / "run", "0", PaperRecipe)
    assert len(log_of(tmp_path / "run", "0")) == 2


@pytest.mark.parametrize("recipe", [PaperRecipe, CoarseToFineRecipe])
def test_a_recipes_class_is_found_again(recipe):
    assert recipe_at(recipe_place(recipe)) is recipe
