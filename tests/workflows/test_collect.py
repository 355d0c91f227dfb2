from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import data_sha256, select
from cephsure.workflows.collect import collect


@pytest.fixture(scope="module")
def collected(dot_model, dot_dataset):
    return collect(dot_model, select(dot_dataset, "test1"), split="test1", truth="one", seed=3)


def test_errors_are_the_models(collected):
    data = collected.data
    assert data.errors_mm.shape == (34, 4, 2)
    # The truth is 2 px to the right of the dots, 1 mm: what is found lies to the left.
    assert data.errors_mm.mean(axis=(0, 1)) == pytest.approx((-1.0, 0.0), abs=0.3)
    assert data.errors_mm.std(axis=(0, 1)) == pytest.approx((1.5, 0.75), rel=0.25)
    for row, film in enumerate(collected.assessment.films):
        assert film.film_id == data.film_ids[row]
        assert film.errors_mm == pytest.approx(data.radial_mm[row])


def test_maps_are_the_films_own(collected, dot_model):
    data = collected.data
    assert len(data.maps) == len(collected.films) == 34
    assert data.tempered_mm.shape[:2] == (34, 4)
    _, maps = dot_model.predict_with_maps(collected.films[5].path, seed=3)
    assert (maps.probabilities == data.maps[5].probabilities).all()
    cells = data.maps[5].cells(data.points_px[5])
    assert (cells >= 0).all()


def test_it_says_where_it_comes_from(collected, dot_model):
    source = collected.data.source
    assert (source.split, source.truth, source.samples, source.seed) == ("test1", "one", 3, 3)
    assert source.model_sha256 == dot_model.bundle.sha256
    assert source.data_sha256 == data_sha256(collected.films, "one")
    assert len(set(collected.data.groups)) == 34
    assert sum(group.startswith("group ") for group in collected.data.groups) == 1


def test_a_film_that_cannot_be_read_is_told_and_the_rest_goes_on(dot_model, dot_dataset, tmp_path):
    from dataclasses import replace

    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no film")
    films = list(select(dot_dataset, "test1").films[:4])
    films[1] = replace(films[1], path=broken)
    told = []
    found = collect(
        dot_model,
        replace(dot_dataset, films=tuple(films)),
        split="test1",
        truth="one",
        on_progress=lambda step: told.append((step.film.stem, step.error is not None)),
    )
    assert [bad for _, bad in told] == [False, True, False, False]
    assert len(found.data.maps) == len(found.films) == 3
    assert found.data.film_ids == tuple(film.film_id for film in found.films)
    assert np.isfinite(found.data.errors_mm).all()
