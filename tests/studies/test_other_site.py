from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.other_site import other_site
from table_study import records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(table_study):
    return other_site(table_study(away_times=2.0).study)


def test_accuracy_at_home_on_clean_films_and_away_in_mm(result):
    home, away = records(result, "other_site_accuracy", model="default ensemble (5), mean")
    assert (home["site"], home["n_films"]) == ("Test1", 23)
    assert (away["site"], away["n_films"]) == ("away", 12)
    # Twice the difficulty away, of the same distribution; the scale there is 0.2 mm a pixel.
    assert away["mre_mm"] / home["mre_mm"] == pytest.approx(2, rel=0.15)
    assert away["mre_without_offsets_mm"] < away["mre_mm"]


def test_a_convention_of_the_other_site_is_taken_off(table_study):
    made = table_study(kinds=("ensemble",), away_times=0.0)
    away = made.study.other_site
    # The annotators set every landmark 10 px to the right: 2 mm, and nothing else is wrong.
    shifted = [
        replace(
            film,
            annotations={name: points + np.array([10.0, 0.0]) for name, points in film.annotations.items()},
        )
        for film in away.films
    ]
    study = replace(made.study, other_site=replace(away, films=tuple(shifted)))
    row = records(other_site(study), "other_site_accuracy", site="away")[0]
    assert row["mre_mm"] == pytest.approx(2.0, abs=1e-3)
    assert row["mre_without_offsets_mm"] == pytest.approx(0.0, abs=1e-3)


def test_correlations_at_either_site(result):
    found = records(result, "other_site_correlation", measure="spread")
    assert [row["site"] for row in found] == ["Test1", "away"]
    assert all(0.3 < row["spearman"] < 1 for row in found)
    assert [row["n_points"] for row in found] == [23 * 19, 12 * 19]


def test_lengths_in_mm_and_in_px_others_once(result):
    keys = [row["key"] for row in records(result, "other_site_noticed", model="default ensemble (5), mean")]
    assert keys == [
        "activation",
        "spread_mm",
        "spread_px",
        "raw_expected_error_mm",
        "raw_expected_error_px",
        "entropy",
    ]


def test_measures_of_the_same_distribution_do_not_notice(result):
    for row in records(result, "other_site_noticed"):
        assert row["auc_low"] < 0.75
        assert row["auc_high"] > 0.25


def test_a_measure_that_rises_on_every_film_notices_at_once(table_study):
    made = table_study(kinds=("ensemble",))
    model = made.study.models[0]
    from cephsure.studies.predictions import PredictionStore

    store = PredictionStore(model.stored, "other-site", model)
    store._frame[["entropy", "activation"]] += 50.0
    store._unsaved = True
    store.save()
    result = other_site(made.study)
    assert records(result, "other_site_noticed", key="entropy")[0]["auc"] == 1.0
    # A larger activation means more certain: the model is surer away.
    assert records(result, "other_site_noticed", key="activation")[0]["auc"] == 0.0
    # The figure shows the kind's own measure, then the one that notices best.
    titles = [panel.get_title() for panel in result.figures["other_site_table-ensemble"].axes]
    assert titles[1:] == ["spread of the samples", "entropy of the heat map"]


def test_a_site_without_a_scale_has_no_error_in_mm_but_measures(table_study):
    made = table_study(kinds=("ensemble",))
    model, away = made.study.models[0], made.study.other_site
    from cephsure.studies.predictions import PredictionStore

    store = PredictionStore(model.stored, "other-site", model)
    in_mm = ["mm_per_px_x", "mm_per_px_y", "spread_mm", "raw_expected_error_mm"]
    store._frame = store._frame.drop(columns=in_mm)
    store._unsaved = True
    store.save()
    films = tuple(replace(film, spacing=None) for film in away.films)
    result = other_site(replace(made.study, other_site=replace(away, films=films)))
    assert "away has no scale" in result.method[0]
    keys = [row["key"] for row in records(result, "other_site_noticed")]
    assert keys == ["activation", "spread_px", "raw_expected_error_px", "entropy"]
    assert records(result, "other_site_accuracy", site="away")[0]["mre_mm"] is None
    assert np.isfinite(records(result, "other_site_noticed")[1]["auc"])


def test_a_study_without_another_site_is_refused(table_study):
    with pytest.raises(InputError, match="no other site"):
        other_site(replace(table_study().study, other_site=None))


def test_a_figure_for_each_model(result):
    assert list(result.figures) == [
        "other_site_noticed",
        "other_site_table-baseline",
        "other_site_table-ensemble",
    ]


@pytest.fixture(scope="module")
def figures(table_study):
    return other_site(table_study(kinds=("ensemble",)).study).figures


def test_success_at_both_sites_and_every_film_once(figures):
    success, own, other = figures["other_site_table-ensemble"].axes
    assert [line.get_label().split(":")[0] for line in success.lines] == ["Test1", "away"]
    assert own.get_xlabel() == "film's mean spread of the samples [mm]"
    assert [len(line.get_xdata()) for line in own.lines] == [23, 12]
    assert other.get_title() != own.get_title()
    assert "area under ROC = " in own.texts[0].get_text()


def test_a_row_a_measure_with_px_beside_mm(figures):
    (panel,) = figures["other_site_noticed"].axes
    assert [tick.get_text() for tick in panel.get_yticklabels()] == [
        "default ensemble (5), mean",
        "maximum heat-map activation",
        "spread of the samples",
        "expected radial error",
        "entropy of the heat map",
    ]
    drawn = [line for line in panel.lines if len(line.get_xdata()) == 1]
    assert len(drawn) == 6


def test_all_can_be_drawn(figures):
    for figure in figures.values():
        figure.canvas.draw()
