from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.datasets import open_dataset, select
from cephsure.errors import InputError
from cephsure.inference.samples import Samples
from cephsure.model import RawPrediction
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.calibration.fitting import Readings
from cephsure.uncertainty.calibration.rehearsal import rehearse
from cephsure.uncertainty.gate import GateTarget
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo
from cephsure.uncertainty.reference import NO_REFERENCE
from cephsure.workflows.calibration_films import collect, read_films
from cephsure.workflows.gate_films import (
    HalfCheck,
    check_on_halves,
    gate_films,
    gate_way_out,
    halves_line,
)
from cephsure.workflows.networks import Networks

pytestmark = pytest.mark.slow


class Noisy:
    """Knows the true points of the drawn films and misses them by what it says."""

    name, kind, default_samples, networks_sha256 = "n", "baseline", 1, "0" * 64
    reference = NO_REFERENCE

    def __init__(self, root, landmark_set):
        self.truths = json.loads((root / "truth.json").read_text("utf-8"))
        self.landmark_set = landmark_set

    def predict_raw(self, film, *, seed=0):
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
        found = to_prediction(drawn, film_info=info, model_info=model, landmark_set=self.landmark_set)
        return RawPrediction(found, points[None, None])


@pytest.fixture(scope="module")
def drawn(phantom_isbi):
    """Give ``drawn(n_train, n_test=24) -> (data set, Collected of the test films, these rehearsed)``."""

    def make(n_train, n_test=24):
        root = phantom_isbi(n_train=n_train, n_test1=n_test, width_px=194, height_px=240, noise_px=0.0)
        whole = open_dataset(root)
        model = Noisy(root, whole.landmark_set)
        chosen = select(whole, "test1")
        collected = collect(Networks(model), chosen, whole, split="test1")
        names = sorted(set(collected.data.groups))
        rehearsed = rehearse(Readings(read_films(collected, chosen)), [names[::2], names[1::2]])
        return whole, collected, rehearsed

    return make


def test_the_shape_comes_from_training_films_without_those_of_a_test_films_group(drawn):
    whole, collected, rehearsed = drawn(22)
    films = gate_films(collected, rehearsed)
    # Film 001 shows the last test film's exposure.
    assert films.heads.head.shape.n_films == 21
    assert films.heads.source.startswith("21 training films")
    assert len(films.signs) == len(films.films) == 24
    assert sum(films.heads.head.bilateral) == sum(
        mark.side == "bilateral" for mark in whole.landmark_set.landmarks
    )
    gate = films.learn(GateTarget())
    assert gate.judges_films
    assert {rule.threshold_mm for rule in gate.rules.values()} == {None}
    assert {"0", "known"} <= set(gate.rules)


def test_without_training_films_a_third_gives_the_shape_and_nothing_else(drawn):
    _, collected, rehearsed = drawn(3)
    films = gate_films(collected, rehearsed)
    assert films.heads.head.shape.n_films == 8
    assert len(films.signs) == len(films.films) == 16
    assert "does not use otherwise" in films.heads.source
    nothing = gate_way_out(films, films.learn(GateTarget()), GateTarget(), 24)
    assert "there are 16 besides the 8 that gave the shape of heads" in nothing[0]
    assert films.groups == tuple(
        group
        for group, name in zip(collected.data.groups, collected.data.film_ids, strict=True)
        if name not in films.heads.apart
    )


def test_films_of_another_site_count_where_some_of_them_were_corrected(drawn):
    _, collected, rehearsed = drawn(22)
    far = replace(collected.data.source, dataset="far")
    data = replace(collected.data, source=far)
    there = [
        replace(one, reader=replace(one.reader, person="far: kim", data=replace(one.reader.data, source=far)))
        for one in rehearsed
        if one.case in {"0", "1"}
    ]
    plain = gate_films(collected, rehearsed).cases
    cases = gate_films(collected, [*rehearsed, *there], [replace(collected, data=data)]).cases
    assert len(cases["0"].groups) == len(plain["0"].groups)
    assert len(cases["1"].groups) == 2 * len(plain["1"].groups)
    assert {group.startswith("far ") for group in cases["1"].groups} == {True, False}
    assert set(cases["1"].persons) - set(plain["1"].persons) == {"far: kim"}


def test_halves_are_tried(drawn):
    _, collected, rehearsed = drawn(22)
    films = gate_films(collected, rehearsed)
    checks = check_on_halves(films, GateTarget(max_missed_rate=0.5, false_alarm_rate=0.2), repeats=3)
    assert len(checks) == 3
    assert all(0 <= one.unfit <= one.not_fit <= 1 for one in checks)
    assert checks == check_on_halves(films, GateTarget(max_missed_rate=0.5, false_alarm_rate=0.2), repeats=3)


def test_a_gate_that_accepts_nothing_has_a_way_out(drawn):
    _, collected, rehearsed = drawn(22)
    films = gate_films(collected, rehearsed)
    first, second = gate_way_out(films, films.learn(GateTarget()), GateTarget(), 24)
    assert "54 independent films are enough" in first
    assert "there are 24" in first
    assert second.endswith("cephsure site-calibrate")
    easy = GateTarget(max_missed_rate=0.5)
    assert gate_way_out(films, films.learn(easy), easy, 24) == ()


def test_the_line_counts_what_was_kept():
    checks = (HalfCheck(0.04, 0.05, 0.5, 0.1, 0.0), HalfCheck(0.06, 0.05, 0.3, 0.0, 0.0))
    line = halves_line(checks, GateTarget())
    assert "kept in 1 of 2, 40.0% of points accepted, 5.0% of films not fit, 0.0% unfit" in line


def test_too_few_films_give_no_gate_but_are_all_seen(drawn):
    _, collected, rehearsed = drawn(0, n_test=6)
    assert len(collected.films) == 6
    with pytest.raises(InputError, match="needs 3 films with all landmarks, there are 2"):
        gate_films(collected, rehearsed)
    assert "there are 6" in gate_way_out(None, None, GateTarget(), 6)[0]
