from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from cephsure.datasets import select
from cephsure.errors import FilmError, InputError
from cephsure.exports import prediction_json
from cephsure.workflows import (
    AnnotatedData,
    CalibrateOptions,
    OutputFiles,
    PredictOptions,
    calibrate,
    evaluate,
    predict_films,
)

pytestmark = pytest.mark.slow

OPTIONS = PredictOptions(mm_per_px=0.5, samples=2)


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def paths(dot_dataset):
    return [film.path for film in select(dot_dataset, "test1").films[:3]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ensemble", "mc-dropout"])
def test_processes_find_the_same_numbers(dot_bundles, processes, paths, tmp_path, kind):
    bundle = dot_bundles("default", kind, 3 if kind == "ensemble" else 1)
    here, there = (OutputFiles(tmp_path / name, ("json", "csv"), overlay=True) for name in ("here", "there"))
    alone = predict_films(paths, bundle, options=OPTIONS, files=here)
    steps = []
    pooled = predict_films(
        paths, bundle, options=OPTIONS, files=there, executor=processes, on_progress=steps.append
    )
    assert pooled == alone
    assert [one.film.path for one in pooled.results] == [str(path) for path in paths]
    assert [(step.done, step.film) for step in steps if step.film] == list(enumerate(paths, start=1))
    written = sorted(file.name for file in here.folder.iterdir())
    assert len(written) == 9
    assert [(there.folder / name).read_bytes() for name in written] == [
        (here.folder / name).read_bytes() for name in written
    ]


@pytest.mark.slow
def test_a_thorough_model_is_thorough_in_other_processes(dot_model, processes, paths):
    options = PredictOptions(thorough=True)
    pooled = predict_films(paths[:1], dot_model, options=options, executor=processes)
    assert pooled == predict_films(paths[:1], dot_model, options=options)
    assert "augmentation_spread_px" in pooled.results[0].landmarks[0].measures.model_dump()


@pytest.mark.parametrize("executor", [None, "threads", "processes"])
def test_a_film_that_cannot_be_read_is_named_and_the_others_go_on(
    dot_model, paths, processes, tmp_path, executor
):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no film")
    with ThreadPoolExecutor(2) as threads:
        pool = {None: None, "threads": threads, "processes": processes}[executor]
        batch = predict_films([paths[0], bad, paths[1]], dot_model, options=OPTIONS, executor=pool)
    assert [one.film.path for one in batch.results] == [str(paths[0]), str(paths[1])]
    assert list(batch.errors) == [bad]
    error = batch.errors[bad]
    assert isinstance(error, FilmError)
    assert (error.where, str(error)[: len(str(bad))]) == (bad, str(bad))


def test_whose_marks_are_foretold_moves_points_and_sizes_regions(read_dots):
    film = read_dots.films.parent / "004.png"

    def found(**options):
        (one,) = predict_films(
            [film], read_dots.calibrated, options=PredictOptions(mm_per_px=0.5, **options)
        ).results
        return one, np.median([mark.region.area_mm2 for mark in one.landmarks])

    (usual, large), (ann, small), (bob, _) = found(), found(reader="ann"), found(reader="bob")
    assert [one.reader.for_whom for one in (usual, ann)] == ["a reader not met before", "reader ann"]
    assert (bob.points_px - ann.points_px)[:, 1].mean() == pytest.approx(4.7, abs=0.5)
    assert large > 2 * small
    of_two, smaller = found(truth_of="mean")
    assert (of_two.reader.truth_of, smaller < large) == ("mean", True)
    assert of_two.points_px == pytest.approx(usual.points_px)


def test_results_travel(dot_model, paths):
    batch = predict_films(paths[:1], dot_model, options=OPTIONS)
    assert pickle.loads(pickle.dumps(batch)) == batch  # noqa: S301 - written here


@pytest.mark.parametrize("pooled", [False, True])
def test_what_no_film_is_at_fault_for_ends_it(dot_model, paths, processes, pooled):
    with pytest.raises(InputError, match="gives 1 to 3 samples a film, not 9"):
        predict_films(
            paths, dot_model, options=PredictOptions(samples=9), executor=processes if pooled else None
        )


def test_options_that_cannot_be_are_said_before_any_work(dot_model, paths, tmp_path):
    with pytest.raises(InputError, match="no format is called 'pdf'"):
        predict_films(paths, dot_model, files=OutputFiles(tmp_path / "out", ("pdf",)))
    with pytest.raises(InputError, match="not possible for a skull film"):
        predict_films(paths, dot_model, options=PredictOptions(mm_per_px=7.0))
    assert not (tmp_path / "out").exists()


def test_no_films_load_no_model():
    assert predict_films([], "no such model").results == ()


def test_the_device_is_said(dot_bundles, paths):
    said = []
    predict_films(paths[:1], dot_bundles(), on_progress=lambda step: said.append(step.remark))
    assert said[0] == "device: cpu"


def test_files_can_be_read_back(dot_model, paths, tmp_path):
    batch = predict_films(paths[:1], dot_model, options=OPTIONS, files=OutputFiles(tmp_path))
    assert prediction_json.read(tmp_path / f"{paths[0].stem}.json") == batch.results[0]


@pytest.mark.slow
def test_evaluating_and_calibrating_in_processes_gives_the_same(dot_data, dot_model, processes):
    data = AnnotatedData(dot_data / "points.csv", mm_per_px=0.5, limit=4)
    alone, pooled = (evaluate(data, dot_model, executor=pool) for pool in (None, processes))
    assert pooled.evaluation == alone.evaluation
    assert pooled.csv() == alone.csv()
    options = CalibrateOptions(folds=2, gate_halves=0)
    alone, pooled = (calibrate(data, dot_model, options=options, executor=pool) for pool in (None, processes))
    assert pooled.figures == alone.figures
    assert pooled.gate == alone.gate
    for own, others in zip(pooled.collected.data.maps, alone.collected.data.maps, strict=True):
        for one, other in zip(own, others, strict=True):
            assert (one.probabilities == other.probabilities).all()
    assert np.array_equal(pooled.collected.data.errors_mm, alone.collected.data.errors_mm, equal_nan=True)
