from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import made_errors as made
from cephsure.uncertainty.calibration.calibration import GRID_LEVELS, Bounds
from cephsure.uncertainty.calibration.fitting import ReadFilms, Readings
from cephsure.uncertainty.calibration.rehearsal import (
    CONTENTS,
    Rehearsed,
    fit_bounds,
    judge_regions,
    rehearsal_steps,
    rehearse,
    smallest_kind,
)
from cephsure.uncertainty.readers.cases import KNOWN, KNOWN_MEAN


@pytest.fixture(scope="module")
def readings():
    return made.readings(np.random.default_rng(3), 36, left=True)


@pytest.fixture(scope="module")
def rehearsed(readings):
    return rehearse(readings, made.folds_of(readings))


def test_every_case_is_rehearsed_that_films_allow(rehearsed, readings):
    cases = dict.fromkeys(films.case for films in rehearsed)
    assert list(cases) == [KNOWN, KNOWN_MEAN, "0", "1", "3", "10"]  # of 36 films thirty leave fewer to judge
    for films in rehearsed:
        assert films.expected_mm.shape == films.actual_mm.shape == (len(films.films), 4)
        assert set(films.contents) == set(films.areas_mm2) == {"ellipse", "disc"}
    judged = [i for films in rehearsed if films.case == KNOWN_MEAN for i in films.films]
    assert len(judged) == 36


def test_every_step_is_told_and_the_same_seed_gives_the_same(readings):
    two = replace(readings, one=(readings.one[0], readings.one[2]))
    folds, steps = made.folds_of(readings), []
    first, again = (rehearse(two, folds, on_step=lambda: steps.append(1)) for _ in range(2))
    assert len(steps) == 2 * rehearsal_steps(two, folds) == 2 * (3 + 2)
    assert [(one.expected_mm == other.expected_mm).all() for one, other in zip(first, again, strict=True)]


def test_one_person_alone_is_no_rehearsal_of_another():
    readings = made.readings(np.random.default_rng(5), 12, further=0, two=False)
    one = Readings(readings.one[:1])
    folds = made.folds_of(one, 2)
    assert {films.case for films in rehearse(one, folds)} == {KNOWN, KNOWN_MEAN} - {KNOWN_MEAN}
    assert rehearsal_steps(one, folds) == 2
    # A fold that holds all films leaves none to learn from.
    assert rehearse(one, [one.one[0].data.groups]) == []


def test_a_person_who_is_left_out_is_left_out_of_all(readings, rehearsed):
    """However odd a reader is, what is expected of this reader's points before any film is the same."""
    odd = made.read(np.random.default_rng(6), readings.one[3].data, (6.0, 9.0, -9.0), spread=9.0)
    changed = replace(readings, one=(*readings.one[:3], replace(readings.one[3], data=odd)))
    again = rehearse(changed, [])

    def of(found, person, case):
        films = [f for f in found if f.reader.person == person and f.case == case]
        return np.concatenate([f.expected_mm for f in films])

    assert (of(again, "r1", "0") == of(rehearsed, "r1", "0")).all()
    assert (of(again, "r1", "10") > of(rehearsed, "r1", "10")).mean() > 0.9  # these films were seen
    assert (of(again, "r0", "0") > of(rehearsed, "r0", "0")).mean() > 0.9  # the others expect more


def test_an_annotators_film_is_judged_by_the_other_folds(readings, rehearsed):
    fold = made.folds_of(readings)[0]
    apart = np.isin(readings.one[0].data.groups, fold)
    errors = readings.one[0].data.errors_mm.copy()
    errors[apart] *= 10
    first = replace(readings.one[0], data=replace(readings.one[0].data, errors_mm=errors))
    again = rehearse(replace(readings, one=(first, readings.one[1])), [fold])
    before = next(
        f for f in rehearsed if f.reader.name == "senior" and set(f.reader.data.groups) == set(fold)
    )
    after = next(f for f in again if f.reader.name == "senior")
    assert (after.expected_mm == before.expected_mm).all()
    assert (after.actual_mm > before.actual_mm).mean() > 0.9


