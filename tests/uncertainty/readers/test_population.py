from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.readers.habit import MarkedFilms
from cephsure.uncertainty.readers.population import (
    COMMON_SHARE,
    Definition,
    KnownReader,
    Population,
    fit_population,
)

PAIR = ("senior", "junior")
LINE = np.array([1.5, 1.0])


def reader(rng, name, habit, films=20, *, person=None, line=LINE, marked=None):
    """Films of a reader, their scatter 0.5 mm^2 along both axes."""
    count = len(habit)
    lines = np.broadcast_to(line, (films, count, 2)) * np.exp(0.3 * rng.standard_normal((films, count, 1)))
    away = habit[:, :1] * lines + habit[:, 1:] + np.sqrt(0.5) * rng.standard_normal(lines.shape)
    if marked is not None:
        away[:, ~np.asarray(marked)] = np.nan
    covariances = np.broadcast_to(0.5 * np.eye(2), (films, count, 2, 2))
    apart = np.full(count, 2 * np.hypot(*line))
    return KnownReader(
        name, person or name, MarkedFilms.of(away, lines, covariances), films, apart, np.full(count, 0.5)
    )


def habits(rng, count, *, centre=0.4, w_sd=0.6, b_sd=(0.5, 0.5, 1.5), landmarks=3):
    w = rng.normal(centre, w_sd, (count, landmarks))
    return np.concatenate(
        [w[..., None], rng.normal(0, 1, (count, landmarks, 2)) * np.array(b_sd)[:, None]], axis=2
    )


def known(seed, count, **how):
    rng = np.random.default_rng(seed)
    return [reader(rng, f"r{k}", habit) for k, habit in enumerate(habits(rng, count, **how))]


def test_centres_and_variances_of_many_readers_are_found():
    found = fit_population(known(0, 60), (1, 2, 3), annotators=PAIR)
    assert [mark.centre for mark in found.landmarks] == pytest.approx([0.4] * 3, abs=0.25)
    assert [mark.w_sd for mark in found.landmarks] == pytest.approx([0.6] * 3, rel=0.25)
    # Of variances 1/4, 1/4 and 9/4, each drawn to their mean 11/12 with two readers' worth among 62.
    assert [mark.b_sd_mm for mark in found.landmarks] == pytest.approx([0.52, 0.52, 1.49], rel=0.2)
    assert found.spread == pytest.approx(1.0, abs=0.05)
    assert (found.persons, found.annotators) == (60, PAIR)
    assert found.landmarks[0].evidence.startswith("60 readers: mean +0.")


def test_of_few_readers_a_landmarks_own_variance_is_drawn_to_that_of_all():
    few = fit_population(known(1, 3, b_sd=(0.2, 0.2, 2.0)), (1, 2, 3), annotators=PAIR)
    sizes = [mark.b_sd_mm for mark in few.landmarks]
    assert sizes[0] > 0.4
    assert sizes[0] < sizes[2] < 2.0


def test_with_one_person_how_readers_differ_is_a_weak_guess():
    rng = np.random.default_rng(2)
    films = [reader(rng, name, np.ones((3, 3)), person="one") for name in ("first", "second")]
    found = fit_population(films, (1, 2, 3), annotators=PAIR)
    assert found.persons == 1
    for mark in found.landmarks:
        assert (mark.centre, mark.evidence, mark.readers) == (0.0, "", 1)
        assert mark.b_sd_mm == pytest.approx(np.sqrt(0.5), abs=1e-4)
        assert mark.w_sd == pytest.approx(np.sqrt(0.5), abs=1e-4)


def test_a_person_counts_once_however_many_sets():
    rng = np.random.default_rng(3)
    plus, minus = np.tile([[1.0, 0, 0]], (3, 1)), np.tile([[-1.0, 0, 0]], (3, 1))
    alone = [reader(rng, "a", plus), reader(rng, "b", minus)]
    often = [*alone, *(reader(rng, "b", plus, person="a") for _ in range(3))]  # names may be met again
    for readers in (alone, often):
        found = fit_population(readers, (1, 2, 3), annotators=PAIR)
        assert [mark.centre for mark in found.landmarks] == pytest.approx([0.0] * 3, abs=0.15)
        assert found.persons == 2
    assert [one.films for one in found.rests_on] == [20] * 5


