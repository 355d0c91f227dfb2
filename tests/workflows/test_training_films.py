from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.bundles.bundle import Provenance
from cephsure.datasets import data_sha256, select
from cephsure.errors import InputError
from cephsure.workflows.training_films import SAME_AS_TRAINING, not_trained_on


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
