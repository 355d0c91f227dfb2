"""Two films of one head whose lower face moved down: for tests of what is shown of a superimposition."""

from __future__ import annotations

import numpy as np

from cephsure.cephalometry import analyse, analyse_points
from cephsure.cephalometry.two_films import lay_together
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.prediction import LandmarkPrediction, Measures, ModelInfo, Prediction
from judged_films import film_info

NAMES = {mark.code: mark.name for mark in load_landmark_set().landmarks}
# px of a film of 400 x 500 at 0.4 mm; in the landmark set's order.
PLACES = {
    "S": (160, 200), "N": (300, 185), "Or": (275, 240), "Po": (125, 235), "A": (292, 300), "B": (280, 375),
    "Pog": (282, 405), "Me": (262, 425), "Gn": (275, 418), "Go": (165, 360), "LIT": (295, 340),
    "UIT": (300, 345), "UL": (325, 320), "LL": (318, 355), "Sn": (320, 290), "Pog'": (300, 410),
    "PNS": (215, 290), "ANS": (305, 285), "Ar": (140, 265),
}  # fmt: skip
MOVED = ("B", "Pog", "Me", "Gn")


def prediction(places, *, verdict="fit", path="films/001.png", mm_per_px=(0.4, 0.4), sd_mm=0.4, doubtful=()):
    """A calibrated film's points, each off by ``sd_mm`` along x and y; an unfit film has no errors."""
    measures = {"activation": 0.5, "spread_px": 1.0, "spread_mm": None, "entropy": 2.0}
    raw = {"raw_expected_error_px": 5.0, "raw_expected_error_mm": None}
    known = verdict != "unfit" and mm_per_px is not None
    marks = tuple(
        LandmarkPrediction(
            number=number,
            code=code,
            name=NAMES[code],
            x_px=x,
            y_px=y,
            x_mm=None,
            y_mm=None,
            verdict="accept" if verdict == "fit" and code not in doubtful else "review",
            measures=Measures(**measures, **raw),
            samples_px=((x, y),),
            error_covariance_mm2=((sd_mm**2, 0.0), (0.0, sd_mm**2)) if known else None,
        )
        for number, (code, (x, y)) in enumerate(places.items(), start=1)
    )
    film = film_info(path=path, width_px=400, height_px=500, mm_per_px=mm_per_px)
    model = ModelInfo(name="made", kind="ensemble", recipe="default", samples=1, seed=0, sha256="0" * 64)
    no_promise = None if known else "the film is unfit for automatic evaluation"
    return Prediction(
        film=film, model=model, landmarks=marks, verdict=verdict, why="because", no_promise=no_promise
    )


def two_films(
    first="fit", second="fit", *, down_px=15.0, doubtful=(), mm_per_px=(0.4, 0.4), paths=None, **more
):
    """Two films laid on each other, each with a verdict; None for a person's points."""
    later = {code: (x, y + down_px * (code in MOVED)) for code, (x, y) in PLACES.items()}
    analyses, predictions = [], []
    names = paths or ("films/001.png", "films/002.png")
    for places, verdict, scale, path in zip(
        (PLACES, later), (first, second), ((0.4, 0.4), mm_per_px), names, strict=True
    ):
        found = prediction(places, verdict=verdict or "fit", path=path, mm_per_px=scale, doubtful=doubtful)
        analysis = analyse(found, ())
        if verdict is None:
            at = {code: np.array(place, dtype=float) for code, place in places.items()}
            analysis, found = (
                analyse_points(at, (), film=found.film, points_from="a person's points: p.csv"),
                None,
            )
        analyses.append(analysis)
        predictions.append(found)
    return lay_together(tuple(analyses), tuple(predictions), NAMES, **more)