def test_sets_of_one_person_do_not_make_readers_differ_more():
    rng = np.random.default_rng(8)
    odd, usual = np.array([[0.0, 4.0, 4.0]]), np.zeros((1, 3))
    alone = [reader(rng, "odd", odd), *(reader(rng, name, usual) for name in "abc")]
    often = [*alone, *(reader(rng, f"odd {k}", odd, person="odd") for k in range(6))]
    sizes = [
        fit_population(readers, (1,), annotators=PAIR).landmarks[0].b_sd_mm for readers in (alone, often)
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


@pytest.mark.parametrize(
    ("share", "apart", "centre", "words"),
    [
        (0.99, 1.0, 1.0, "definition decides: junior is the lower on 99% of films; 2 readers: mean -"),
        (0.01, 1.0, -1.0, "definition decides: senior is the lower on 99%"),
        (0.8, 1.0, 0.0, "definition counts as 2 readers: junior is the lower on 80%"),  # (2 (-1) + 2) / 4
        (0.6, 1.0, -1.0, "junior is the lower on 60% of films; 2 readers"),
        (0.99, 0.1, -1.0, "2 readers: mean -"),  # where the two hardly part the definition does not matter
    ],
)
def test_where_the_definition_is_clear_it_decides(share, apart, centre, words):
    rng = np.random.default_rng(4)
    senior = np.array([[-1.0, 0.0, 0.0]])
    readers = [reader(rng, name, senior, 200, line=apart * LINE) for name in "ab"]
    found = fit_population(readers, (1,), annotators=PAIR, definitions={0: Definition(share, "the lower")})
    assert found.landmarks[0].centre == pytest.approx(centre, abs=0.35 if apart < 1 else 0.1)
    assert found.landmarks[0].evidence.startswith(words)


def test_without_two_annotators_there_is_no_line():
    rng = np.random.default_rng(5)
    readers = [reader(rng, f"r{k}", h, line=0 * LINE) for k, h in enumerate(habits(rng, 30))]
    found = fit_population(readers, (1, 2, 3), annotators=("one",))
    assert found.annotators == ()
    assert {(mark.centre, mark.w_sd, mark.apart_mm) for mark in found.landmarks} == {(0.0, 0.0, 0.0)}
    assert [mark.b_sd_mm for mark in found.landmarks] == pytest.approx([0.5, 0.5, 1.5], rel=0.25)


def test_a_landmark_that_nobody_marked_takes_what_all_have():
    rng = np.random.default_rng(6)
    readers = [reader(rng, f"r{k}", h, marked=[True, True, False]) for k, h in enumerate(habits(rng, 20))]
    found = fit_population(readers, (1, 2, 3), annotators=PAIR)
    last = found.landmarks[2]
    assert (last.readers, last.centre) == (0, 0.0)
    assert last.b_sd_mm == pytest.approx(0.5, rel=0.3)


def test_the_prior_of_a_reader_not_met_before():
    found = fit_population(known(7, 8), (1, 2, 3), annotators=PAIR)
    prior = Population.model_validate_json(found.model_dump_json()).prior()
    assert prior.mean[:, 0].tolist() == [mark.centre for mark in found.landmarks]
    w, b = [m.w_sd for m in found.landmarks], [m.b_sd_mm for m in found.landmarks]
    assert prior.covariance[0, 0] == pytest.approx(w[0] ** 2)
    assert prior.covariance[0, 3] == pytest.approx(COMMON_SHARE * w[0] * w[1])
    assert np.diagonal(prior.covariance)[1::3] == pytest.approx(np.square(b))
    assert prior.covariance[1, 4] == 0.0
