from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.datasets import open_dataset, truth
from cephsure.training import old_films as module
from cephsure.training.old_films import of_an_epoch, old_data, old_films


@pytest.fixture(scope="module")
def data(phantom_isbi):
    return phantom_isbi(n_train=5, n_test1=0, width_px=97, height_px=120)


def config(old, *, truth="mean", seed=0, draws=False):
    return SimpleNamespace(
        old_films=None if old is None else str(old),
        landmark_set=None,
        truth=truth,
        seed=seed,
        recipe=SimpleNamespace(draws_old_films=draws),
    )


def new_films(data, *names, count=3):
    """Films that persons of these names marked."""
    films = open_dataset(data).films[:count]
    points = [np.asarray(film.annotations["senior"]) for film in films]
    return [
        replace(film, annotations={name: found + 50 * k for k, name in enumerate(names)})
        for film, found in zip(films, points, strict=True)
    ]


def test_a_run_without_old_films_has_none(data):
    assert old_data(config(None)) is None
    assert old_films(config(None), new_films(data, "anna")) == ()


def test_there_are_as_many_old_films_as_new_ones_drawn_by_the_seed(data):
    new = new_films(data, "anna", "ben")
    drawn = {seed: [film.film_id for film in old_films(config(data, seed=seed), new)] for seed in range(6)}
    assert all(len(set(names)) == 3 for names in drawn.values())
    assert len({tuple(names) for names in drawn.values()}) > 1
    assert drawn[1] == [film.film_id for film in old_films(config(data, seed=1), new)]
    assert len(old_films(config(data), new * 4)) == 5


def test_old_annotators_stand_in_the_new_ones_places(data):
    by_id = {film.film_id: film for film in open_dataset(data).films}
    for film in old_films(config(data), new_films(data, "anna", "ben")):
        old = by_id[film.film_id].annotations
        assert list(film.annotations) == ["anna", "ben"]
        for name, other in zip(("anna", "ben"), old, strict=True):
            np.testing.assert_array_equal(film.annotations[name], old[other])
        np.testing.assert_array_equal(truth(film), truth(by_id[film.film_id]))


@pytest.mark.parametrize(("names", "which"), [(["anna"], "mean"), (["anna", "ben"], "anna")])
def test_for_one_truth_they_stand_for_their_mean(data, names, which):
    by_id = {film.film_id: film for film in open_dataset(data).films}
    for film in old_films(config(data, truth=which), new_films(data, *names)):
        np.testing.assert_array_equal(truth(film, which), truth(by_id[film.film_id]))


def test_fewer_old_annotators_stand_in_several_places(data):
    for film in old_films(config(data), new_films(data, "anna", "ben", "cleo")):
        marks = film.annotations
        np.testing.assert_array_equal(marks["cleo"], marks["anna"])
        assert not np.array_equal(marks["anna"], marks["ben"])


@pytest.mark.parametrize(
    ("taught_by", "meant"),
    [
        (("senior", "junior"), ("senior", "junior")),
        (("eve", "dan"), ("junior", "senior")),  # by their order
        (("eve",), ("mean",)),
    ],
)
def test_beside_new_annotators_old_ones_have_names_of_their_own(data, taught_by, meant):
    by_id = {film.film_id: film for film in open_dataset(data).films}
    assert list(by_id["001"].annotations) == ["junior", "senior"]
    found = old_films(config(data), new_films(data, "junior", "senior"), taught_by)
    assert len(found) == 3
    for film in found:
        assert list(film.annotations) == [f"before: {name}" for name in taught_by]
        for marks, which in zip(film.annotations.values(), meant, strict=True):
            np.testing.assert_array_equal(marks, truth(by_id[film.film_id], which))


def test_who_marked_nothing_on_a_film_has_no_points_there(data, monkeypatch):
    dataset = open_dataset(data)
    films = tuple(replace(film, annotations={"junior": truth(film)}) for film in dataset.films[:-1])
    films += (dataset.films[-1],)
    monkeypatch.setattr(module, "open_dataset", lambda *_, **__: replace(dataset, films=films))
    found = old_films(config(data), new_films(data, "anna", count=5), ("junior", "senior"))
    known = [np.isfinite(film.annotations["before: senior"]).all() for film in found]
    assert sorted(known) == [False] * 4 + [True]
    assert all(np.isfinite(film.annotations["before: junior"]).all() for film in found)


def test_an_epoch_has_all_new_films_and_as_many_old_ones_drawn_anew(data):
    new = new_films(data, "anna", count=1)
    pool = old_films(config(data, draws=True), new)
    assert len(pool) == 4  # for every new one
    films = [SimpleNamespace(name=k, is_old=k >= 2) for k in range(8)]
    epochs = [[film.name for film in of_an_epoch(films, np.random.default_rng(k))] for k in range(8)]
    assert all(names[:2] == [0, 1] and len(set(names)) == 4 for names in epochs)
    assert {name for names in epochs for name in names} == set(range(8))
    assert of_an_epoch(films[:3], np.random.default_rng(0)) == films[:3]
    rng = np.random.default_rng(0)
    assert of_an_epoch(films[:2], rng) == films[:2]
    assert rng.integers(1000) == np.random.default_rng(0).integers(1000)  # nothing was drawn


def test_films_with_hardly_a_point_are_left_out(data, monkeypatch):
    dataset = open_dataset(data)
    nothing = dict.fromkeys(["junior", "senior"], np.full((19, 2), np.nan))
    films = (replace(dataset.films[0], annotations=nothing), *dataset.films[1:])
    monkeypatch.setattr(module, "open_dataset", lambda *_, **__: replace(dataset, films=films))
    found = {film.film_id for film in old_films(config(data), new_films(data, "anna", count=5))}
    assert found == {film.film_id for film in films[1:]}
