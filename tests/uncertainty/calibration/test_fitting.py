from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import made_errors as made
from cephsure.uncertainty.calibration.calibration import expected_errors_mm
from cephsure.uncertainty.calibration.fitting import ReadFilms, Readings, fit, fit_scatter


def with_missing(readings):
    """The second landmark marked by nobody, the third not by the first annotator on ten films."""
    one = []
    for reader in readings.one:
        errors = reader.data.errors_mm.copy()
        errors[:, 1] = np.nan
        if reader.name == "senior":
            errors[:10, 2] = np.nan
        one.append(replace(reader, data=replace(reader.data, errors_mm=errors)))
    return replace(readings, one=tuple(one), mean=())


@pytest.fixture(scope="module")
def readings():
    return made.readings(np.random.default_rng(3), 36, left=True)


def test_scatter_is_found_about_each_readers_own_habit():
    """Two readers apart by their definitions and by centimetres: neither is scatter."""
    rng = np.random.default_rng(0)
    data = made.draw(rng, 300, two=True, left=True)
    habits = {"a": made.FIRST, "b": (1.0, 8.0, -9.0)}
    found = fit_scatter([ReadFilms(k, k, made.read(rng, data, habit), k) for k, habit in habits.items()])
    truth = made.SHAPE @ made.SHAPE.T
    for mark in found:
        assert mark.films == 600
        shape = np.array(mark.relative_covariance)
        assert shape / np.trace(shape) == pytest.approx(truth / np.trace(truth), abs=0.06)
        assert mark.temperature == 1.0  # no maps
    alone = made.read(rng, data).radial_mm
    assert expected_errors_mm(found, data.measures).mean(axis=0) == pytest.approx(
        alone.mean(axis=0), rel=0.06
    )


def test_temperatures_fit_the_maps():
    """The made maps are half as wide as the scatter's law, which the temperature 4 repairs."""
    rng = np.random.default_rng(1)
    data = made.draw(rng, 40, habit=(0.7, 1.0, 0.0), two=True, with_maps=True, side=31)
    found = fit_scatter([ReadFilms("a", "a", data, "a")])
    # The smallest landmark's maps are too coarse, the largest's too narrow for the tails.
    assert [mark.temperature for mark in found[1:3]] == pytest.approx([4.0, 4.0], rel=0.35)


def test_annotators_habits_and_how_readers_differ_are_found():
    readings = made.readings(np.random.default_rng(2), 150, further=12)
    found = fit(readings)
    for place, end in enumerate((-1.0, 1.0)):
        habit = found.habit_of(found.annotators[place].name)
        assert habit.mean[[0, 1, 3]] == pytest.approx(np.tile([end, 0.0, 0.0], (3, 1)), abs=0.4)
        assert habit.spread == pytest.approx(np.ones(4), rel=0.25)
    assert [annotator.films for annotator in found.annotators] == [150, 150]
    # Further readers' w vary by 0.7 and b by 0.3 mm; the annotators lie at the ends, without any offset.
    assert [mark.b_sd_mm for mark in found.readers.landmarks] == pytest.approx([0.3] * 4, rel=0.4)
    assert [mark.w_sd for mark in found.readers.landmarks] == pytest.approx([0.75] * 4, rel=0.35)
    assert found.readers.persons == 14
    # The mean of two marks scatters half as much, in variance.
    sizes = [
        expected_errors_mm(found.scatter[of], readings.one[0].data.measures).mean() for of in ("one", "mean")
    ]
    assert sizes[1] == pytest.approx(sizes[0] / np.sqrt(2), rel=0.08)


def test_an_annotators_films_are_believed_and_the_population_is_not():
    """Twenty readers at one end hardly move an annotator who marks at the other."""
    rng = np.random.default_rng(4)
    data = made.draw(rng, 60, two=True)
    crowd = [ReadFilms(f"r{k}", f"r{k}", made.read(rng, data, made.SECOND)) for k in range(20)]
    first = ReadFilms("senior", "senior", made.read(rng, data, made.FIRST), "senior")
    found = fit(Readings((first, *crowd), annotators=("senior", "junior")))
    assert found.habit_of("senior").mean[[0, 1, 3], 0] == pytest.approx([-1.0] * 3, abs=0.3)
    assert found.scatter["mean"] == found.scatter["one"]


def test_missing_points_count_for_their_landmark_alone(readings):
    found = fit(with_missing(readings))
    assert [mark.films for mark in found.scatter["one"]] == [72, 0, 62, 72]
    assert [mark.readers for mark in found.readers.landmarks] == [4, 0, 4, 4]
    assert np.isfinite([mark.log_intercept for mark in found.scatter["one"]]).all()


def test_readings_without_a_person_and_without_films(readings):
    assert readings.persons == ("senior", "junior", "r0", "r1")
    assert readings.without("junior").persons == ("senior", "r0", "r1")
    fold = {"film 3", "film 5"}
    kept = readings.on(fold.__contains__)
    # Only annotators are judged on a fold, and only they tell of it.
    assert [reader.data.groups for reader in (*kept.one, *kept.mean)] == [("film 3", "film 5")] * 3
