from __future__ import annotations

import shutil

import numpy as np
import pytest

from cephsure.datasets import film_of, select
from cephsure.model import load_model
from cephsure.workflows.reference import add_reference


@pytest.fixture
def bundle(dot_bundles, tmp_path):
    return shutil.copytree(dot_bundles("default", "ensemble", 3), tmp_path / "bundle")


def test_a_bundle_then_knows_the_shape_of_its_training_films(bundle, dot_dataset):
    films = select(dot_dataset, "train").films
    counted = []
    reference = add_reference(bundle, films, truth="one", source="6 films", on_film=lambda: counted.append(1))
    assert (reference.shape.n_films, len(counted)) == (6, 6)
    assert reference.features is None  # the dots' networks do not tell any
    model = load_model(bundle)  # with checksums that are right again
    assert model.reference.source == "6 films"
    film = film_of(select(dot_dataset, "test1").films[0])
    residuals = [mark.measures.shape_residual for mark in model.predict(film).landmarks]
    assert np.isfinite(residuals).all()
    plain = load_model(bundle).uncalibrated().thorough().predict(film).landmarks[0].measures
    assert {"augmentation_spread_mm", "mixture_activation", "mixture_expected_error_mm"} <= set(
        plain.model_dump()
    )
    assert "feature_distance" not in plain.model_dump()


def test_a_mirrored_film_fits_the_shape_as_well(bundle, dot_dataset, dots):
    add_reference(bundle, select(dot_dataset, "train").films, truth="one", source="6 films")
    model = load_model(bundle)
    drawn = dots.draw_dots(np.random.default_rng(3))
    film = film_of(select(dot_dataset, "test1").films[0])
    plain, mirrored = (
        type(film)(pixels=np.ascontiguousarray(pixels), spacing=film.spacing)
        for pixels in (drawn.pixels, drawn.pixels[:, ::-1])
    )
    found = [
        [mark.measures.shape_residual for mark in model.predict(one, facing=facing).landmarks]
        for one, facing in ((plain, "right"), (mirrored, "left"))
    ]
    assert found[1] == pytest.approx(found[0], abs=1e-6)


def test_too_few_films_leave_the_shape_unknown(bundle, dot_dataset):
    reference = add_reference(bundle, dot_dataset.films[:2], truth="one", source="2 films")
    assert (reference.shape, reference.features) == (None, None)
    film = film_of(dot_dataset.films[-1])
    assert "shape_residual" not in load_model(bundle).predict(film).landmarks[0].measures.model_dump()
