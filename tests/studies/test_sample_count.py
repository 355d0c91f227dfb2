from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.evaluation.quality import auc, pearson, spearman
from cephsure.studies import sample_count as module
from cephsure.studies.cases import films_of_split, spread_over, truths_px
from cephsure.studies.result import frame_of
from cephsure.studies.sample_count import (
    STATISTICS,
    at_count,
    best_measure,
    cost_figure,
    counts_figure,
    sample_count,
    subsets,
)
from cephsure.studies.sample_sources import (
    ALTERED,
    ALTERED_PART,
    PART,
    PASSES,
    Cost,
    FilmSamples,
    SampleSource,
    SampleStore,
)
from table_study import records

pytestmark = pytest.mark.slow

SHIFT_FILMS, MEMBERS = 10, 5
FILMS, SAMPLES, LANDMARKS = 12, 6, 5


def store_samples(study):
    """Samples as if drawn before: off by what is hard about a point, and by as much again each."""
    rng = np.random.default_rng(8)
    items = spread_over(films_of_split(study.dataset), study.shift_films)
    truths = truths_px(items, "mean")
    for model in study.models:
        counts = {"ensemble": tuple(range(1, MEMBERS + 1)), "mc-dropout": PASSES, "baseline": (1,)}[
            model.kind
        ]
        parts = {PART: counts} | ({ALTERED_PART: ALTERED} if model.kind == "baseline" else {})
        for part, numbers in parts.items():
            store = SampleStore(model.stored, part, model, seed=study.seed, count=numbers[-1])
            for item, truth in zip(items, truths, strict=True):
                hard = 10 * rng.gamma(2.0, 0.6, (1, 19, 1))
                shape = (numbers[-1], 19, 2)
                positions = truth + hard * (rng.normal(0, 1, (1, 19, 2)) + rng.normal(0, 1, shape))
                guess = np.broadcast_to(hard[..., 0], shape[:2]) * rng.uniform(0.5, 1.5, shape[:2])
                values = [value.astype(np.float32) for value in (positions, 1 / guess, guess, np.log(guess))]
                store.add(item.film_id, FilmSamples(*values, np.array([0.1, 0.1])))
            ms = 100.0 * np.array(numbers) + np.array([[0.0], [1.0], [900.0]])
            store.add_cost(Cost(np.array(numbers), ms, "a test"))
            store.save()


@pytest.fixture(scope="module")
def study(table_study):
    made = table_study(n_test=20, kinds=("baseline", "ensemble", "mc-dropout")).study
    made = replace(made, shift_films=SHIFT_FILMS)
    store_samples(made)
    return made


@pytest.fixture(scope="module")
def result(study):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "RESAMPLES", 60)
        return sample_count(study)


def test_every_number_of_every_model_has_its_row(result):
    for drawn, counts in (
        ("network", [1]),
        ("altered films", [*ALTERED]),
        ("members", [1, 2, 3, 4, 5]),
        ("passes", [*PASSES]),
    ):
        found = records(result, "samples", drawn=drawn)
        assert [row["samples"] for row in found] == counts
        assert {(row["n_films"], row["n"]) for row in found} == {(SHIFT_FILMS, SHIFT_FILMS * 19)}
        # The median of three films, of which one took long.
        assert [row["ms_per_film"] for row in found] == [100.0 * count + 1 for count in counts]
        assert [row["subsets"] for row in found] == [5 if count < counts[-1] else 1 for count in counts]


def test_accuracy_is_that_of_the_mean_of_the_samples(study, result):
    items = spread_over(films_of_split(study.dataset), SHIFT_FILMS)
    (model,) = (model for model in study.models if model.kind == "ensemble")
    store = SampleStore(model.stored, PART, model, seed=study.seed, count=MEMBERS)
    points = np.stack([store.films[item.film_id].positions_px.mean(axis=0, dtype=float) for item in items])
    errors = 0.1 * np.linalg.norm(points - truths_px(items, "mean"), axis=-1)
    (row,) = records(result, "samples", drawn="members", samples=MEMBERS)
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-5)
    assert row["n_over_4mm"] == (errors > 4).sum()
    assert row["mre_mm_low"] < row["mre_mm"] < row["mre_mm_high"]


