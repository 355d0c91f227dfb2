from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from cephsure.bundles.bundle import Provenance, SeenBefore
from cephsure.datasets import data_sha256, select
from cephsure.workflows.training_films import trained_before, training_films

pytestmark = pytest.mark.slow


@dataclass
class Trained:
    """A bundle, as far as it says what it was trained on."""

    provenance: Provenance
    validation_films: tuple = ()


def names(films):
    return {film.film_id for film in films}


@pytest.fixture
def grown(dot_dataset):
    """The dots, with twelve of the test films as a second test set that came later."""
    films = [replace(film, split="test2") if film.path.stem >= "028" else film for film in dot_dataset.films]
    return replace(dot_dataset, films=tuple(films))


def earlier(grown):
    return tuple(film for film in grown.films if film.split != "test2")


def trained_on(films, *, split, name="points", truth="one"):
    return Trained(Provenance(data=name, split=split, truth=truth, data_sha256=data_sha256(films, truth)))


def test_the_films_of_a_split_are_told_by_their_hash_whatever_the_data_set_is_called(dot_dataset):
    films = select(dot_dataset, "train").films
    bundle = trained_on(films, split="train", name="elsewhere")
    assert training_films(dot_dataset, bundle) == names(films)
    assert len(films) == 6


def test_all_films_are_those_that_there_were(dot_dataset, grown):
    bundle = trained_on(earlier(grown), split="all")
    assert training_films(grown, bundle) == names(earlier(grown))
    assert len(earlier(grown)) == 28
    assert training_films(dot_dataset, trained_on(dot_dataset.films, split="all")) == names(dot_dataset.films)


@pytest.mark.parametrize(
    ("validated", "expected"),
    [((), 40), (("003", "010"), 28), (("003", "010", "035"), 40), (("007",), 22), (("unknown",), 0)],
)
def test_a_changed_copy_is_told_by_split_and_validation_films(grown, validated, expected):
    ids = {film.path.stem: film.film_id for film in grown.films}
    held = (tuple(ids.get(name, name) for name in validated[:1]), tuple(ids[name] for name in validated[1:]))
    bundle = Trained(Provenance(data=grown.name, split="all", truth="one", data_sha256="0" * 64), held)
    assert len(training_films(grown, bundle)) == expected


def test_a_changed_copy_of_a_split_is_told_by_the_split(grown):
    bundle = Trained(Provenance(data=grown.name, split="train", truth="one"))
    assert training_films(grown, bundle) == names(select(grown, "train").films)


@pytest.mark.parametrize(
    "provenance",
    [
        Provenance(data="other", split="all", truth="one"),
        Provenance(data="points", split="test3", truth="one"),
        Provenance(data="points", split="train", truth="nobody"),
    ],
)
def test_other_data_were_not_trained_on(dot_dataset, provenance):
    assert training_films(dot_dataset, Trained(provenance)) == frozenset()


def test_a_film_that_cannot_be_read_is_no_match(dot_dataset, tmp_path):
    bundle = trained_on(dot_dataset.films, split="all", name="elsewhere")
    broken = replace(dot_dataset.films[3], path=tmp_path / "absent.png")
    films = (*dot_dataset.films[:3], broken, *dot_dataset.films[4:])
    assert training_films(replace(dot_dataset, films=films), bundle) == frozenset()


def test_what_a_model_went_on_from_has_seen_counts(dot_dataset):
    train, test = (select(dot_dataset, split).films for split in ("train", "test1"))
    own = trained_on(train, split="train").provenance
    before = SeenBefore(data="x", split="test1", truth="one", data_sha256=data_sha256(test, "one"))
    bundle = Trained(own.model_copy(update={"earlier": (before,)}))
    assert training_films(dot_dataset, bundle) == names(train) | names(test)
    assert trained_before(dot_dataset, bundle) == names(test)
    assert trained_before(dot_dataset, trained_on(train, split="train")) == frozenset()
