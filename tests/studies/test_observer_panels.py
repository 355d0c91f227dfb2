"""Panels of all who marked a point, on drawn heads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cephsure.studies.held_out import held_out
from cephsure.studies.observer_panels import (
    distance_to_the_others,
    expert_panel,
    observer_panel,
    spread_of_observers,
    without_offsets,
)

NAN = float("nan")
coordinates = st.floats(-100, 100, allow_subnormal=False)


def at(*points):
    """Observers' points of one film and landmark."""
    return np.array(points, dtype=np.float64).reshape(len(points), 1, 1, 2)


def test_spread_of_observers_by_hand():
    # The mean is (0, 0); distances 5, 5 and 0.
    assert spread_of_observers(at((3, 4), (-3, -4), (0, 0)))[0, 0] == pytest.approx(10 / 3)


def test_two_observers_spread_is_half_their_distance():
    assert spread_of_observers(at((0, 0), (6, 8)))[0, 0] == pytest.approx(5)


def test_who_did_not_mark_does_not_count_and_one_alone_has_no_spread():
    assert spread_of_observers(at((0, 0), (NAN, NAN), (6, 8)))[0, 0] == pytest.approx(5)
    assert np.isnan(spread_of_observers(at((0, 0), (NAN, NAN)))[0, 0])


def test_distance_to_the_others_by_hand():
    found = distance_to_the_others(at((0, 0), (2, 0), (4, 0)))[:, 0, 0]
    np.testing.assert_allclose(found, [3, 0, 3])
    assert np.isnan(distance_to_the_others(at((0, 0), (NAN, NAN)))).all()


@given(
    points=arrays.arrays(np.float64, (3, 4, 2, 2), elements=coordinates),
    habits=arrays.arrays(np.float64, (3, 1, 2, 2), elements=coordinates),
)
def test_habits_are_taken_off_whatever_they_are(points, habits):
    plain, shifted = (spread_of_observers(without_offsets(of)) for of in (points, points + habits))
    np.testing.assert_allclose(shifted, plain, atol=1e-9)


@given(points=arrays.arrays(np.float64, (3, 4, 2, 2), elements=coordinates))
def test_taking_habits_off_leaves_every_observer_with_the_same_mean(points):
    corrected = without_offsets(points).mean(axis=1)
    np.testing.assert_allclose(corrected, np.broadcast_to(corrected.mean(axis=0), corrected.shape), atol=1e-9)


def test_pure_habits_leave_no_spread():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (1, 10, 3, 2))
    habits = rng.normal(0, 5, (4, 1, 3, 2))
    assert spread_of_observers(truth + habits).min() > 1
    assert spread_of_observers(without_offsets(truth + habits)).max() < 1e-9


@pytest.fixture
def observed(table_study):
    """Give ``observed(offset_mm=0) -> (made, held)``: two observers on films 001, 151, 152 and 174."""

    def make(offset_mm=0.0):
        made = table_study()
        folder = made.folder / "home" / "AnnotationsByMD" / "nine_observers_5_landmarks"
        folder.mkdir(parents=True)
        (made.folder / "home" / "RawImage").mkdir(exist_ok=True)
        for place, name in enumerate(("observer1", "observer2")):
            lines = []
            for film in made.study.dataset.films:
                if film.film_id in {"001", "151", "152", "174"}:
                    true = (film.annotations["senior"] + film.annotations["junior"]) / 2
                    mm = true[[8, 9, 2, 11, 14]] * 0.1 + place * offset_mm
                    lines.append(",".join([film.film_id, *(f"{value:.6f}" for value in mm.ravel())]))
            (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
        return made, held_out(made.study)

    return make


def test_training_and_leaked_films_are_counted_and_left_out(observed):
    made, held = observed()
    found = observer_panel(made.study.dataset, held)
    # 174 is the last film: the exposure of training film 001 once more.
    assert (found.n_films, found.n_training, found.n_leaked) == (4, 1, 1)
    panel = found.panel
    assert [held.items[row].film_id for row in panel.rows] == ["151", "152"]
    assert panel.names == ("senior", "junior", "observer1", "observer2")
    np.testing.assert_array_equal(panel.columns, [8, 9, 2, 11, 14])
    assert (panel.title, panel.quantity) == ("4 observers", "spread of the 4")


def test_a_film_that_one_observer_left_out_is_nan_there(observed):
    made, held = observed()
    (file,) = (made.folder / "home" / "AnnotationsByMD").glob("*/observer2.csv")
    file.write_text("".join(line for line in file.open() if not line.startswith("152")), encoding="utf-8")
    points = observer_panel(made.study.dataset, held).panel.points_mm
    assert np.isnan(points[3, 1]).all()
    assert np.isfinite(points[3, 0]).all()
    assert np.isfinite(points[:3]).all()


def test_spread_by_hand(observed):
    made, held = observed()
    panel = observer_panel(made.study.dataset, held).panel
    # Senior and junior as far as the point is difficult, on opposite sides; the observers on the spot.
    difficulty = made.difficulty[np.ix_([0, 1], panel.columns)]
    np.testing.assert_allclose(panel.disagreement_mm(corrected=False), difficulty / 2, atol=1e-5)
    np.testing.assert_allclose(distance_to_the_others(panel.points_mm)[0], difficulty * 4 / 3, atol=1e-5)


def test_a_convention_counts_only_uncorrected(observed):
    made, held = observed(offset_mm=3.0)
    shifted = observer_panel(made.study.dataset, held).panel
    assert shifted.disagreement_mm(corrected=False).min() > shifted.disagreement_mm(corrected=True).min()
    distances = [of_observer.mean() for of_observer in distance_to_the_others(shifted.points_mm)[2:]]
    assert distances[1] > distances[0]


def test_an_array_of_all_held_out_films_is_cut_to_the_panels(observed):
    made, held = observed()
    panel = observer_panel(made.study.dataset, held).panel
    values = np.arange(24 * 19).reshape(24, 19)
    np.testing.assert_array_equal(panel.of(values)[1], [27, 28, 21, 30, 33])
    assert panel.of(np.zeros((24, 19, 2))).shape == (2, 5, 2)


def test_without_observers_files_there_is_no_panel(table_study):
    study = table_study().study
    assert observer_panel(study.dataset, held_out(study)) is None


def test_two_experts_on_every_landmark_of_the_clean_films(table_study):
    made = table_study()
    panel = expert_panel(held_out(made.study))
    assert (panel.title, panel.quantity) == ("two experts", "distance of the two")
    np.testing.assert_allclose(panel.disagreement_mm(corrected=False), 2 * made.difficulty[:-1], rtol=1e-9)
