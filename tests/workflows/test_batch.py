from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from cephsure import workflows
from cephsure.datasets import select
from cephsure.errors import BundleError, FilmError, InputError
from cephsure.workflows import PredictOptions, predict_films
from cephsure.workflows.batch import (
    AnnotatedData,
    Workplace,
    about_samples,
    goes_on,
    open_model,
    silent,
    usual_split,
)

pytestmark = pytest.mark.slow

NAMES = [Path(f"{number}.png") for number in range(5)]


def work(path):
    if path.stem == "1":
        raise FilmError("is no film", where=path)
    if path.stem == "3":
        raise ZeroDivisionError
    return path.stem


def do(work, tasks=NAMES, executor=None, steps=None):
    at = Workplace(executor, lambda step: None if steps is None else steps.append(step))
    return at.each_film(work, tasks, path=lambda path: path, is_films_own=goes_on)


@pytest.mark.parametrize("threads", [0, 3])
def test_films_fail_alone_and_stay_in_order(threads):
    steps = []
    executor = ThreadPoolExecutor(threads) if threads else None
    batch = do(work, executor=executor, steps=steps)
    assert batch.results == ("0", "2", "4")
    assert {path.stem: type(error) for path, error in batch.errors.items()} == {
        "1": FilmError,
        "3": ZeroDivisionError,
    }
    assert [(step.done, step.total, step.film, step.error is None) for step in steps] == [
        (number, 5, NAMES[number - 1], number not in {2, 4}) for number in range(1, 6)
    ]


@pytest.mark.parametrize("error", [BundleError("damaged", where="m"), InputError("9 samples")])
@pytest.mark.parametrize("threads", [0, 1])
def test_what_every_film_would_fail_by_ends_it(error, threads):
    done = []

    def fail(path):
        done.append(path)
        raise error

    with (
        ThreadPoolExecutor(threads or 1) as executor,
        pytest.raises(type(error), match=str(error.what)),
    ):
        do(fail, executor=executor if threads else None)
    assert len(done) < 5 or threads


def test_an_impossible_scale_is_refused_before_the_data_are_opened(dot_set):
    with pytest.raises(InputError, match="not possible for a skull film"):
        AnnotatedData("nowhere", mm_per_px=50.0).open(dot_set)


def test_the_usual_split(dot_dataset):
    assert usual_split(dot_dataset) == "test1"
    assert usual_split(select(dot_dataset, "train")) == "all"
    assert usual_split(dot_dataset, "train") == "train"


def test_the_room_opens_without_heavy_packages_and_gives_what_it_lists():
    heavy = ("torch", "matplotlib", "pandas", "numpy", "onnxruntime")
    code = f"import sys, cephsure.workflows; print(sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert all(getattr(workflows, name).__name__ == name for name in workflows.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        workflows.nothing  # noqa: B018


def test_films_are_done_side_by_side_where_the_networks_are_on_a_gpu():
    def executor(device, given):
        return open_model(SimpleNamespace(device=device), "auto", given, silent)[1].executor

    with ThreadPoolExecutor(1) as given:
        for device in ("cpu", "cuda"):
            assert executor(device, given) is given
    assert executor("cpu", None) is None
    with executor("cuda", None) as threads:
        assert list(threads.map(lambda film: film + 1, range(20))) == list(range(1, 21))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_numbers_do_not_depend_on_it(dot_model, dot_dataset, monkeypatch, device):
    paths = [film.path for film in select(dot_dataset, "test1").films[:3]]
    alone = predict_films(paths, dot_model, options=PredictOptions(samples=2))
    monkeypatch.setattr(dot_model, "device", device)
    monkeypatch.setattr(dot_model._localizer, "device", device)
    together = predict_films(paths, dot_model, options=PredictOptions(samples=2))
    for found, other in zip(together.results, alone.results, strict=True):
        assert found.points_px == pytest.approx(other.points_px, abs=1e-4)


FITTED = "asked for, mine is calibrated with 15: there will be no expected errors, no regions"


def fitted(calibrated_with, judged_with):
    def source(samples):
        return SimpleNamespace(samples=samples)

    return SimpleNamespace(
        name="mine",
        calibration=calibrated_with and SimpleNamespace(fitted_on=source(calibrated_with)),
        gate=judged_with and SimpleNamespace(source=source(judged_with)),
    )


@pytest.mark.parametrize(
    ("model", "samples", "said"),
    [
        (fitted(15, 15), None, None),
        (fitted(15, 15), 15, None),
        (fitted(None, None), 5, None),
        (
            fitted(15, 15),
            5,
            f"5 samples {FITTED}, no verdicts",
        ),
        (
            fitted(15, None),
            1,
            f"1 sample {FITTED}",
        ),
    ],
)
def test_what_other_samples_cost_is_said(model, samples, said):
    assert about_samples(model, samples) == said


def test_it_is_said_when_the_model_is_opened():
    model, told = fitted(15, 15), []
    model.device = "cpu"
    open_model(model, "cpu", None, lambda step: told.append(step.remark), samples=3)
    assert [line[:19] for line in told] == ["3 samples asked for"]
