from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from importlib import resources
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

import cephsure
from cephsure.datasets import open_dataset, select, truth
from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training import runner as module
from cephsure.training.run_config import RunConfig
from cephsure.training.runner import (
    TrainingFailedError,
    jobs_at_once,
    run_jobs,
)
from cephsure.training.worker import job_folder
from tiny_training import train

CONFIG = RunConfig("d", "auto", "all", "mean", None, None, "0", "ensemble", 3, 0, "float32", PaperRecipe())


def test_the_jobs_of_a_run():
    assert CONFIG.job_names == ["0", "1", "2"]
    assert replace(CONFIG, recipe=CoarseToFineRecipe(), members=1).job_names == ["0", "orientation"]


def test_as_many_at_once_as_cores_but_no_more_than_there_are(monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _process: {3, 5}, raising=False)
    assert jobs_at_once(CONFIG) == 2
    assert jobs_at_once(CONFIG, jobs=1) == 1
    assert jobs_at_once(CONFIG, jobs=7) == 3
    assert jobs_at_once(CONFIG, device="cuda") == 1
    monkeypatch.delattr(module.os, "sched_getaffinity")
    monkeypatch.setattr(module.os, "cpu_count", lambda: None)
    assert jobs_at_once(CONFIG) == 1


@pytest.fixture
def processes(monkeypatch, tmp_path):
    """Let other programs do the jobs. Gives what was started, and how many were running then."""
    started = []
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)

    def install(script):
        running = []

        def start(out, job, settings):
            folder = job_folder(out, job)
            folder.mkdir(parents=True, exist_ok=True)
            running[:] = [process for process in running if process.poll() is None]
            started.append((job, *settings, len(running)))
            with (folder / "stderr.txt").open("wb") as errors:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", script, str(folder)], stderr=errors
                )
            running.append(process)
            return process

        monkeypatch.setattr(module, "_start", start)
        return started

    return install


WORKS = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
for epoch in (1, 2):
    new = folder / "new"
    new.write_text('{"stage": "paper", "epoch": 1}\\n' * epoch)
    new.rename(folder / "log.jsonl")
    time.sleep(0.1)
