from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.datasets import AnnotatedFilm
from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe

RECIPE = CoarseToFineRecipe()


def many(count, group_of=lambda _: None):
    points = {"me": np.zeros((2, 2))}
    return [
        AnnotatedFilm(film_id=f"{k:03d}", path=Path(f"{k}.png"), annotations=points, group=group_of(k))
        for k in range(count)
    ]


@settings(max_examples=40, deadline=None)
@given(count=st.integers(15, 160), seed=st.integers(0, 50), pairs=st.integers(0, 20))
def test_each_film_is_held_out_by_just_one_of_15_members(count, seed, pairs):
    films = many(count, lambda k: f"pair{k % 40}" if k % 40 < pairs else None)
    groups = len({film.group or film.film_id for film in films})
    held = []
    for member in range(15):
        train, validation = RECIPE.member_films(films, member, seed=seed)
        assert sorted([*train, *validation]) == list(range(count))
        assert len(train) > 0 < len(validation)
        sides = [{films[k].group for k in side} - {None} for side in (train, validation)]
        assert not sides[0] & sides[1]
        held.append(validation)
    if groups >= 15:
        assert sorted(np.concatenate(held)) == list(range(count))


@pytest.mark.parametrize("count", [4, 5, 14])
def test_few_films_make_as_many_folds(count):
    films = many(count)
    held = [RECIPE.member_films(films, member, seed=0)[1].tolist() for member in range(15)]
    assert all(len(one) == 1 for one in held)
    assert held[0] == held[count]
    assert sorted(film for one in held[:count] for film in one) == list(range(count))


def test_folds_are_counted_from_the_first_one():
    films = many(20)
    five, from_third = RECIPE.with_folds(5), RECIPE.with_folds(5, 3)
    for member in range(5):
        held = from_third.member_films(films, member, seed=1)[1].tolist()
        assert held == five.member_films(films, (member + 3) % 5, seed=1)[1].tolist()
    assert (five.changes, from_third.changes) == (("5 folds",), ("5 folds, from fold 3",))


@pytest.mark.parametrize("first", [-1, 5])
def test_a_fold_that_is_not_there_is_refused(first):
    with pytest.raises(InputError, match=rf"of 5 folds there is no fold {first} \(give 0 to 4\)"):
        RECIPE.with_folds(5, first)


def test_films_of_one_group_cannot_be_parted():
    with pytest.raises(InputError, match="4 films in 1 groups"):
        RECIPE.member_films(many(4, lambda _: "one"), 0, seed=0)


def test_the_recipe_has_15_folds_and_samples():
    assert (RECIPE.folds, RECIPE.samples) == (15, 15)
