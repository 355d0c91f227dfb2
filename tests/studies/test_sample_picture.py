from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.patches import Ellipse

from cephsure.films import Film, Spacing, SpacingSource
from cephsure.landmarks import load_landmark_set
from cephsure.studies.sample_picture import (
    SamplePanel,
    few_landmarks,
    picture_model,
    sample_picture,
    samples_of,
)

RNG = np.random.default_rng(0)
FILM = Film(RNG.random((1200, 900), dtype=np.float32), Spacing(0.1, 0.2, SpacingSource.USER))
TRUTH = np.array([[300.0, 400.0], [500.0, 700.0], [np.nan, np.nan]])


def panel(samples: int = 5, **changes) -> SamplePanel:
    points = np.nan_to_num(TRUTH, nan=600.0) + RNG.normal(0, 10, (samples, 3, 2))
    return replace(SamplePanel("as it is", FILM, points, TRUTH, (0, 1, 2)), **changes)


def axes_of(figure):
    return [axes for axes in figure.get_axes() if axes.images]


def marks(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


def test_dots_star_cross_and_circle_stand_where_they_should():
    one = panel()
    (axes,) = axes_of(sample_picture([one], caption="a film"))
    np.testing.assert_allclose(marks(axes, "o")[1].get_xydata(), one.samples_px[:, 1])
    mean = one.samples_px[:, 1].mean(axis=0)
    np.testing.assert_allclose(marks(axes, "*")[1].get_xydata()[0], mean)
    np.testing.assert_allclose(marks(axes, "x")[0].get_xydata()[0], TRUTH[0])
    circle = [patch for patch in axes.patches if isinstance(patch, Ellipse)][1]
    away_mm = np.linalg.norm((one.samples_px[:, 1] - mean) * [0.1, 0.2], axis=1)
    np.testing.assert_allclose(circle.center, mean)
    # A circle on the film: with px that are taller than wide it is lower than wide in px.
    np.testing.assert_allclose((circle.width * 0.1, circle.height * 0.2), 2 * away_mm.mean())
    assert axes.get_aspect() == pytest.approx(2)


def test_only_the_chosen_landmarks_are_shown_each_in_its_colour():
    (axes,) = axes_of(sample_picture([panel(landmarks=(0, 2))], caption=""))
    stars = marks(axes, "*")
    assert len(stars) == 2
    assert stars[0].get_color() != stars[1].get_color()


def test_a_single_sample_has_neither_dots_nor_circle_and_an_unknown_truth_no_cross():
    figure = sample_picture([panel(samples=1, truth_px=None)], caption="")
    (axes,) = axes_of(figure)
    assert len(marks(axes, "*")) == 3
    assert not marks(axes, "o")
    assert not marks(axes, "x")
    assert not axes.patches
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["the model's point"]


def test_panels_that_are_compared_show_the_same_part_of_the_film():
    wide = panel(samples_px=panel().samples_px + np.array([150.0, 0.0]))
    few = panel(landmarks=(0,))
    same, other, near = axes_of(sample_picture([panel(), wide, few], caption=""))
    assert same.get_xlim() == other.get_xlim()
    assert same.get_ylim() == other.get_ylim()
    assert near.get_xlim() != same.get_xlim()


def test_films_are_scaled_down_to_what_is_printed():
    (axes,) = axes_of(sample_picture([panel()], caption=""))
    image = axes.images[0]
    left, right = axes.get_xlim()
    assert max(image.get_array().shape) <= 500
    assert tuple(image.get_extent()[:2]) == (left, right)
    assert right - left > 500


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (3, 3), (4, 4), (8, 4), (5, 3)])
def test_at_most_four_stand_in_a_row(panels, columns):
    figure = sample_picture([panel()] * panels, caption="so it is")
    assert len(axes_of(figure)) == panels
    assert axes_of(figure)[0].get_gridspec().ncols == columns
    assert figure.get_label() == "so it is"


def test_the_samples_of_a_prediction(rule_model, spot_film):
    prediction = rule_model().predict(spot_film())
    samples = samples_of(prediction)
    assert samples.shape == (2, 2, 2)
    np.testing.assert_allclose(samples[0] - samples[1], [[2, 0], [2, 0]])


def test_an_ensemble_is_shown_before_others_and_a_stored_model_not_at_all(study, study_model, rule_model):
    baseline = study_model("b", model=rule_model(), kind="baseline")
    ensemble = study_model("e", model=rule_model())
    stored = study_model("s", model=None)
    assert picture_model(replace(study, models=(stored, baseline, ensemble))) is ensemble
    assert picture_model(replace(study, models=(stored, baseline))) is baseline
    assert picture_model(replace(study, models=(stored,))) is None


def test_a_few_landmarks(rule_model):
    isbi = load_landmark_set()
    assert [isbi.codes[index] for index in few_landmarks(isbi)] == ["S", "A", "Me", "Go"]
    assert few_landmarks(rule_model().landmark_set) == (0, 1)
