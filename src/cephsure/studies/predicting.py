"""Predict cases with every model of a study, keeping what is done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cephsure.studies.store import PredictionStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cephsure.studies.case import Case, PointTable
    from cephsure.studies.store import Row
    from cephsure.studies.study import Study
    from cephsure.uncertainty import Prediction


def predict_cases(
    study: Study, part: str, cases: Sequence[Case], *, source: str = ""
) -> dict[str, PointTable]:
    """What each model of the study finds in each case.

    A case's film is made once, for all models that have not seen it yet. What is predicted is written now
    and then, and when the study is interrupted, so that it goes on where it was.

    Args:
        study: models, folder, seed and progress.
        part: names the files; the same name must always mean the same films and conditions.
        cases: what to predict; their keys must differ.
        source: a checksum of what the films are made from, where their names do not say it.

    Returns:
        By the model's label, one row a case in the cases' order.

    Raises:
        InputError: a film cannot be read, or a model without its bundle has no stored prediction of a case.
        ValueError: two cases have the same key.
    """
    keys = [case.key for case in cases]
    doubled = [key for key, count in Counter(keys).items() if count > 1]
    if doubled:
        raise ValueError(f"two cases of {part} are called {doubled[0]}")
    stores = {
        model.label: PredictionStore(study.folder_of(model), part, model, seed=study.seed, source=source)
        for model in study.models
    }
    for model in study.models:
        if model.model is None:  # what cannot be made is better said before the others' work than after it
            stores[model.label].require(keys)
    try:
        _predict_missing(study, part, cases, stores)
    finally:
        for store in stores.values():
            store.save()
    return {label: store.table(keys) for label, store in stores.items()}


def _predict_missing(
    study: Study, part: str, cases: Sequence[Case], stores: Mapping[str, PredictionStore]
) -> None:
    """Let each model that is at hand predict the cases its store lacks."""
    ready = [(model.model, stores[model.label]) for model in study.models if model.model is not None]
    todo = [case for case in cases if any(case.key not in store for _, store in ready)]
    with study.progress(part, len(todo)) as step:
        for case in todo:
            film = case.film()
            for model, store in ready:
                if case.key in store:
                    continue
                prediction = model.predict(film, seed=study.seed, facing=case.facing, polarity=case.polarity)
                store.add(case.key, _rows(prediction))
                store.save(when_due=True)
            step()


def _rows(prediction: Prediction) -> dict[int, Row]:
    scale = prediction.film.mm_per_px
    where = {} if scale is None else {"mm_per_px_x": scale[0], "mm_per_px_y": scale[1]}
    return {
        landmark.number: {"x_px": landmark.x_px, "y_px": landmark.y_px}
        | where
        | {name: float(value) for name, value in landmark.measures.model_dump().items() if value is not None}
        for landmark in prediction.landmarks
    }
