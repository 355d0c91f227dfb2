from __future__ import annotations

import numpy as np
import pytest

from cephsure.studies.accuracy import accuracy


@pytest.fixture(scope="module")
def figures(table_study):
    made = table_study(kinds=("baseline", "ensemble", "mc-dropout"))
    return made, accuracy(made.study).figures


def test_the_curve_is_the_share_of_points_within_a_radius(figures):
    made, found = figures
    (panel,) = found["accuracy_success"].axes
    curves = {line.get_label(): line for line in panel.lines}
    (name,) = [label for label in curves if label.startswith("default ensemble")]
    errors = np.hypot(*np.moveaxis(made.away_mm["table-ensemble"], -1, 0))
    x, y = curves[name].get_data()
    two = np.argmin(abs(x - 2))
    assert y[two] == pytest.approx(100 * (errors <= 2).mean())
    assert panel.get_xlabel() == "radius r [mm]"
    assert sum("published" in label for label in curves) == 4


def test_a_panel_for_each_recipe(table_study):
    study = table_study(kinds=("baseline",), recipe="paper").study
    (panel,) = accuracy(study).figures["accuracy_success"].axes
    assert panel.get_title() == "recipe paper"


def test_every_landmark_has_its_mean_from_each_kind(figures):
    made, found = figures
    (panel,) = found["accuracy_landmarks"].axes
    labelled = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert [label.split(",")[0] for label in labelled] == [
        "default baseline",
        "default ensemble (5)",
        "default mc-dropout (5)",
    ]
    errors = np.hypot(*np.moveaxis(made.away_mm["table-baseline"], -1, 0))
    (name,) = [label for label in labelled if label.startswith("default baseline")]
    np.testing.assert_allclose(labelled[name].get_ydata(), errors.mean(axis=0), rtol=1e-4)
    (between,) = [one for one in panel.collections if one.get_label().startswith("annotators")]
    heights = [segment[0][1] for segment in between.get_segments()]
    np.testing.assert_allclose(heights, 2 * made.difficulty.mean(axis=0), rtol=1e-6)


def test_all_can_be_drawn(figures):
    for figure in figures[1].values():
        figure.canvas.draw()
