"""Splits: a group never parts, every film stands in one fold, the same seed gives the same split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.datasets import AnnotatedFilm, Dataset, group_folds, last_split, select
from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set

# Group names per film: None stands alone, equal letters belong together.
group_lists = st.lists(st.one_of(st.none(), st.sampled_from("abcd")), min_size=8, max_size=40)


def _films(groups, splits=None):
    splits = splits or [None] * len(groups)
    return [
        AnnotatedFilm(film_id=str(i), path=Path(f"{i}.png"), annotations={}, group=group, split=split)
        for i, (group, split) in enumerate(zip(groups, splits, strict=True))
    ]


def _parted(groups, *parts):
    """Say whether any group has films in more than one of the parts."""
    owners = [{groups[i] for i in part} - {None} for part in parts]
    return any(owners[a] & owners[b] for a in range(len(parts)) for b in range(a))


@pytest.mark.slow
@given(group_lists, st.integers(2, 4), st.integers(0, 99))
def test_folds_hold_every_film_once_and_part_no_group(groups, n_folds, seed):
    films = _films(groups)
    n_groups = len(set(groups) - {None}) + groups.count(None)
    if n_groups < n_folds:
        with pytest.raises(InputError, match="cannot be parted"):
            group_folds(films, n_folds, seed=seed)
        return
    folds = group_folds(films, n_folds, seed=seed)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(films)))
    assert not _parted(groups, *folds)
    largest = max([1, *(groups.count(group) for group in set(groups) - {None})])
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= largest
    again = group_folds(films, n_folds, seed=seed)
    assert all(np.array_equal(first, other) for first, other in zip(folds, again, strict=True))


def test_folds_differ_with_the_seed():
    films = _films([None] * 30)
    first, other = group_folds(films, 5, seed=1), group_folds(films, 5, seed=2)
    assert [len(fold) for fold in first] == [6] * 5
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("n_films", "expected"), [(150, 23), (100, 15), (20, 3), (10, 2), (2, 1)])
def test_last_split_takes_the_last_in_order(n_films, expected):
    training, validation = last_split(_films([None] * n_films), 0.15)
    np.testing.assert_array_equal(validation, np.arange(n_films - expected, n_films))
    np.testing.assert_array_equal(training, np.arange(n_films - expected))


def test_last_split_leaves_a_group_across_the_border_in_training():
    groups = ["a", None, None, None, None, None, "b", "a", "b", None]
    training, validation = last_split(_films(groups), 0.4)
    assert validation.tolist() == [6, 8, 9]
    assert training.tolist() == [0, 1, 2, 3, 4, 5, 7]


@given(group_lists, st.floats(0.05, 0.6))
def test_last_split_parts_no_group(groups, fraction):
    try:
        training, validation = last_split(_films(groups), fraction)
    except InputError:
        return
    assert sorted([*training.tolist(), *validation.tolist()]) == list(range(len(groups)))
    assert len(training) > 0
    assert len(validation) > 0
    assert not _parted(groups, training, validation)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_0_and_1_is_refused(fraction):
    with pytest.raises(InputError, match="between 0 and 1"):
        last_split(_films([None] * 10), fraction)


@pytest.mark.parametrize("n_films", [0, 1])
def test_too_few_films_are_refused(n_films):
    with pytest.raises(InputError, match="cannot be parted"):
        last_split(_films([None] * n_films))


def _dataset(groups):
    films = _films(groups, ["train", "train", "test1", "test1", "test1"])
    return Dataset(name="five", landmark_set=load_landmark_set(), films=tuple(films), problems=("one",))


def test_select_by_split():
    dataset = _dataset([None, "a", "a", "b", "b"])
    chosen = {
        name: [film.film_id for film in select(dataset, name).films]
        for name in ("all", "train", "test1", "test1-clean")
    }
    assert chosen == {
        "all": ["0", "1", "2", "3", "4"],
        "train": ["0", "1"],
        "test1": ["2", "3", "4"],
        "test1-clean": ["3", "4"],
    }
    assert select(dataset, "train").problems == ("one",)


@pytest.mark.parametrize("split", ["test2", "test2-clean", "train-clean", "", "clean"])
def test_an_unknown_split_lists_those_there_are(split):
    with pytest.raises(InputError, match=r"has no split .* \(it has: all, test1, train, test1-clean\)"):
        select(_dataset([None, "a", "a", "b", "b"]), split)


def test_clean_needs_known_duplicates():
    with pytest.raises(InputError, match=r"does not say which.*duplicates\.json"):
        select(_dataset([None] * 5), "test1-clean")
