from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.bundles.bundle import Provenance
from cephsure.datasets import data_sha256, select
from cephsure.errors import InputError
from cephsure.workflows.batch import Workplace
from cephsure.workflows.calibration_films import SAME_AS_TRAINING, collect, not_trained_on

pytestmark = pytest.mark.slow


@pytest.fixture
def provenance(dot_dataset):
    films = select(dot_dataset, "train").films
    return Provenance(
        data=dot_dataset.name, split="train", truth="one", data_sha256=data_sha256(films, "one")
    )


def test_films_of_a_training_films_group_are_left_out(dot_dataset, provenance):
    found = not_trained_on(dot_dataset, "test1", provenance)
    names = [film.film_id for film in found.dataset.films]
    assert len(names) == 33
    (last,) = found.left_out[SAME_AS_TRAINING]
    assert last not in names
    assert "039" in last
    assert "same hash" in found.checked


@pytest.mark.parametrize("split", ["train", "all"])
def test_training_films_are_refused(dot_dataset, provenance, split):
    with pytest.raises(InputError, match=r"6 of the .* were trained on"):
        not_trained_on(dot_dataset, split, provenance)


def test_a_changed_copy_is_told_by_its_split(dot_dataset, provenance):
    changed = provenance.model_copy(update={"data_sha256": "0" * 64})
    found = not_trained_on(dot_dataset, "test1", changed)
    assert len(found.dataset.films) == 33
    assert "other content" in found.checked
    with pytest.raises(InputError, match="were trained on"):
        not_trained_on(dot_dataset, "train", changed)


def test_other_data_are_all_taken(dot_dataset):
    found = not_trained_on(dot_dataset, "all", Provenance(data="isbi-2015", split="train", truth="mean"))
    assert len(found.dataset.films) == 40
    assert found.left_out == {}
    assert "other data (isbi-2015)" in found.checked


def test_nothing_left_is_refused(dot_dataset, provenance):
    films = tuple(film for film in dot_dataset.films if film.split == "train" or film.group is not None)
    with pytest.raises(InputError, match="no film that is not"):
        not_trained_on(replace(dot_dataset, films=films), "test1", provenance)


@pytest.fixture(scope="module")
def collected(dot_model, dot_dataset):
    chosen = select(dot_dataset, "test1")
    return collect(dot_model, chosen, dot_dataset, split="test1", truth="one", seed=3)


def test_errors_are_the_models(collected):
    data = collected.data
    assert data.errors_mm.shape == (34, 4, 2)
    # The truth is 2 px to the right of the dots, 1 mm: what is found lies to the left.
    assert data.errors_mm.mean(axis=(0, 1)) == pytest.approx((-1.0, 0.0), abs=0.3)
    assert data.errors_mm.std(axis=(0, 1)) == pytest.approx((1.5, 0.75), rel=0.25)
    for row, film in enumerate(collected.films):
        assert film.film_id == film.annotated.film_id == data.film_ids[row]
        assert film.errors_mm == pytest.approx(data.radial_mm[row])


def test_maps_are_the_films_own(collected, dot_model):
    data = collected.data
    assert len(data.maps) == len(collected.films) == 34
    assert data.tempered_mm.shape[:2] == (34, 4)
    _, maps = dot_model.predict_with_maps(collected.films[5].annotated.path, seed=3)
    assert (maps.probabilities == data.maps[5].probabilities).all()
    cells = data.maps[5].cells(data.points_px[5])
    assert (cells >= 0).all()


def test_it_says_where_it_comes_from(collected, dot_model):
    source = collected.data.source
    assert (source.split, source.truth, source.samples, source.seed) == ("test1", "one", 3, 3)
    assert source.model_sha256 == dot_model.bundle.sha256
    assert source.data_sha256 == data_sha256([film.annotated for film in collected.films], "one")
    assert len(set(collected.data.groups)) == 34
    assert sum(group.startswith("group ") for group in collected.data.groups) == 1


def test_a_film_that_cannot_be_read_is_told_and_the_rest_goes_on(dot_model, dot_dataset, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no film")
    films = list(select(dot_dataset, "test1").films[:4])
    films[1] = replace(films[1], path=broken)
    told = []
    found = collect(
        dot_model,
        replace(dot_dataset, films=tuple(films)),
        dot_dataset,
        split="test1",
        truth="one",
        at=Workplace(on_progress=lambda step: told.append((step.film.stem, step.error is not None))),
    )
    # A third of the films, which gives the shape of heads, is looked at before the others.
    assert dict(told) == {"006": False, "broken": True, "008": False, "009": False}
    assert len(found.data.maps) == len(found.films) == 3
    assert found.data.film_ids == tuple(film.film_id for film in found.films)
    assert np.isfinite(found.data.errors_mm).all()