def test_measures_are_in_the_second_table_and_the_spread_of_one_is_not(result):
    assert {row["measure"] for row in records(result, "samples_measures", samples=1)} == {
        "activation",
        "raw_expected_error",
        "entropy",
    }
    few, many = records(result, "samples_measures", drawn="passes", measure="spread")[0::8][:2]
    assert (few["samples"], many["samples"]) == (2, 50)
    assert few["own_measure"]
    for key in ("spearman", "auc_4mm", "caught_20"):
        assert few[key] < many[key]
        assert many[f"{key}_low"] <= many[key] <= many[f"{key}_high"]


def test_everything_is_written_and_figures_have_their_units(result, tmp_path):
    # Drawing is what takes time: one figure is enough.
    replace(result, figures={"samples_cost": result.figures["samples_cost"]}).write(tmp_path)
    json.loads((tmp_path / "samples.json").read_text())
    assert {path.name for path in tmp_path.glob("*.csv")} == {"samples.csv", "samples_measures.csv"}
    assert set(result.figures) == {
        "samples_cost",
        "samples_table-baseline_altered",
        "samples_table-ensemble",
        "samples_table-mc-dropout",
    }
    panels = result.figures["samples_table-mc-dropout"].get_axes()
    assert panels[0].get_ylabel() == "mean radial error [mm]"
    assert {panel.get_xlabel() for panel in panels} == {"number of passes, T"}
    assert {panel.get_xlabel() for panel in result.figures["samples_cost"].get_axes()} == {"time a film [ms]"}


def test_stored_predictions_without_samples_are_left_out_and_that_is_said(table_study):
    made = table_study(n_test=8, kinds=("ensemble",)).study
    result = sample_count(replace(made, shift_films=4, models=(replace(made.models[0], stored=made.out),)))
    assert result.figures == {}
    assert result.tables["samples"].records() == []
    assert any("Left out" in text and "default ensemble (5), mean" in text for text in result.method)


def test_films_without_a_large_error_have_no_best_measure_and_all_figures(table_study, monkeypatch):
    monkeypatch.setattr(module, "LARGE_MM", 1e6)
    monkeypatch.setattr(module, "RESAMPLES", 5)
    study = replace(table_study(n_test=4, kinds=("ensemble",)).study, shift_films=2)
    store_samples(study)
    result = sample_count(study)
    assert {row["best_measure"] for row in records(result, "samples")} == {None}
    assert set(result.figures) == {"samples_cost", "samples_table-ensemble"}


def test_the_best_measure_is_the_one_that_finds_large_errors():
    def measure(area):
        return {"auc_4mm": area, "auc_4mm_low": 0.5, "auc_4mm_high": 0.9}

    found = best_measure({"spread": measure(0.6), "entropy": measure(0.7), "activation": measure(np.nan)})
    assert found == {"best_measure": "entropy"} | measure(0.7)
    assert best_measure({"spread": measure(np.nan)}) == {"best_measure": None}


@pytest.fixture(scope="module")
def films():
    """Films of 0.1 mm/px and their truths (F, L, 2) in mm: samples spread as far as they err."""
    rng = np.random.default_rng(4)
    truths = rng.uniform(50, 150, (FILMS, LANDMARKS, 2))
    hard = rng.gamma(2.0, 1.0, (FILMS, LANDMARKS, 1))
    away = hard[:, None] * rng.normal(0, 1, (FILMS, SAMPLES, LANDMARKS, 2)) + hard[:, None] * rng.normal(
        0, 1, (FILMS, 1, LANDMARKS, 2)
    )
    drawn = [
        FilmSamples(
            ((truth + off) * 10).astype(np.float32),
            *(rng.uniform(0.1, 1, (3, SAMPLES, LANDMARKS)).astype(np.float32)),
            np.array([0.1, 0.1]),
        )
        for truth, off in zip(truths, away, strict=True)
    ]
    return drawn, truths


