"""A site's films, drawn: a reader of a known habit at landmarks of known scatter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import made_errors as made
from cephsure.errors import InputError
from cephsure.uncertainty.calibration.calibration import film_errors
from cephsure.uncertainty.calibration.rehearsal import drawn_of, rehearse
from cephsure.uncertainty.gate import SIGNS, FilmSigns, GateTarget, HeadModel, fit_gate
from cephsure.uncertainty.gate.acceptance import AcceptanceCase
from cephsure.uncertainty.readers.reader import profiled
from cephsure.uncertainty.readers.site import SiteMaterial, cross_validate, learn_site
from cephsure.uncertainty.shape_model import ShapeModel

HABIT = np.array([[0.8, 0.3, 0.0], [-0.9, 0.0, 0.3], [0.0, 0.5, 0.0], [0.9, -0.2, 0.2]])
NAME = {"name": "here", "model": "m", "model_sha256": "a" * 64}


def signs(rng, films):
    return tuple(
        FilmSigns(rng.normal(size=len(SIGNS)), rng.uniform(0, 2, 4), np.zeros(4)) for _ in range(films)
    )


@pytest.fixture(scope="module")
def gate():
    """A gate learned from the rehearsal of made readers."""
    rng = np.random.default_rng(5)
    given = made.readings(rng, 40)
    rows: dict[str, list] = {}
    for films in rehearse(given, made.folds_of(given)):
        rows.setdefault(films.case, []).append(films)
    cases = {
        case: AcceptanceCase(
            np.concatenate([own.expected_mm for own in films]),
            np.concatenate([own.actual_mm for own in films]),
            np.ones((sum(len(own.films) for own in films), 4)),
            [own.reader.data.groups[i] for own in films for i in own.films],
            [own.reader.person for own in films for _ in own.films],
        )
        for case, films in rows.items()
    }
    head = HeadModel(ShapeModel.fit(rng.normal(0, 3, (40, 4, 2)) + 50 * np.eye(4)[:, :2]), (False,) * 4)
    groups = given.one[0].data.groups
    return fit_gate(
        made.SOURCE,
        signs(rng, 40),
        groups,
        cases,
        head=head,
        shape_source="made",
        target=GateTarget(max_missed_rate=0.3),
    )


def material(films=20, *, gate=None, seed=1, **how):
    rng = np.random.default_rng(seed)
    data = made.draw(rng, films, habit=HABIT, two=True, left=True, **how)
    return SiteMaterial(data, made.calibration(), gate, () if gate is None else signs(rng, films))


def test_the_reader_of_a_site_is_found_and_says_what_it_rests_on():
    given = material(200)
    found = learn_site(given, **NAME)
    assert found.habit.mean == pytest.approx(HABIT, abs=0.45)
    assert (found.kind, found.films, found.source) == ("site", 200, made.SOURCE)
    assert (found.acceptance, found.film_reference) == (None, None)
    assert found.for_whom == "site here, 200 films"
    two = learn_site(replace(given, truth_of="mean"), **NAME)
    assert two.for_whom.endswith("the mean of two readers")


@pytest.mark.parametrize(("films", "off_mm"), [(6, 100.0), (2, 300.0)])
def test_mean_offsets_that_are_no_habit_are_refused(films, off_mm):
    """Some films of twenty are mixed up: the median film is right, and the mean is what is learned."""
    given = material(20)
    given.data.errors_mm[:films, 2, 0] += off_mm
    with pytest.raises(InputError, match=r"mean offsets of \d+ mm \(landmark 3\) are no reader's habit"):
        learn_site(given, **NAME)


def test_one_stray_point_is_no_mix_up():
    given = material(20)
    given.data.errors_mm[0, 2, 0] += 100.0
    assert learn_site(given, **NAME).films == 20


def test_a_profile_is_where_the_films_start():
    given = material(1)
    usual = learn_site(given, **NAME)
    readers = made.calibration().readers
    said = profiled(
        readers, {1: "junior", 2: "senior", 4: "junior"}, name="x", model="m", model_sha256="a" * 64
    )
    told = learn_site(replace(given, profile=said), **NAME)
    assert np.abs(told.habit.mean - HABIT)[:, 0].sum() < np.abs(usual.habit.mean - HABIT)[:, 0].sum()


def without_scale(given, films):
    data = given.data
    measures = {key: values.copy() for key, values in data.measures.items()}
    errors, scales = data.errors_mm.copy(), data.upright_mm_per_px.copy()
    for values in (errors, scales, measures["spread_mm"], measures["raw_expected_error_mm"]):
        values[films] = np.nan
    changed = replace(data, errors_mm=errors, upright_mm_per_px=scales, measures=measures)
    return replace(given, data=changed)


def test_films_without_a_scale_teach_nothing(gate):
    given = material(20, gate=gate)
    mixed = without_scale(given, slice(15, None))
    alone = replace(given, data=given.data.take(range(15)), signs=given.signs[:15])
    found, expected = learn_site(mixed, **NAME), learn_site(alone, **NAME)
    assert (found.landmarks, found.films, found.acceptance) == (expected.landmarks, 15, expected.acceptance)
    assert found.film_reference.site_films == 20  # a picture needs no scale
    assert cross_validate(mixed, repeats=2) == cross_validate(alone, repeats=2)
    with pytest.raises(InputError, match="no film has errors in mm"):
        learn_site(without_scale(given, slice(None)), **NAME)


def test_a_usual_site_keeps_the_gate(gate):
    found = learn_site(material(40, gate=gate), **NAME)
    assert found.acceptance.withdrawn is None
    assert found.acceptance.points > 20
    assert found.acceptance.wrong <= 0.3 * found.acceptance.points
    assert found.film_reference.site_films == 40


def test_where_accepted_points_are_too_often_wrong_the_gate_is_withdrawn_in_words(gate):
    """Now and then a mark centimetres away: nothing that the expected error of a point could tell."""
    given = material(40, gate=gate)
    errors = given.data.errors_mm.copy()
    errors[np.random.default_rng(0).random(errors.shape[:2]) < 0.45] += 15.0
    # What films scatter is told by others: the reader's own factor would take the errors in.
    calm = replace(given, data=replace(given.data, errors_mm=errors))
    calm = replace(calm, profile=learn_site(material(4000), **NAME))
    found = learn_site(calm, **NAME).acceptance
    assert found.wrong > 0.3 * found.points
    assert f"{found.wrong} of {found.points} accepted points were off by more than 2 mm" in found.withdrawn


@pytest.mark.parametrize("seed", range(3))
def test_a_film_takes_no_part_in_its_own_judgement(gate, seed):
    given = material(4, gate=gate, seed=seed)
    points = wrong = 0
    for place in range(4):
        others = [k for k in range(4) if k != place]
        alone = replace(given, data=given.data.take(others), signs=tuple(given.signs[k] for k in others))
        habit, drawn = learn_site(alone, **NAME).habit, drawn_of(given.data, place)
        errors = film_errors(given.calibration.scatter["one"], drawn, habit)
        scale = given.data.upright_mm_per_px[place]
        away = (errors.points_px - given.data.points_px[place]) * scale + given.data.errors_mm[place]
        taken = gate.rules["3"].accepts(errors.expected_mm, given.signs[place].misfits)
        points += taken.sum()
        wrong += (taken & (np.hypot(*away.T) > 2.0)).sum()
    found = learn_site(given, **NAME).acceptance
    assert (found.points, found.wrong) == (points, wrong)
    # Of two films of one group there are no others to learn from.
    assert learn_site(material(2, gate=gate, groups=["a", "a"]), **NAME).acceptance is None


def test_corrected_films_bring_smaller_errors_and_regions_that_hold(gate):
    rows = cross_validate(material(40, gate=gate), steps=(0, 1, 10, 50), repeats=6)
    assert [row.films for row in rows] == [0, 1, 10]  # fifty leave none to measure on
    assert [row.test_films for row in rows] == [40, 39, 30]
    assert [row.repeats for row in rows] == [1, 6, 6]
    assert rows[0].mre_mm > 1.1 * rows[2].mre_mm
    assert rows[0].area_mm2 > 1.3 * rows[2].area_mm2
    assert rows[0].mre_sd_mm == 0.0 < rows[2].mre_sd_mm
    # Of one reader, at a distance from what is usual, the first regions hold more or fewer than of readers.
    assert 0.75 < rows[0].coverage <= 1.0
    assert rows[2].coverage == pytest.approx(0.9, abs=0.06)
    for row in rows:
        assert row.worst_landmark <= row.coverage
        assert 0.0 < row.accepted < 1.0
    assert rows[2].wrong <= 0.3
    assert rows[2].accepted > rows[0].accepted


def test_without_a_gate_nothing_is_said_of_acceptance():
    (row,) = cross_validate(material(6), steps=(0,))
    assert (row.accepted, row.wrong) == (None, None)


def test_points_that_are_not_marked_do_not_count():
    given = material(12)
    errors = given.data.errors_mm.copy()
    errors[:, 2] = np.nan
    (row,) = cross_validate(replace(given, data=replace(given.data, errors_mm=errors)), steps=(0,))
    radial = np.delete(errors, 2, axis=1)
    assert row.mre_mm < np.hypot(radial[..., 0], radial[..., 1]).mean() + 1.0
    assert np.isfinite([row.coverage, row.worst_landmark, row.area_mm2]).all()


def test_regions_that_are_all_of_the_film_have_no_area():
    given = material(6)
    (row,) = cross_validate(given, steps=(0,), level=0.995)
    assert (row.area_mm2, row.coverage) == (None, 1.0)


def test_groups_stay_together():
    """Three groups of four films: a draw of one film takes four."""
    rows = cross_validate(material(12, groups=["a", "b", "c"] * 4), steps=(1, 11), repeats=2)
    assert [row.test_films for row in rows] == [8, 4]
    assert cross_validate(material(3, groups=["a"] * 3)) == []


def test_levels_out_of_range_are_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        cross_validate(material(3), level=90)
