from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cephsure.studies.cases import PointTable
from cephsure.studies.rotation_pooled import pooled_sentences, pooled_table
from cephsure.studies.rotation_results import models_along, steadiest
from cephsure.studies.turned import Series, Turned

ANGLES = tuple(float(angle) for angle in range(-20, 21, 2))
TURN = Series("cone", "rotation, cone film", "rotation", "cone", "cephalogram", ANGLES)


@dataclass(frozen=True)
class NamedHead:
    name: str = "head"


def turned(spread, activation, error, *, truth=True) -> Turned:
    """A series whose single landmark has these values at every angle."""
    count = len(ANGLES)
    points = np.zeros((count, 1, 2))
    points[:, 0, 0] = error
    measures = {"spread_mm": np.reshape(spread, (count, 1)), "activation": np.reshape(activation, (count, 1))}
    table = PointTable(
        tuple(("head", f"{angle:g}") for angle in ANGLES), (1,), points, np.full((count, 2), 0.5), measures
    )
    truths = np.zeros((count, 1, 2)) if truth else np.full((count, 1, 2), np.nan)
    return Turned(NamedHead(), TURN, truths, np.array([True]), {"rule": table})


def test_a_measure_that_is_the_angle_is_perfect(study):
    size = np.abs(ANGLES)
    (one,) = models_along(study, turned(size, np.exp(-size), 2 * size))
    own = one.own
    assert own is not None
    assert (own.name, own.rising, own.fall, own.auc) == ("spread", 1.0, 0.0, 1.0)
    assert own.pearson == pytest.approx(1)
    assert own.pearson_ci95 == pytest.approx((1, 1))
    assert own.point_spearman == pytest.approx(1)
    assert own.points == len(ANGLES)
    np.testing.assert_allclose(one.error_means, size)  # 2 px a degree, half a mm a px
    falling = next(measure for measure in one.measures if measure.name == "activation")
    assert falling.spearman == pytest.approx(-1)
    assert (falling.rising, falling.auc) == (1.0, 1.0)
    np.testing.assert_allclose(falling.turned_means, -np.exp(-size))
    assert one.published == 0.95


def test_a_landmark_outside_the_scan_counts_in_no_figure(study):
    size = np.abs(ANGLES)
    one = turned(size, size, size)
    table = one.tables["rule"]
    twice = {name: np.column_stack([values, 9 - values]) for name, values in table.measures.items()}
    points = np.repeat(table.points_px, 2, axis=1)
    truth = np.concatenate([one.truth_px, np.full_like(one.truth_px, np.nan)], axis=1)
    both = replace(table, numbers=(1, 2), points_px=points, measures=twice)
    cut = replace(one, truth_px=truth, counted=np.array([True, False]), tables={"rule": both})
    (found,), (alone,) = models_along(study, cut), models_along(study, one)
    assert found.own is not None
    assert alone.own is not None
    np.testing.assert_array_equal(found.own.means, alone.own.means)
    assert found.own.pearson == pytest.approx(1)
    assert found.own.points == len(ANGLES)
    held = replace(cut, counted=np.array([True, True]))
    (with_it,) = models_along(study, held)
    assert with_it.own is not None
    assert with_it.own.pearson != pytest.approx(1)


def test_chance_is_told_as_chance_and_its_interval_is_wide(study):
    noise = np.random.default_rng(4).normal(size=len(ANGLES))
    (one,) = models_along(study, turned(noise, noise, np.abs(ANGLES)))
    own = one.own
    assert own is not None
    assert abs(own.pearson) < 0.5
    low, high = own.pearson_ci95
    assert low < own.pearson < high
    assert high - low > 0.3


def test_without_truth_there_is_no_error_and_a_constant_measure_is_left_out(study):
    size = np.abs(ANGLES)
    (one,) = models_along(study, turned(np.zeros(len(ANGLES)), size, size, truth=False))
    assert one.own is None
    assert np.isnan(one.error_means).all()
    assert np.isnan(one.measures[0].point_spearman)
    assert steadiest([one]) is None


def test_the_steadiest_model_rises_most_often(study, study_model):
    size = np.abs(ANGLES)
    shaken = size + 3 * (np.arange(len(ANGLES)) % 2)
    models = (study_model("rule"), study_model("shaken"))
    one = turned(size, size, size)
    other = turned(shaken, size, size).tables["rule"]
    both = replace(one, tables={"rule": one.tables["rule"], "shaken": other})
    found = models_along(replace(study, models=models), both)
    best = steadiest(found)
    assert best is not None
    assert best.model.label == "rule"
    assert found[1].own is not None
    assert found[1].own.rising < 0.8
    assert found[1].own.fall > 0


def test_heads_that_are_told_each_by_itself_need_not_be_told_together(study):
    size = np.abs(ANGLES)
    calm, wild = turned(size, -size, size), turned(100 + size, -size, size)
    along = {name: {"cone": models_along(study, one)} for name, one in (("calm", calm), ("wild", wild))}
    assert [models["cone"][0].own.auc for models in along.values()] == [1.0, 1.0]
    table = pooled_table(along)
    assert table is not None
    rows = {row["measure"]: row for row in table.document()["rows"]}
    spread, grey = rows["spread of the samples"], rows["maximum heat-map activation"]
    # Straight films of the wild head lie above all turned ones of the calm one.
    assert spread["auc"] == pytest.approx(0.75)
    assert spread["auc_worst_pair"] == 0
    assert spread["own_measure"]
    assert (grey["auc"], grey["auc_worst_pair"]) == (1, 1)
    (sentence,) = pooled_sentences(table)
    assert "best by maximum heat-map activation of" in sentence
    assert pooled_table({"calm": along["calm"]}) is None
    assert list(pooled_sentences(None)) == []
