from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.datasets import open_dataset, select
from cephsure.errors import InputError
from cephsure.inference.samples import Samples
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.calibration import CalibrationSource, calibration_data
from cephsure.uncertainty.gate import GateTarget, read_gate
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo
from cephsure.workflows.assess import assess
from cephsure.workflows.collect import Collected
from cephsure.workflows.gate import HalfCheck, add_gate, check_on_halves, gate_films, halves_line


class Noisy:
    """Knows the true points of the drawn films and misses them by what it says."""

    def __init__(self, root, landmark_set):
        self.truths = json.loads((root / "truth.json").read_text("utf-8"))
        self.landmark_set = landmark_set

    def predict(self, film, *, samples=None, seed=0):
        rng = np.random.default_rng(int(film.path.stem))
        doubt = rng.uniform(2, 10, 19)
        points = np.array(self.truths[film.path.stem]) + rng.normal(0, 1, (19, 2)) * doubt[:, None] / 2
        info = FilmInfo(
            path=str(film.path),
            width_px=film.width_px,
            height_px=film.height_px,
            mm_per_px=(film.spacing.x_mm_per_px, film.spacing.y_mm_per_px),
            spacing_source="dataset",
            facing="right",
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        )
        model = ModelInfo(name="n", kind="baseline", recipe="none", samples=1, seed=seed, sha256="0" * 64)
        drawn = Samples(points[None], -doubt[None], doubt[None], doubt[None])
        return to_prediction(drawn, film_info=info, model_info=model, landmark_set=self.landmark_set)


@pytest.fixture(scope="module")
def drawn(phantom_isbi):
    """Give ``drawn(n_train) -> (data set, Collected of 24 test films)``."""

    def make(n_train):
        root = phantom_isbi(n_train=n_train, n_test1=24, width_px=194, height_px=240, noise_px=0.0)
        whole = open_dataset(root)
        assessment = assess(Noisy(root, whole.landmark_set), select(whole, "test1"), n_resamples=2)
        by_id = {film.film_id: film for film in whole.films}
        films = tuple(by_id[one.film_id] for one in assessment.films)
        data = calibration_data(
            [one.prediction for one in assessment.films],
            np.stack([one.truth_px for one in assessment.films]),
            film_ids=[film.film_id for film in films],
            groups=[film.group for film in films],
            source=CalibrationSource("drawn", "0", "test1", "mean", "n", "baseline", "0" * 64, 1, 0),
        )
        return whole, Collected(data, films, assessment)

    return make


def test_the_shape_comes_from_training_films_without_those_of_a_test_films_group(drawn):
    whole, collected = drawn(22)
    films = gate_films(collected, whole, truth="mean")
    # Film 001 shows the last test film's exposure.
    assert films.head.shape.n_films == 21
    assert films.shape_source.startswith("21 training films")
    assert len(films.signs) == len(films.films) == 24
    assert sum(films.head.bilateral) == sum(mark.side == "bilateral" for mark in whole.landmark_set.landmarks)
    gate = films.learn(GateTarget())
    assert gate.judges_films
    assert gate.threshold_mm is None


def test_without_training_films_a_third_gives_the_shape_and_nothing_else(drawn):
    whole, collected = drawn(3)
    looked = []
    films = gate_films(collected, whole, truth="mean", on_film=lambda: looked.append(1))
    assert films.head.shape.n_films == 8
    assert len(films.signs) == len(films.films) == len(looked) == 16
    assert "does not use otherwise" in films.shape_source
    assert films.data.film_ids == tuple(film.film_id for film in films.films)


def test_halves_are_tried(drawn):
    whole, collected = drawn(22)
    films = gate_films(collected, whole, truth="mean")
    checks = check_on_halves(films, GateTarget(max_missed_rate=0.5, false_alarm_rate=0.2), repeats=3)
    assert len(checks) == 3
    assert all(0 <= one.unfit <= one.not_fit <= 1 for one in checks)
    assert checks == check_on_halves(films, GateTarget(max_missed_rate=0.5, false_alarm_rate=0.2), repeats=3)


def test_the_line_counts_what_was_kept():
    checks = (HalfCheck(0.04, 0.05, 0.5, 0.1, 0.0), HalfCheck(0.06, 0.05, 0.3, 0.0, 0.0))
    line = halves_line(checks, GateTarget())
    assert "kept in 1 of 2, 40.0% of points accepted, 5.0% of films not fit, 0.0% unfit" in line


def test_a_bundle_with_a_gate_is_whole(drawn, dot_bundles, tmp_path):
    whole, collected = drawn(22)
    gate = gate_films(collected, whole, truth="mean").learn(GateTarget())
    folder = tmp_path / "bundle"
    shutil.copytree(dot_bundles(), folder)
    before = read_bundle(folder).sha256
    add_gate(gate, folder)
    add_gate(gate, folder)
    assert read_bundle(folder).sha256 != before
    assert read_gate(folder) == gate
    assert (folder / "MODEL_CARD.md").read_text("utf-8").count("## Gate") == 1
    with pytest.raises(InputError, match="not a model bundle"):
        add_gate(gate, tmp_path)
