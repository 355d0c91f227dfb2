from __future__ import annotations

import numpy as np
import pytest

from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction

WIDTH, HEIGHT = 2000, 2400
CODES = load_landmark_set().codes

# A head that faces right, in tenths of a millimetre; nobody's, but in human proportions.
HEAD = dict(
    zip(
        CODES,
        [
            *[(820, 1000), (1500, 920), (1380, 1180), (650, 1150), (1450, 1480), (1400, 1860)],
            *[(1390, 1980), (1310, 2060), (1360, 2040), (760, 1760), (1440, 1670), (1470, 1690)],
            *[(1600, 1640), (1570, 1790), (1560, 1500), (1500, 2000), (980, 1420), (1490, 1400), (700, 1300)],
        ],
        strict=True,
    )
)


@pytest.fixture(scope="session")
def head():
    """(19, 2) points of a head that faces right, in px of a film of 2000 x 2400."""
    points = np.array([HEAD[code] for code in CODES], dtype=np.float64)
    points.flags.writeable = False
    return points


@pytest.fixture(scope="session")
def make_prediction():
    """Predictions of points (L, 2), with samples (T, L, 2) and calibrated covariances (L, 2, 2), mm²."""

    def make(
        points, *, mm_per_px=(0.1, 0.1), facing="right", samples=None, covariances_mm2=None, codes=CODES
    ):
        drawn = np.asarray(points)[None] if samples is None else np.asarray(samples)

        def landmark(index, code):
            x, y = map(float, points[index])
            measures = Measures(
                activation=0.5,
                spread_px=1.0,
                spread_mm=None,
                raw_expected_error_px=5.0,
                raw_expected_error_mm=None,
                entropy=2.0,
            )
            covariance = None
            if covariances_mm2 is not None:
                covariance = tuple(tuple(map(float, row)) for row in covariances_mm2[index])
            return LandmarkPrediction(
                number=index + 1,
                code=code,
                name=code,
                x_px=x,
                y_px=y,
                x_mm=None if mm_per_px is None else x * mm_per_px[0],
                y_mm=None if mm_per_px is None else y * mm_per_px[1],
                measures=measures,
                samples_px=tuple((float(a), float(b)) for a, b in drawn[:, index]),
                error_covariance_mm2=covariance,
            )

        return Prediction(
            film=FilmInfo(
                path="films/001.png",
                width_px=WIDTH,
                height_px=HEIGHT,
                mm_per_px=mm_per_px,
                spacing_source="none" if mm_per_px is None else "user",
                facing=facing,
                facing_source="found",
                polarity="positive",
                polarity_source="found",
            ),
            model=ModelInfo(
                name="test-ensemble",
                kind="ensemble",
                recipe="default",
                samples=len(drawn),
                seed=0,
                sha256="0" * 64,
            ),
            landmarks=tuple(landmark(index, code) for index, code in enumerate(codes)),
        )

    return make


@pytest.fixture(scope="session")
def judge():
    """Give a prediction a film's verdict; on a fit film all points are accepted but the ``doubtful``."""

    def give(prediction, verdict, *, doubtful=()):
        whys = {"unfit": "film unfit", "review": "film for review"}

        def said(mark):
            taken = verdict == "fit" and mark.code not in doubtful
            why = whys.get(verdict, f"expected {'0.50 <=' if taken else '1.50 >'} 1.08 mm")
            return mark.model_copy(update={"verdict": "accept" if taken else "review", "why": why})

        no_promise = "the film is unfit for automatic evaluation" if verdict == "unfit" else None
        return prediction.model_copy(
            update={
                "verdict": verdict,
                "why": "19 of 19 points accepted" if verdict == "fit" else "an unusual head",
                "no_promise": no_promise,
                "landmarks": tuple(map(said, prediction.landmarks)),
            }
        )

    return give
