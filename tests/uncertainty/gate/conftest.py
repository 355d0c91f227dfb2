"""Films and predictions for the gate's tests: drawn heads whose found points err as the test says."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.films import Film
from cephsure.uncertainty.calibration.data import CalibrationSource
from cephsure.uncertainty.gate import GateTarget, HeadModel, film_signs, fit_gate
from cephsure.uncertainty.gate.acceptance import AcceptanceCase
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction
from cephsure.uncertainty.shape_model import ShapeModel

MM_PER_PX = 0.5
SOURCE = CalibrationSource("drawn", "0" * 64, "all", "mean", "m", "ensemble", "1" * 64, 2, 0)
# Eight corners of something like a head, face to the right, in px.
HEAD = np.array([[60, 60], [200, 50], [190, 90], [40, 110], [200, 160], [180, 210], [90, 200], [150, 130.0]])


def a_prediction(points, *, expected_px=2.0, spread_px=1.0, mm_per_px=MM_PER_PX, facing="right", samples=2):
    expected, spread = (np.broadcast_to(v, len(points)) for v in (expected_px, spread_px))
    mm = mm_per_px
    return Prediction(
        film=FilmInfo(
            path="film.png",
            width_px=260,
            height_px=280,
            mm_per_px=None if mm is None else (mm, mm),
            spacing_source="none" if mm is None else "user",
            facing=facing,
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        ),
        model=ModelInfo(
            name="m", kind="ensemble", recipe="default", samples=samples, seed=0, sha256="1" * 64
        ),
        landmarks=tuple(
            LandmarkPrediction(
                number=i + 1,
                code=f"L{i + 1}",
                name=f"point {i + 1}",
                x_px=float(x),
                y_px=float(y),
                x_mm=None if mm is None else float(x * mm),
                y_mm=None if mm is None else float(y * mm),
                measures=Measures(
                    activation=1.0,
                    spread_px=float(spread[i]),
                    spread_mm=None if mm is None else float(spread[i] * mm),
                    raw_expected_error_px=float(expected[i]),
                    raw_expected_error_mm=None if mm is None else float(expected[i] * mm),
                    entropy=1.0,
                ),
                samples_px=((float(x), float(y)),) * samples,
                expected_error_mm=None if mm is None else float(expected[i] * mm),
            )
            for i, (x, y) in enumerate(points)
        ),
    )


def a_film(rng):
    """Coarse blobs with a little grain: something with details of every size."""
    coarse = np.kron(rng.random((14, 13)), np.ones((20, 20)))
    fine = rng.random((280, 260))
    return Film(pixels=(0.7 * coarse + 0.3 * fine).astype(np.float32))


def a_head(rng):
    return HEAD + rng.normal(0, 3, HEAD.shape)


@pytest.fixture(scope="session")
def gate_films():
    return a_film


@pytest.fixture(scope="session")
def predicted():
    return a_prediction


@pytest.fixture(scope="session")
def heads():
    return a_head


@pytest.fixture(scope="session")
def head_model():
    rng = np.random.default_rng(99)
    shape = ShapeModel.fit(np.stack([a_head(rng) for _ in range(80)]) * MM_PER_PX)
    return HeadModel(shape, (False, False, True, True, False, False, True, False))


@pytest.fixture(scope="session")
def drawn_case():
    """Give ``drawn_case(rng) -> (prediction, truth)``: errors are Rayleigh, of the mean that is expected."""

    def draw(rng):
        truth = a_head(rng)
        expected = rng.uniform(1.0, 6.0, len(truth))
        angle = rng.uniform(0, 2 * np.pi, len(truth))
        radius = rng.rayleigh(expected / np.sqrt(np.pi / 2))
        found = truth + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return a_prediction(found, expected_px=expected, spread_px=expected / 2), truth

    return draw


@pytest.fixture(scope="session")
def learn(gate_films, drawn_case, head_model):
    """Give ``learn(n, target, seed) -> Gate`` from n drawn films, of a reader not met before."""

    def make(n_films, target=None, seed=0):
        rng = np.random.default_rng(seed)
        drawn = [drawn_case(rng) for _ in range(n_films)]
        seen = [film_signs(prediction, gate_films(rng), head=head_model) for prediction, _ in drawn]
        groups = [f"film {number}" for number in range(n_films)]
        errors = [np.hypot(*(p.points_px - truth).T) * MM_PER_PX for p, truth in drawn]
        case = AcceptanceCase(
            np.array([[mark.expected_error_mm for mark in p.landmarks] for p, _ in drawn]),
            np.array(errors),
            np.stack([signs.misfits for signs in seen]),
            groups,
            ["one"] * n_films,
        )
        return fit_gate(
            SOURCE, seen, groups, {"0": case}, head=head_model, shape_source="80 drawn heads", target=target
        )

    return make


@pytest.fixture(scope="session")
def gate(learn):
    return learn(120, GateTarget(max_missed_rate=0.1))
