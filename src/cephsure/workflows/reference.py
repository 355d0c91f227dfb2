"""Tell a bundle what its training films are like, so that its predictions can be compared with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import film_of
from cephsure.datasets import truth as truth_of
from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.uncertainty.reference import FeatureModel, Reference, write_reference
from cephsure.uncertainty.shape_model import ShapeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm


def add_reference(
    folder: Path,
    films: Sequence[AnnotatedFilm],
    *,
    truth: str,
    source: str,
    on_film: Callable[[], None] | None = None,
) -> Reference:
    """Write a bundle's ``reference.json`` from its training films, and new checksums.

    Args:
        folder: the bundle's.
        films: that it was trained on.
        truth: the annotation that it was trained on.
        source: what the films are, in words.
        on_film: called after each film.

    Returns:
        What was written; a part that the films do not suffice for is None.

    Raises:
        FilmError: a film cannot be read.
    """
    model = load_model(folder)
    points, features = [], []
    for item in films:
        film = film_of(item)
        found = truth_of(item, truth)
        spacing = film.spacing
        # A shape is judged whatever its size: px serve where mm are unknown.
        scale = (1.0, 1.0) if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px)
        points.append(found * np.array(scale))
        pooled = model.features(film)
        if pooled is not None:
            features.append(pooled)
        if on_film is not None:
            on_film()
    reference = Reference(_shape(points), _features(features), source)
    with edit_bundle(model.bundle) as edit:
        write_reference(reference, edit.folder)
    return reference


def _shape(points: Sequence[NDArray[np.float64]]) -> ShapeModel | None:
    try:
        return ShapeModel.fit(np.stack(points))
    except InputError:
        return None


def _features(features: Sequence[NDArray[np.float64]]) -> FeatureModel | None:
    try:
        return FeatureModel.fit(np.stack(features)) if features else None
    except InputError:
        return None
