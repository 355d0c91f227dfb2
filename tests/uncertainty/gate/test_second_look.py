from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.films import Film
from cephsure.uncertainty.gate import second_look as module
from cephsure.uncertainty.gate.reasons import NOT_A_CEPHALOGRAM
from cephsure.uncertainty.gate.signs import SIGNS
from cephsure.uncertainty.prediction import Evidence

LONG, WIDE = 280, 260
MARK = np.zeros((LONG, WIDE), dtype=np.float32)
MARK[20:60, 30:200] = 0.3
MARK[90:120, 180:220] = 1.0


def far(**deviations):
    return SimpleNamespace(deviations=np.array([deviations.get(name, 0.0) for name in SIGNS]))


def finder(heads, head):
    """Find the usual head on a film that looks like one of ``heads``, and a heap of points elsewhere."""

    def find(views, *, are_upright):
        flips = [lambda view: view] if are_upright else [lambda view: view, lambda view: view[:, ::-1]]
        found = [any(np.array_equal(flip(view), each) for flip in flips for each in heads) for view in views]
        find.looked += len(views)
        return [head if is_there else np.arange(16.0).reshape(8, 2) ** 2 for is_there in found]

    find.looked = 0
    return find


def lies(gate, prediction, pixels, find, **deviations):
    given = [
        Evidence(reason=reason, sign="shape", value=2.0, usual=(0.0, 1.0), p_value=0.01)
        for reason in (NOT_A_CEPHALOGRAM, "uncertainty high at 8 of 8 landmarks")
    ]
    film = Film(pixels=np.ascontiguousarray(pixels))
    found = module.how_it_lies(prediction, film, far(**deviations), tuple(given), find=find, gate=gate)
    assert {each.value for each in found} == {2.0}
    return tuple(each.reason for each in found)


@pytest.fixture
def head(heads):
    return np.mean([heads(np.random.default_rng(seed)) for seed in range(20)], axis=0)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.rot90(MARK, 1), module.TURNED),
        (np.rot90(MARK, 3), module.TURNED),
        (np.rot90(MARK, 1)[:, ::-1], module.TURNED),
        (np.rot90(MARK, 2), module.UPSIDE_DOWN),
        (MARK[::-1], module.UPSIDE_DOWN),
        (MARK[:, ::-1], "mirrored? the head faces left, not right as this model takes every film"),
        (1.0 - MARK, "a negative? bone and background seem to be exchanged"),
    ],
)
def test_how_the_film_was_handed_in_is_told_instead(gate, predicted, head, pixels, words):
    find = finder([MARK], head)
    assert lies(gate, predicted(head), pixels, find, shape=9.0) == (words,)


def test_the_facing_that_was_given_is_named(gate, predicted, head):
    prediction = predicted(head, facing="left")
    film = prediction.film.model_copy(update={"facing_source": "given"})
    said = lies(gate, prediction.model_copy(update={"film": film}), MARK, finder([MARK], head), shape=9.0)
    assert said == ("mirrored? the head faces right, not left as given",)


def test_a_negative_is_looked_at_as_a_positive(gate, predicted, head):
    prediction = predicted(head)
    film = prediction.film.model_copy(update={"polarity": "negative"})
    prediction = prediction.model_copy(update={"film": film})
    said = lies(gate, prediction, 1.0 - MARK[:, ::-1], finder([MARK], head), shape=9.0)
    assert said[0].startswith("mirrored?")
    assert lies(gate, prediction, MARK, finder([MARK], head), shape=9.0) == (
        "no negative? bone and background seem to be exchanged",
    )


def test_a_second_head_is_told_first_and_the_rest_is_kept(gate, predicted, head):
    find = finder([MARK[:, ::-1]], head)
    said = lies(gate, predicted(head), MARK, find, unfamiliar=9.0)
    assert said == (module.TWO_HEADS, NOT_A_CEPHALOGRAM, "uncertainty high at 8 of 8 landmarks")
    assert find.looked == 1


def test_where_no_view_shows_a_head_the_reasons_stay(gate, predicted, head):
    find = finder([], head)
    assert lies(gate, predicted(head), MARK, find, shape=9.0)[0] == NOT_A_CEPHALOGRAM
    assert find.looked == 5


def test_a_film_that_is_not_far_out_is_not_looked_at_again(gate, predicted, head):
    find = finder([MARK], head)
    assert lies(gate, predicted(head), MARK, find, shape=2.0, unfamiliar=2.0)[0] == NOT_A_CEPHALOGRAM
    assert find.looked == 0


def test_a_film_without_evidence_is_not_looked_at_again(gate, predicted, head):
    find = finder([MARK], head)
    film = Film(pixels=MARK)
    assert module.how_it_lies(predicted(head), film, far(shape=9.0), (), find=find, gate=gate) == ()
    assert find.looked == 0