def test_subsets_share_nothing_as_long_as_they_can():
    found = subsets(15, 3, seed=0)
    assert len(found) == 5
    assert sorted(np.concatenate(found).tolist()) == list(range(15))
    for count in (1, 7, 14):
        chosen = subsets(15, count, seed=0)
        assert [len(set(subset.tolist())) for subset in chosen] == [count] * 5


def test_all_samples_are_one_subset_and_a_seed_gives_the_same():
    (only,) = subsets(4, 4, seed=7)
    assert only.tolist() == [0, 1, 2, 3]
    pairs = [[subset.tolist() for subset in subsets(9, 2, seed=seed)] for seed in (1, 1, 2)]
    assert pairs[0] == pairs[1] != pairs[2]


def test_figures_of_all_samples_are_those_of_the_definitions(films):
    drawn, truths = films
    found, measures = at_count(drawn, truths, subsets(SAMPLES, SAMPLES, seed=0), seed=0)
    positions = np.stack([film.positions_px.astype(float) / 10 for film in drawn])
    points = positions.mean(axis=1)
    errors = np.linalg.norm(points - truths, axis=-1)
    spread = np.linalg.norm(positions - points[:, None], axis=-1).mean(axis=1)
    assert (found["samples"], found["subsets"], found["n_films"], found["n"]) == (SAMPLES, 1, FILMS, 60)
    assert found["mre_mm"] == pytest.approx(errors.mean())
    assert found["mre_mm_low"] < errors.mean() < found["mre_mm_high"]
    assert found["n_over_4mm"] == (errors > 4).sum()
    ours = measures["spread"]
    assert ours["pearson"] == pytest.approx(pearson(spread, errors))
    assert ours["spearman"] == pytest.approx(spearman(spread, errors))
    assert ours["auc_4mm"] == pytest.approx(auc((errors > 4).ravel(), spread.ravel()))
    referred = np.argsort(-spread.ravel())[:12]  # 20 % of 60
    assert ours["caught_20"] == pytest.approx((errors.ravel()[referred] > 4).sum() / (errors > 4).sum())


def test_a_measure_that_falls_with_uncertainty_is_turned_where_it_chooses(films):
    drawn, truths = films
    errors = np.linalg.norm(drawn[0].positions_px[:1] / 10 - truths[0], axis=-1)
    sure = [
        FilmSamples(
            film.positions_px,
            (1 / np.linalg.norm(film.positions_px / 10 - truth, axis=-1)).astype(np.float32),
            film.expected_errors_px,
            film.entropies,
            film.mm_per_px,
        )
        for film, truth in zip(drawn, truths, strict=True)
    ]
    assert errors.shape == (1, LANDMARKS)
    found = at_count(sure, truths, [np.array([0])], seed=0)[1]["activation"]
    assert found["spearman"] == pytest.approx(-1.0)
    assert found["auc_4mm"] == pytest.approx(1.0)


def test_figures_of_fewer_are_means_over_the_subsets(films):
    drawn, truths = films
    chosen = [np.array(pair) for pair in combinations(range(4), 2)]
    together, measures = at_count(drawn, truths, chosen, seed=0)
    apart = [at_count(drawn, truths, [subset], seed=0) for subset in chosen]
    assert together["subsets"] == 6
    assert together["mre_mm"] == pytest.approx(np.mean([found["mre_mm"] for found, _ in apart]))
    assert together["n_over_4mm"] == np.mean([found["n_over_4mm"] for found, _ in apart])
    areas = [of_subset["spread"]["auc_4mm"] for _, of_subset in apart]
    assert measures["spread"]["auc_4mm"] == pytest.approx(np.mean(areas))


def test_more_samples_err_less_and_know_better(films):
    drawn, truths = films
    two, six = (at_count(drawn, truths, subsets(SAMPLES, n, seed=0), seed=0) for n in (2, 6))
    assert six[0]["mre_mm"] < two[0]["mre_mm"]
    assert six[1]["spread"]["spearman"] > two[1]["spread"]["spearman"]


