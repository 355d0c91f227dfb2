"""A prediction as rows, one a landmark: the columns of the CSV table and of the data frame."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from cephsure.uncertainty.prediction import LandmarkPrediction, Prediction, Region

Value = str | int | float | None

TEXT = (
    *("film", "code", "name", "verdict", "why", "note", "region_kind"),
    *("film_verdict", "film_why", "promise", "for_whom", "spacing_source", "model"),
)
"""The columns that hold words; all others hold numbers."""

COLUMNS = (
    *("film", "number", "code", "name", "x_px", "y_px", "x_mm", "y_mm"),
    *("expected_error_mm", "verdict", "why", "note", "region_kind", "region_level", "region_area_mm2"),
    *("film_verdict", "film_why", "promise", "for_whom"),
    *("mm_per_px_x", "mm_per_px_y", "spacing_source", "model"),
)
"""The columns in the order of a reader's questions: where, how sure, which film; measures follow them."""


def landmark_rows(prediction: Prediction) -> list[dict[str, Value]]:
    """One row a landmark: ``COLUMNS``, then each measure under its key; None where nothing is known.

    ``expected_error_mm`` is the calibrated one and, as the region, None where nothing is promised; the heat
    maps' own are measures (``raw_expected_error_px``, ``_mm``). ``film`` is the film's path as it was given.
    The area of a region that is all of the film is infinite.
    """
    film = prediction.film
    x, y = film.mm_per_px or (None, None)
    about_film: dict[str, Value] = {
        **film_words(prediction),
        "mm_per_px_x": x,
        "mm_per_px_y": y,
        "spacing_source": film.spacing_source,
        "model": prediction.model.name,
    }
    return [
        {"film": film.path, **_about_point(mark), **about_film, **mark.measures.model_dump()}
        for mark in prediction.landmarks
    ]


def film_words(prediction: Prediction) -> dict[str, str | None]:
    """What is said of the film, by a table's columns: its verdict and why stand beside those of points."""
    return {
        {"verdict": "film_verdict", "why": "film_why"}.get(key, key): said
        for key, said in prediction.in_words.items()
    }


def area_mm2(region: Region | None) -> float | None:
    """A region's area; infinite for all of the film, None for none."""
    if region is None:
        return None
    return inf if region.whole_film else region.area_mm2


def _about_point(mark: LandmarkPrediction) -> dict[str, Value]:
    region = mark.region
    own = ("number", "code", "name", "x_px", "y_px", "x_mm", "y_mm")
    said = ("expected_error_mm", "verdict", "why", "note")
    return {
        **{key: getattr(mark, key) for key in (*own, *said)},
        "region_kind": None if region is None else region.kind,
        "region_level": None if region is None else region.level,
        "region_area_mm2": area_mm2(region),
    }


def landmark_frame(prediction: Prediction) -> pd.DataFrame:
    """The rows as a data frame: numbers with NaN, words with None where nothing is known or promised.

    Raises:
        InputError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(
            "a data frame needs pandas, which is not installed", remedy="pip install 'cephsure[studies]'"
        ) from error
    rows = landmark_rows(prediction)
    kinds = {
        name: "object" if name in TEXT else "int64" if name == "number" else "float64" for name in rows[0]
    }
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in kinds.items()}
    )
