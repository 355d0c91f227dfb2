from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.gate import sentences
from cephsure.uncertainty.gate.out_of_distribution import SIGN_WEIGHTS, SIGNS, OutOfDistribution

SOME = np.array([True] * 6 + [False] * 13)
NONE = np.zeros(19, dtype=bool)


def found(**deviations):
    """A film with these deviations; signs above 2 are rarer than the level."""
    values = np.array([deviations.get(name, 0.0) for name in SIGNS])
    weights = np.array(list(SIGN_WEIGHTS.values()))
    return OutOfDistribution(0.01, np.where(values > 2, 0.01, 0.5), values, values * weights)


def say(out_of_distribution, *, misfitting=(), uncertain=SOME):
    return sentences.reasons_for(out_of_distribution, level=0.05, misfitting=misfitting, uncertain=uncertain)


@pytest.mark.parametrize(
    ("sign", "sentence"),
    [
        ("blurred", "image blurred"),
        ("grainy", "image noisy"),
        ("bilateral", "head probably rotated"),
        ("narrowed", "head probably rotated"),
        ("shape", "the landmarks together make an unusual head"),
        ("uncertain", "uncertainty high at 6 of 19 landmarks"),
        ("disagreement", "the model's samples disagree"),
    ],
)
def test_each_sign_has_its_words(sign, sentence):
    assert say(found(**{sign: 5.0})) == (sentence,)


def test_misfits_are_named():
    assert say(found(misfit=5.0), misfitting=("10 (Go)",)) == ("landmark 10 (Go) does not fit the others",)
    assert say(found(misfit=5.0), misfitting=("10 (Go)", "3 (Or)")) == (
        "landmarks 10 (Go), 3 (Or) do not fit the others",
    )
    assert say(found(misfit=5.0)) == ("the landmarks together make an unusual head",)


def test_strongest_comes_first_and_nothing_is_said_twice():
    said = say(found(blurred=20.0, narrowed=3.0, bilateral=4.0, uncertain=3.0))
    assert said == ("image blurred", "uncertainty high at 6 of 19 landmarks", "head probably rotated")


def test_the_strongest_counts_even_if_it_is_not_rare_by_itself():
    assert say(found(bilateral=1.5)) == ("head probably rotated",)


def test_uncertainty_that_no_landmark_bears_out_is_not_claimed():
    assert say(found(uncertain=3.0), uncertain=NONE) == (sentences.UNLIKE,)


def test_no_head_needs_both_shape_and_uncertainty():
    assert say(found(shape=9.0, uncertain=5.0, grainy=9.0)) == (
        sentences.NOT_A_CEPHALOGRAM,
        "uncertainty high at 6 of 19 landmarks",
    )
    assert sentences.NOT_A_CEPHALOGRAM not in say(found(shape=9.0))
    assert sentences.NOT_A_CEPHALOGRAM not in say(found(uncertain=9.0))