@pytest.mark.slow
def test_regions_for_a_reader_not_met_before_hold_what_they_state():
    """Bounds from some readers, tried on others, at every number of films seen."""
    given = made.readings(np.random.default_rng(7), 24, further=12)
    parts = [given.one[:8], (*given.one[:2], *given.one[8:])]
    learned, tried = (rehearse(replace(given, one=part), []) for part in parts)
    bounds = fit_bounds(learned)
    assert set(bounds) == {"0", "1", "3", "10"}
    for case, kinds in bounds.items():
        films = [f for f in tried if f.case == case and f.reader.annotator is None]
        for level in (0.5, 0.9):
            held = np.nanmean(judge_regions(films, kinds, "ellipse", level).covered)
            assert held == pytest.approx(level, abs=0.05 if level == 0.9 else 0.15)


def test_bounds_of_new_readers_weigh_persons_alike():
    """Of two persons one has nine times as many films: half of each person's points count half."""

    def films(person, contents):
        reader = ReadFilms(person, person, made.draw(np.random.default_rng(0), 1))
        values = {"disc": np.array(contents)[:, None]}
        return Rehearsed("0", reader, np.arange(len(contents)), *np.ones((2, len(contents), 1)), values, {})

    low, high = films("a", [0.1] * 18), films("b", [0.6, np.nan, 0.8])
    (row,) = fit_bounds([low, high])["0"]["disc"].contents
    assert [row[GRID_LEVELS.index(level)] for level in (0.4, 0.5, 0.6, 0.75, 0.8)] == [
        *(0.1, 0.1, 0.6, 0.6, 0.8)
    ]


def test_bounds_of_annotators_are_conformal_landmark_by_landmark(rehearsed):
    bounds = fit_bounds(rehearsed)[KNOWN]["ellipse"]
    contents = np.concatenate([f.contents["ellipse"] for f in rehearsed if f.case == KNOWN])
    for own, column in zip(bounds.contents, contents.T, strict=True):
        # 72 marks: of rank ceil(73 * 0.9) = 66; for 99 % there are too few, and it is all of the film.
        assert own[GRID_LEVELS.index(0.9)] == pytest.approx(np.sort(column)[65], abs=1e-6)
        assert own[-1] == 1.0


def test_what_a_case_held_by_hand():
    reader = ReadFilms("a", "a", made.draw(np.random.default_rng(0), 2))
    areas = np.broadcast_to(100.0 * np.array(CONTENTS), (2, 2, len(CONTENTS)))
    contents = np.array([[0.3, 0.97], [0.55, np.nan]])
    films = Rehearsed("0", reader, np.arange(2), *np.ones((2, 2, 2)), {"disc": contents}, {"disc": areas})
    row = [level / 2 + 0.1 for level in GRID_LEVELS]
    whole = [*row[:-4], 1.0, 1.0, 1.0, 1.0]
    bounds = {"disc": Bounds(contents=(tuple(row), tuple(whole)))}
    figures = judge_regions([films], bounds, "disc", 0.9)
    np.testing.assert_array_equal(figures.covered, [[1.0, 0.0], [1.0, np.nan]])
    np.testing.assert_allclose(figures.areas_mm2[:, 0], 55.0)  # between the areas at 0.5 and 0.6
    figures = judge_regions([films], bounds, "disc", 0.95)
    assert (figures.areas_mm2[0, 1], figures.covered[0, 1]) == (np.inf, 1.0)
    low = judge_regions([films], bounds, "disc", 0.5)
    np.testing.assert_array_equal(low.covered, [[1.0, 0.0], [0.0, np.nan]])


def test_the_kind_whose_regions_are_smallest_for_a_new_reader(rehearsed):
    bounds = fit_bounds(rehearsed)
    films = [f for f in rehearsed if f.case == "0"]
    sizes = {
        kind: np.nanmedian(judge_regions(films, bounds["0"], kind, 0.9).areas_mm2)
        for kind in ("ellipse", "disc")
    }
    assert smallest_kind(rehearsed, bounds) == min(sizes, key=sizes.get)
    known = [f for f in rehearsed if f.case == KNOWN]
    assert smallest_kind(known, fit_bounds(known)) == "ellipse"  # the scatter's law