(folder / "done.json").write_text("{}")
"""


@pytest.mark.slow
def test_jobs_wait_for_a_free_place(processes, tmp_path):
    started = processes(WORKS)
    seen = []
    for states in run_jobs(tmp_path, replace(CONFIG, members=5), jobs=2):
        assert sum(state.running for state in states) <= 2
        seen.append([len(state.rows) for state in states])
    assert [job for job, *_ in started] == ["0", "1", "2", "3", "4"]
    assert all(running <= 1 for *_, running in started)
    assert all(state.done and not state.running and len(state.rows) == 2 for state in states)
    # While the first ones train, their logs are read and the last ones wait.
    assert any(counts[0] > 0 and counts[-1] == 0 for counts in seen)


def test_what_is_done_is_not_done_again(processes, tmp_path):
    started = processes(WORKS)
    for job in ("0", "2"):
        job_folder(tmp_path, job).mkdir()
        (job_folder(tmp_path, job) / "done.json").write_text("{}")
    *_, states = run_jobs(tmp_path, CONFIG, jobs=1)
    assert [job for job, *_ in started] == ["1"]
    assert [len(state.rows) for state in states] == [0, 2, 0]
    assert all(state.done for state in states)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (
            "import sys; sys.exit('line 1\\nit broke')",
            TrainingFailedError,
            "job 0 failed with status 1.*it broke",
        ),
        ("pass", TrainingFailedError, "job 0 failed with status 0"),
        ("import os; os.kill(os.getpid(), 9)", TrainingFailedError, "status -9; killed.*out of memory"),
        (
            "import sys; sys.stderr.write('warning\\na.png: is no film\\n'); sys.exit(2)",
            InputError,
            r"^a\.png: is no film$",
        ),
        ("import sys; sys.exit(2)", TrainingFailedError, "status 2"),
    ],
)
def test_a_job_that_fails_ends_the_run(processes, tmp_path, script, error, words):
    processes(script)
    with pytest.raises(error) as caught:
        list(run_jobs(tmp_path, CONFIG, jobs=1))
    assert re.search(words, str(caught.value), re.DOTALL)


@pytest.fixture
def done_elsewhere(monkeypatch):
    """Let a function stand in for the jobs that an executor does; gives what they were."""
    asked = []
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)

    def install(work):
        def do_job(out, job, recipe, *, device, times):
            asked.append((job, recipe, device, times.every))
            work(job_folder(out, job))

        monkeypatch.setattr(module, "do_job", do_job)
        return asked

    return install


def test_an_executor_does_the_jobs(done_elsewhere, tmp_path):
    def work(folder):
        folder.mkdir()
        (folder / "log.jsonl").write_text('{"stage": "paper", "epoch": 1}\n')
        (folder / "done.json").write_text("{}")

    asked = done_elsewhere(work)
    with ThreadPoolExecutor(2) as executor:
        *_, states = run_jobs(tmp_path, CONFIG, device="cuda", checkpoint_every=5, executor=executor)
    assert sorted(asked) == [(job, PaperRecipe, "cuda", 5) for job in "012"]
    assert all(state.done and not state.running and len(state.rows) == 1 for state in states)


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (InputError("is no film", where="a.png"), InputError, r"^a\.png: is no film$"),
        (RuntimeError("it broke"), TrainingFailedError, r"job 0 failed: RuntimeError\('it broke'\)"),
    ],
)
def test_a_job_that_fails_in_an_executor_ends_the_run(done_elsewhere, tmp_path, error, raised, words):
    def work(folder):
        time.sleep(0.0 if folder.name == "member_00" else 0.05)
        raise error

    asked = done_elsewhere(work)
    with ThreadPoolExecutor(1) as executor, pytest.raises(raised, match=words):
        list(run_jobs(tmp_path, replace(CONFIG, members=200), executor=executor))
    assert len(asked) < 200  # those that waited are not begun


@pytest.mark.slow
def test_an_executor_ends_in_the_same_weights(begin, films, tiny_paper, tmp_path):
    kept = []
    for name, workers in (("alone", None), ("executor", ProcessPoolExecutor(1, get_context("spawn")))):
        config = begin(films, tmp_path / name, tiny_paper)
        bundle = train(tmp_path / name, config, jobs=1, executor=workers)
        kept.append((bundle / "members" / "00" / "paper.safetensors").read_bytes())
        if workers is not None:
            workers.shutdown()
    assert kept[0] == kept[1]


@pytest.mark.slow
def test_a_job_that_is_done_may_end_as_it_likes(processes, tmp_path):
    processes(WORKS + "import os; os.kill(os.getpid(), 9)")
    *_, states = run_jobs(tmp_path, CONFIG, jobs=1)
    assert all(state.done for state in states)


def test_the_other_jobs_are_stopped_with_the_run(processes, tmp_path, monkeypatch):
    processes("import time; time.sleep(60)")
    kept = []
    start = module._start
    monkeypatch.setattr(module, "_start", lambda *a: kept.append(start(*a)) or kept[-1])
    states = run_jobs(tmp_path, CONFIG, jobs=3)
    next(states)
    assert [process.poll() for process in kept] == [None] * 3
    states.close()
    assert all(process.returncode is not None for process in kept)


def test_a_job_is_started_with_its_threads_and_its_own_errors(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(module.subprocess, "Popen", lambda *a, **k: calls.append((a, k)))
    module._start(tmp_path, "orientation", ["3", "cpu", "a:B", "auto"])
    ((command,), options) = calls[0]
    assert command[1:4] == ["-m", "cephsure.training.job_process", str(os.getpid())]
    assert command[4:] == [str(tmp_path), "orientation", "3", "cpu", "a:B", "auto"]
    assert options["env"]["OMP_NUM_THREADS"] == "3"
    assert options["stderr"].name == str(tmp_path / "orientation" / "stderr.txt")
    assert options["env"].keys() >= os.environ.keys()
    assert set(options["env"]["PYTHONPATH"].split(os.pathsep)) >= {path for path in sys.path if path}


def test_begin_settles_what_was_left_open(begin, films, csv_films, tmp_path, tiny_recipe):
    config = begin(films, tmp_path / "a", tiny_recipe, kind="mc-dropout", members=9)
    assert (config.split, config.members, config.precision) == ("train", 1, "float32")
    assert config.data == str(films)
    config = begin(csv_films, tmp_path / "b", tiny_recipe, kind="ensemble", members=4)
    assert (config.split, config.members) == ("all", 4)
    assert begin(csv_films, tmp_path / "b", tiny_recipe, kind="ensemble", members=4) == config
    with pytest.raises(InputError, match="another training run"):
        begin(csv_films, tmp_path / "b", tiny_recipe, kind="ensemble", members=5)


def test_begin_refuses_what_would_stop_the_jobs_and_writes_nothing(begin, csv_films, tmp_path, tiny_recipe):
    text = csv_films.read_text("utf-8").splitlines()
    csv_films.with_name("holed.csv").write_text(
        "\n".join(line for line in text if line.split(",")[2] != "9") + "\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="landmark 9"):
        begin(csv_films.with_name("holed.csv"), tmp_path / "run", tiny_recipe)
    with pytest.raises(InputError, match="no annotator"):
        begin(csv_films, tmp_path / "run", tiny_recipe, truth="nobody")
    assert not (tmp_path / "run").exists()


def test_a_landmark_set_of_ones_own_is_found_again(begin, csv_films, tmp_path, tiny_recipe, monkeypatch):
    source = resources.files("cephsure") / "landmarks" / "data" / "isbi19.toml"
    (tmp_path / "mine.toml").write_text(source.read_text("utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    config = begin(csv_films, tmp_path / "run", tiny_recipe, landmark_set="mine.toml")
    assert config.landmark_set == str(tmp_path / "mine.toml")


@pytest.mark.slow
def test_a_whole_run_makes_a_bundle_that_finds_landmarks(finished_run, films):
    """Better than chance by far: a network that has learnt nothing is half the film's height off."""
    out, _, bundle = finished_run
    assert bundle == out / "bundle"
    with Image.open(out / "curves.png") as image:
        assert image.format == "PNG"
    model = cephsure.load_model(bundle)
    errors = []
    for item in select(open_dataset(films), "test1").films:
        prediction = model.predict(item.path, mm_per_px=0.1, facing="right", polarity="positive")
        points = np.array([[landmark.x_px, landmark.y_px] for landmark in prediction.landmarks])
        errors.append(np.linalg.norm(points - truth(item, "mean"), axis=1))
    assert np.mean(errors) < 0.15 * 240
    log = [json.loads(line) for line in (out / "member_00" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["validation_mre_mm"] < 0.4 * log[0]["validation_mre_mm"]


@pytest.mark.slow
def test_a_finished_run_is_only_bundled_again(finished_run, monkeypatch):
    out, config, bundle = finished_run
    monkeypatch.setattr(module, "_start", lambda *_: pytest.fail("nothing is left to do"))
    before = (bundle / "members" / "00" / "fine.safetensors").read_bytes()
    assert train(out, config) == bundle
    assert (bundle / "members" / "00" / "fine.safetensors").read_bytes() == before
