"""Predict the films to calibrate on, and set the points beside the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import data_sha256
from cephsure.uncertainty.calibration import CalibrationData, CalibrationSource, calibration_data
from cephsure.workflows.assess import assess
from cephsure.workflows.batch import OnProgress, silent

if TYPE_CHECKING:
    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.films import Film
    from cephsure.inference.heat_maps import HeatMaps
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.workflows.assess import Assessment

_RESAMPLES = 200  # the assessment's own intervals are not what it is for here


@dataclass(frozen=True, slots=True)
class Collected:
    """Predicted films with their truth.

    Attributes:
        data: what a calibration is fitted on.
        films: the annotated films, in the data's order.
        assessment: the predictions and their errors.
    """

    data: CalibrationData
    films: tuple[AnnotatedFilm, ...]
    assessment: Assessment


class _Mapped:
    """A model without its calibration that remembers the heat maps of what it predicts."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.maps: list[HeatMaps] = []

    @property
    def landmark_set(self) -> LandmarkSet:
        return self.model.landmark_set

    def predict(self, film: Film, *, samples: int | None = None, seed: int = 0) -> Prediction:
        prediction, maps = self.model.predict_with_maps(film, samples=samples, seed=seed)
        if maps is not None:
            self.maps.append(maps)
        return prediction


def collect(
    model: Model,
    dataset: Dataset,
    *,
    split: str,
    truth: str = "mean",
    seed: int = 0,
    on_progress: OnProgress = silent,
) -> Collected:
    """Predict films, with their heat maps.

    Args:
        model: what is to be calibrated; a calibration it may have already is not used.
        dataset: films that it was not trained on.
        split: what to call them.
        truth: an annotator's name, or "mean".
        seed: of MC-Dropout's masks.
        on_progress: told after each film, with the error if it cannot be used.

    Returns:
        Errors, measures and maps of the films that could be used.

    Raises:
        InputError: no film can be used, or none has a scale.
    """
    mapped = _Mapped(model)
    assessment = assess(
        mapped, dataset, truth=truth, split=split, seed=seed, n_resamples=_RESAMPLES, on_progress=on_progress
    )
    by_id = {film.film_id: film for film in dataset.films}
    films = tuple(by_id[one.film_id] for one in assessment.films)
    data = calibration_data(
        [one.prediction for one in assessment.films],
        np.stack([one.truth_px for one in assessment.films]),
        film_ids=[film.film_id for film in films],
        groups=[film.group for film in films],
        source=CalibrationSource(
            dataset=dataset.name,
            data_sha256=data_sha256(films, truth),
            split=split,
            truth=truth,
            model=model.name,
            model_kind=model.kind,
            model_sha256=model.networks_sha256,
            samples=model.default_samples,
            seed=seed,
        ),
        maps=mapped.maps,
    )
    return Collected(data, films, assessment)
