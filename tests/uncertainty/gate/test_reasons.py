from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.uncertainty.gate import reasons
from cephsure.uncertainty.gate.film_reference import FilmReference
from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
from cephsure.uncertainty.gate.signs import FILM_SIGNS, SIGNS, FilmSigns, HeadModel
from cephsure.uncertainty.shape_model import ShapeModel

MARKS = tuple(
    SimpleNamespace(number=number, code=code, name=name)
    for number, code, name in (
        (1, "S", "sella"),
        (2, "N", "nasion"),
        (3, "Or", "orbitale"),
        (4, "Go", "gonion"),
    )
)
FACE = np.array([[0.0, 0.0], [60.0, 0.0], [50.0, 40.0], [10.0, 80.0]])
HEAD = HeadModel(
    ShapeModel.fit(FACE + np.random.default_rng(0).normal(0, 1, (60, 4, 2))), (False, False, True, True)
)
FORMAT, SIZE = np.log(0.8), np.log([0.9, 1.1])


def reference(site_films=None):
    rows = np.zeros((20, len(SIGNS)))
    rows[:, SIGNS.index("format")] = FORMAT
    rows[:, SIGNS.index("size")] = np.linspace(*SIZE, 20)
    return FilmReference(
        signs=SIGNS,
        rows=rows.tolist(),
        features=None,
        uncertain_from=(0.0,) * 4,
        site_films=site_films,
    )


def say(*, signs=None, misfits=(1.0,) * 4, n_uncertain=0, site_films=None, **deviations):
    """The evidence of a film with these deviations; signs above 2 are rarer than the level."""
    values = np.array([deviations.get(name, 0.0) for name in SIGNS])
    weights = np.array([sign.weight for sign in FILM_SIGNS.values()])
    found = OutOfDistribution(0.01, 0.01, np.where(values > 2, 0.01, 0.5), values, values * weights)
    seen = FilmSigns(
        np.array([(signs or {}).get(name, 0.0) for name in SIGNS]),
        np.array(misfits),
        np.where(np.arange(4) < n_uncertain, 1.0, -1.0),
    )
    return reasons.Why(found, seen, MARKS, HEAD, reference(site_films), 3.0).evidence(0.05)


def words(**given):
    return tuple(each.reason for each in say(**given))


@pytest.mark.parametrize(
    ("sign", "sentence"),
    [
        ("blurred", "image blurred"),
        ("grainy", "image noisy"),
        ("bilateral", "head probably rotated"),
        ("narrowed", "head probably rotated"),
        ("stretched", "the head is stretched in one direction"),
        ("shape", "the landmarks together make an unusual head"),
        ("uncertain", "uncertainty high at 3 of 4 landmarks"),
        ("disagreement", "the model's samples disagree"),
        ("unfamiliar", reasons.UNFAMILIAR),
    ],
)
def test_each_sign_has_its_words(sign, sentence):
    assert words(n_uncertain=3, **{sign: 5.0}) == (sentence,)


def test_no_sign_is_without_words():
    for name in SIGNS:
        (each,) = say(n_uncertain=1, **{name: 5.0})
        assert each.sign == name
        assert each.reason != reasons.UNLIKE
        assert each.p_value == 0.01


def test_misfits_are_named():
    assert words(misfit=5.0, misfits=(1, 1, 1, 4)) == ("landmark 4 (Go) does not fit the others",)
    assert words(misfit=5.0, misfits=(1, 1, 5, 4)) == ("landmarks 3 (Or), 4 (Go) do not fit the others",)
    assert words(misfit=5.0) == ("the landmarks together make an unusual head",)


def test_an_impossible_size_is_told_first_by_a_distance_that_people_know():
    (size, blurred) = say(size=6.0, blurred=40.0, signs={"size": np.log(0.5)})
    assert size.reason == (
        "the head measures about 30 mm from sella to nasion, people 54 to 66 mm: is the scale right?"
    )
    assert (size.sign, size.value) == ("size", pytest.approx(np.log(0.5)))
    assert size.usual == pytest.approx(np.quantile(np.linspace(*SIZE, 20), [0.05, 0.95]))
    assert blurred.reason == "image blurred"


def test_the_films_format_is_told_with_the_usual_one():
    (each,) = words(format=5.0, signs={"format": np.log(0.72)})
    assert each == (
        "the film's width is 0.72 of its height, the calibration films' 0.80: squeezed in one "
        "direction, or cropped?"
    )


def test_over_exposure_is_told_by_its_share():
    signs = {"over_exposed": np.log(0.05 + 0.42)}
    assert words(over_exposed=5.0, signs=signs) == ("over-exposed: 42% of the head's area is white",)


def test_at_a_site_a_film_is_unlike_the_sites():
    assert words(unfamiliar=5.0, site_films=10) == ("unlike the 10 corrected films of this site",)


def test_strongest_comes_first_and_nothing_is_said_twice():
    assert words(blurred=30.0, narrowed=3.0, bilateral=4.0, uncertain=3.0, n_uncertain=2) == (
        "image blurred",
        "uncertainty high at 2 of 4 landmarks",
        "head probably rotated",
    )


def test_the_strongest_counts_even_if_it_is_not_rare_by_itself():
    assert words(bilateral=1.5) == ("head probably rotated",)


def test_uncertainty_that_no_landmark_bears_out_is_not_claimed():
    assert words(uncertain=3.0) == (reasons.UNLIKE,)


def test_no_head_needs_both_shape_and_uncertainty():
    assert words(shape=9.0, uncertain=5.0, grainy=9.0, n_uncertain=2) == (
        reasons.NOT_A_CEPHALOGRAM,
        "uncertainty high at 2 of 4 landmarks",
    )
    assert reasons.NOT_A_CEPHALOGRAM not in words(shape=9.0)
    assert reasons.NOT_A_CEPHALOGRAM not in words(uncertain=9.0, n_uncertain=2)


def test_a_sign_within_the_usual_spread_is_not_named_however_rare():
    assert words(blurred=30.0, format=0.9) == ("image blurred",)


def test_four_reasons_are_told_at_most():
    strong = dict.fromkeys(("blurred", "grainy", "shape", "bilateral", "disagreement", "unfamiliar"), 5.0)
    assert len(say(**strong)) == 4


def test_infinite_signs_have_no_value():
    (each,) = say(shape=np.inf, signs={"shape": np.inf})
    assert each.value is None
