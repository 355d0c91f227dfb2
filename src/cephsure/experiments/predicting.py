"""Predict cases with every model of a study, keeping what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.experiments.store import PredictionStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.experiments.case import Case, PointTable
    from cephsure.experiments.store import Row
    from cephsure.experiments.study import Study
    from cephsure.uncertainty import Prediction

_SAVE_EVERY = 25


def predict_cases(study: Study, part: str, cases: Sequence[Case]) -> dict[str, PointTable]:
    """What each model of the study finds in each case.

    A case's film is made once, for all models that have not seen it yet. Results are written every few cases,
    so an interrupted study goes on where it was.

    Args:
        study: models, folder, seed and progress.
        part: names the files; the same name must always mean the same films and conditions.
        cases: what to predict; their keys must differ.

    Returns:
        By the model's label, one row a case in the cases' order.

    Raises:
        InputError: a film cannot be read, or a model without its bundle has no stored prediction of a case.
    """
    stores = {model.label: PredictionStore(study.folder_of(model), part, model) for model in study.models}
    todo = [
        (case, late)
        for case in cases
        if (late := [m for m in study.models if m.model is not None and case.key not in stores[m.label]])
    ]
    with study.progress(part, len(todo)) as step:
        for count, (case, late) in enumerate(todo, start=1):
            film = case.film()
            for model in late:
                if model.model is None:  # left out above
                    raise AssertionError(model.label)
                prediction = model.model.predict(
                    film, seed=study.seed, facing=case.facing, polarity=case.polarity
                )
                stores[model.label].add(case.key, _rows(prediction))
            if count % _SAVE_EVERY == 0 or count == len(todo):
                for model in study.models:
                    if model.model is not None:
                        stores[model.label].save()
            step()
    keys = [case.key for case in cases]
    return {model.label: stores[model.label].table(keys) for model in study.models}


def _rows(prediction: Prediction) -> dict[int, Row]:
    scale = prediction.film.mm_per_px
    where = {} if scale is None else {"mm_per_px_x": scale[0], "mm_per_px_y": scale[1]}
    return {
        landmark.number: {"x_px": landmark.x_px, "y_px": landmark.y_px}
        | where
        | {
            name: float(value) for name, value in landmark.measures.model_dump().items() if value is not None
        }
        for landmark in prediction.landmarks
    }


