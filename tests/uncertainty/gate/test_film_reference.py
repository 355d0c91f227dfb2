from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from cephsure.errors import InputError
from cephsure.uncertainty.gate.film_reference import (
    FilmReference,
    film_reference,
    site_reference,
)
from cephsure.uncertainty.gate.out_of_distribution import out_of_distribution
from cephsure.uncertainty.gate.signs import FILM_SIGNS, SIGNS, FilmSigns
from cephsure.uncertainty.reference import FeatureModel

CHANNELS = 16
MODEL = FeatureModel.fit(np.random.default_rng(99).normal(size=(400, CHANNELS)))
PLACE = {name: place for place, name in enumerate(SIGNS)}


def draw(rng, *, away=0.0, grainy=0.0):
    """A film whose features lie ``away`` from the known ones' mean, and whose grain is above theirs."""
    signs = rng.normal(size=len(SIGNS)) * 0.1
    signs[PLACE["grainy"]] += grainy
    seen = FilmSigns(signs, np.ones(3), rng.normal(size=3), rng.normal(size=CHANNELS) + away)
    return seen.beside(MODEL)


def at_home(count=199, seed=0):
    rng = np.random.default_rng(seed)
    return film_reference([draw(rng) for _ in range(count)], MODEL, exceeded_by=0.05)


def share_not_fit(known, films):
    judged = [out_of_distribution(film.beside(known.feature_model).signs, known.known) for film in films]
    return np.mean([found.p_value <= 0.05 for found in judged])


def test_a_reference_is_the_same_when_read():
    films = [draw(np.random.default_rng(1)) for _ in range(5)]
    films[0] = replace(films[0], signs=np.where(np.array(SIGNS) == "size", np.nan, np.inf))
    known = film_reference(films, MODEL, exceeded_by=0.2)
    again = FilmReference.model_validate_json(known.model_dump_json())
    assert again == known
    assert np.isnan(again.known[0, PLACE["size"]])
    assert np.isposinf(again.known[0, PLACE["shape"]])
    assert len(again.column("shape")) == 4
    np.testing.assert_allclose(again.known[1], films[1].signs, rtol=1e-6)
    distance = again.feature_model.distance(films[1].features)
    assert distance == pytest.approx(MODEL.distance(films[1].features), rel=1e-5)


@pytest.mark.parametrize("change", [{"signs": ("shape",)}, {"rows": ((0.0,),)}, {"features": {"mean": [1]}}])
def test_what_does_not_fit_is_refused(change):
    with pytest.raises((ValidationError, InputError)):
        FilmReference.model_validate({**at_home(3).model_dump(), **change})


def test_a_tenth_of_the_films_exceeds_where_uncertainty_begins():
    rng = np.random.default_rng(2)
    films = [draw(rng) for _ in range(200)]
    known = film_reference(films, None, exceeded_by=0.1)
    above = np.mean([film.log_errors > np.array(known.uncertain_from) for film in films], axis=0)
    np.testing.assert_allclose(above, 0.1, atol=0.006)
    assert known.features is None


def test_another_scanners_films_are_usual_once_enough_of_them_are_known():
    home, rng = at_home(), np.random.default_rng(3)
    new = [draw(rng, away=5.0, grainy=3.0) for _ in range(60)]
    assert share_not_fit(home, new) == 1.0
    refused = [
        share_not_fit(site_reference([draw(rng, away=5.0, grainy=3.0) for _ in range(k)], home), new)
        for k in (1, 3, 10, 40)
    ]
    assert refused[0] > 0.9  # one film: withdrawn
    assert refused == sorted(refused, reverse=True)
    assert refused[2] < 0.3
    assert refused[3] < 0.12


def test_the_home_scanners_films_are_strange_at_the_site():
    rng = np.random.default_rng(4)
    site = site_reference([draw(rng, away=5.0, grainy=3.0) for _ in range(20)], at_home())
    assert site.site_films == 20
    assert share_not_fit(site, [draw(rng) for _ in range(40)]) == 1.0


def test_an_unusual_head_stays_so_at_a_site():
    rng = np.random.default_rng(5)
    site = site_reference([draw(rng, away=5.0) for _ in range(10)], at_home())
    film = draw(rng, away=5.0)
    film.signs[PLACE["shape"]] = 3.0
    assert share_not_fit(site, [film]) == 1.0


def test_a_site_whose_films_differ_more_has_a_wider_reference():
    rng = np.random.default_rng(6)
    home = at_home()
    films = [draw(rng) for _ in range(30)]
    for film in films:
        film.signs[PLACE["grainy"]] *= 4
    site = site_reference(films, home)
    spread = {name: np.std(site.column(name)) / np.std(home.column(name)) for name in ("grainy", "blurred")}
    assert 2.0 < spread["grainy"] < 4.0
    assert 1.0 <= spread["blurred"] < 1.3


def test_a_site_without_features_is_judged_by_the_other_signs():
    rng = np.random.default_rng(7)
    films = [replace(draw(rng, grainy=3.0), features=None) for _ in range(10)]
    site = site_reference([film.beside(None) for film in films], at_home())
    assert site.features == at_home().features
    assert np.median(site.column("grainy")) == pytest.approx(3.0, abs=0.2)


def test_no_film_makes_no_site():
    with pytest.raises(InputError, match="no film"):
        site_reference([], at_home())


def test_signs_of_heads_need_more_films_to_be_moved():
    assert FILM_SIGNS["shape"].of_head
    rng = np.random.default_rng(8)
    films = [draw(rng) for _ in range(4)]
    for film in films:
        film.signs[[PLACE["shape"], PLACE["blurred"]]] += 1.0
    site = site_reference(films, at_home())
    assert np.median(site.column("shape")) == pytest.approx(0.5, abs=0.1)
    assert np.median(site.column("blurred")) == pytest.approx(1.0, abs=0.1)
