from __future__ import annotations

import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from cephsure.films import read
from cephsure.model import load_model
from cephsure.workflows.networks import Networks, folds_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(read_dots, dot_set):
    return open_dataset(read_dots.films, landmark_set=dot_set, mm_per_px=0.5)


@pytest.fixture(scope="module")
def networks(read_dots, dataset):
    return folds_of(load_model(read_dots.bundle), (), dataset)


def test_a_film_is_given_to_the_members_that_have_not_seen_it(networks, dataset, tmp_path):
    members = [networks.of(read(film.path))._members for film in dataset.films[:4]]
    assert members == [(0, 2), (1, 3), (0, 2), (1, 3)]
    other = tmp_path / "000.png"
    other.write_bytes(dataset.films[0].path.read_bytes())
    assert networks.of(read(other)) is networks.model


def test_without_folds_the_model_predicts_all(read_dots, dataset):
    plain = Networks(load_model(read_dots.bundle))
    assert plain.of(read(dataset.films[0].path)) is plain.model
    assert (plain.unseen("000"), plain.parts(), plain.samples(dataset.films)) == (None, [], 0)


def test_its_parts_and_how_many_samples_they_give(networks, dataset):
    first, second = networks.parts()
    assert (first[0]._members, second[0]._members) == ((0, 2), (1, 3))
    assert first[1] == {film.film_id for film in dataset.films[::2]}
    assert networks.samples(dataset.films) == 2
    assert networks.unseen("nobody") is None


def test_folds_are_of_the_same_films(read_dots, dot_bundles, dataset):
    model = load_model(read_dots.bundle)
    assert len(folds_of(model, [read_dots.calibrated], dataset).folds) == 2
    with pytest.raises(InputError, match="trained on other films than this one"):
        folds_of(model, [dot_bundles("default", "baseline", 1)], dataset)
