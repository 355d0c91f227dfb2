from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies import by_count
from cephsure.studies.by_count import AtCount
from cephsure.studies.cases import films_of_split, spread_over, truths_px
from cephsure.studies.drawing import ALTERED, ALTERED_PART, PART, PASSES
from cephsure.studies.plotting import Estimate
from cephsure.studies.sample_store import Cost, DrawnFilm, SampleStore
from cephsure.studies.samples import best_measure, samples

SHIFT_FILMS, MEMBERS = 10, 5


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
                store.add(item.film_id, DrawnFilm(*values, np.array([0.1, 0.1])))
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
        patch.setattr(by_count, "RESAMPLES", 60)
        return samples(study)


def rows(result, name="samples", **wanted):
    found = result.tables[name].document()["rows"]
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def test_every_number_of_every_model_has_its_row(result):
    for drawn, counts in (
        ("network", [1]),
        ("altered films", [*ALTERED]),
        ("members", [1, 2, 3, 4, 5]),
        ("passes", [*PASSES]),
    ):
        found = rows(result, drawn=drawn)
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
    (row,) = rows(result, drawn="members", samples=MEMBERS)
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-5)
    assert row["n_over_4mm"] == (errors > 4).sum()
    assert row["mre_mm_low"] < row["mre_mm"] < row["mre_mm_high"]


def test_measures_are_in_the_second_table_and_the_spread_of_one_is_not(result):
    assert {row["measure"] for row in rows(result, "samples_measures", samples=1)} == {
        "activation",
        "expected_error",
        "entropy",
    }
    few, many = rows(result, "samples_measures", drawn="passes", measure="spread")[0::8][:2]
    assert (few["samples"], many["samples"]) == (2, 50)
    assert few["own_measure"]
    for key in ("spearman", "auc_4mm", "caught_20"):
        assert few[key] < many[key]
        assert many[f"{key}_low"] <= many[key] <= many[f"{key}_high"]


def test_findings_say_what_is_in_the_tables(result):
    (row,) = rows(result, drawn="members", samples=MEMBERS)
    first = next(text for text in result.findings if text.startswith("default ensemble"))
    assert f"and {row['mre_mm']:.2f} [" in first
    assert "and 501 ms a film" in first
    (row,) = rows(result, "samples_measures", drawn="members", samples=MEMBERS, measure="spread")
    second = next(text for text in result.findings if "ensemble" in text and "spread of the samples" in text)
    assert f"{row['caught_20']:.2f} [" in second
    assert any("on altered films" in text for text in result.findings)


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
    result = samples(replace(made, shift_films=4, models=(replace(made.models[0], stored=made.out),)))
    assert (result.findings, result.figures) == ((), {})
    assert result.tables["samples"].rows == ()
    assert any("Left out" in text and "default ensemble (5), mean" in text for text in result.method)


def test_the_best_measure_is_the_one_that_finds_large_errors():
    def measure(area):
        return {"auc_4mm": Estimate(area)}

    def at(measures):
        return AtCount(2, 1, 1, 1, 1.0, Estimate(1.0), measures)

    found = at({"spread": measure(0.6), "entropy": measure(0.7), "activation": measure(None)})
    assert best_measure(found) == ("entropy", Estimate(0.7))
    assert best_measure(at({"spread": measure(None)})) == ("", Estimate(None))