def test_a_measure_that_is_the_same_everywhere_is_left_out(films):
    drawn, truths = films
    names = {n: set(at_count(drawn, truths, subsets(SAMPLES, n, seed=0), seed=0)[1]) for n in (1, 2, 3)}
    assert names[1] == {"activation", "raw_expected_error", "entropy"}
    assert names[3] - names[2] == {"covariance_radius"}
    assert names[2] - names[1] == {"spread"}


def test_points_without_a_truth_do_not_count_and_one_film_has_no_interval(films):
    drawn, truths = films
    some = truths.copy()
    some[:, 2:] = np.nan
    found, _ = at_count(drawn[:1], some[:1], subsets(SAMPLES, SAMPLES, seed=0), seed=0)
    assert found["n"] == 2
    assert np.isnan(found["mre_mm_low"])
    unknown, _ = at_count(drawn, truths * np.nan, subsets(SAMPLES, 2, seed=0), seed=0)
    assert np.isnan(unknown["mre_mm"])


def rising(key, count, sign=1):
    ends = sorted(sign * (0.1 * count + side) for side in (-0.05, 0.05))
    return {key: sign * 0.1 * count, f"{key}_low": ends[0], f"{key}_high": ends[1]}


def made_source(*, kind="ensemble", part=PART):
    model = SimpleNamespace(kind=kind, title="the model")
    return SampleSource(model, "members", part, (2, 4))


def made_counts(ms=10.0):
    """Two and four samples: the error falls as their number rises, the best area is 0.1 a sample."""
    return frame_of(
        {
            "samples": count,
            "subsets": 3,
            "n_films": 7,
            "n": 133,
            "n_over_4mm": 9.0,
            "mre_mm": 2 / count,
            "mre_mm_low": 1.9 / count,
            "mre_mm_high": 2.1 / count,
            **rising("auc_4mm", count),
            "ms_per_film": ms * count,
        }
        for count in (2, 4)
    )


def made_measures():
    """The spread's coefficient is 0.1 a sample, the activation's the opposite."""
    rows = []
    for count in (2, 4):
        for name, direction in (("spread", 1), ("activation", -1)):
            row = {"samples": count, "measure": name, "direction": direction}
            for key in STATISTICS:
                row |= rising(key, count, direction if key == "spearman" else 1)
            rows.append(row)
    return frame_of(rows)


def test_every_panel_is_against_the_number_and_says_n():
    figure = counts_figure(made_source(), made_counts(), made_measures(), "Test1")
    first, correlation, *_ = figure.get_axes()
    assert len(figure.get_axes()) == 4
    assert "133 points" in figure.get_label()
    assert "n = 133" in first.texts[0].get_text()
    assert first.get_title() == "40 ms a film with T = 4"
    assert first.lines[0].get_ydata().tolist() == [1.0, 0.5]
    # A measure that falls with uncertainty is turned, its interval with it.
    for line in correlation.lines:
        assert line.get_ydata().tolist() == [0.2, 0.4]
    labels = [text.get_text() for text in correlation.get_legend().get_texts()]
    assert labels == [
        "maximum heat-map activation: 0.40 [0.35, 0.45]",
        "spread of the samples: 0.40 [0.35, 0.45]",
    ]


def test_cost_has_a_line_for_each_that_was_timed():
    figure = cost_figure(
        [
            (made_source(), made_counts()),
            (made_source(part=ALTERED_PART, kind="baseline"), made_counts()),
            (made_source(), made_counts(ms=np.nan)),
        ]
    )
    left, right = figure.get_axes()
    assert left.get_xscale() == "log"
    assert [line.get_xdata().tolist() for line in left.lines] == [[20.0, 40.0]] * 2
    assert [line.get_linestyle() for line in right.lines] == ["-", "--"]
    assert sorted(text.get_text() for text in left.texts) == ["2", "2", "4", "4"]


def test_nothing_timed_is_an_empty_figure():
    assert all(not axes.lines for axes in cost_figure([(made_source(), made_counts(ms=np.nan))]).get_axes())
