from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from cephsure.evaluation.quality import weighted_pearson
from cephsure.studies.cases import PointTable
from cephsure.studies.rotation import block_weights, measures_by_angle, pooled_heads, rotation, steadiness
from cephsure.studies.turned_heads import PoseSeries, Turned, turned_heads

pytestmark = pytest.mark.slow

ANGLES = (-20.0, 0.0, 20.0)
SERIES = (
    PoseSeries("parallel", "rotation, parallel sum", "rotation", "parallel", "sum", ANGLES),
    PoseSeries("cone", "rotation, cone film", "rotation", "cone", "cephalogram", ANGLES),
    PoseSeries("nod", "nod, cone film", "nod", "cone", "cephalogram", (0.0, 10.0)),
)


def column(table, name, **where):
    rows = table.records()
    return [row[name] for row in rows if all(row[key] == value for key, value in where.items())]


@pytest.fixture
def turned_study(study, spot_ct):
    """Give a study with a CT whose landmarks are known."""
    return replace(study, cts=(spot_ct(),))


def test_the_tables_hold_what_was_predicted(turned_study):
    result = rotation(turned_study, series=SERIES)
    cone = turned_heads(turned_study, SERIES)[1]
    table = cone.tables["rule"]
    where = {"series": "rotation, cone film"}
    means = result.tables["rotation-by-angle"]
    np.testing.assert_array_equal(column(means, "angle_deg", **where), ANGLES)
    errors = table.errors_mm(cone.truth_px)
    np.testing.assert_allclose(column(means, "error_mm", **where), errors.mean(axis=1))
    grey = table.measures["activation"].mean(axis=1)
    np.testing.assert_allclose(column(means, "activation", **where), grey)
    coefficients = result.tables["rotation"]
    where["measure"] = "maximum heat-map activation"
    (found,) = column(coefficients, "angle_pearson", **where)
    assert found == pytest.approx(np.corrcoef(np.abs(ANGLES), grey)[0, 1])
    straight = result.tables["rotation-straight"]
    assert column(straight, "landmark", series="rotation, cone film") == ["U", "L"]
    np.testing.assert_allclose(column(straight, "error_mm", series="rotation, cone film"), errors[1])
    assert set(column(straight, "placed_within_mm")) == {1.5}
    heads = result.tables["rotation-heads"]
    assert column(heads, "n_landmarks") == [2]
    assert abs(column(heads, "levelled_by_tilt_deg")[0]) < 1.5


def test_the_published_value_stands_beside_the_own_measure_of_a_rotation(
    turned_study, study_model, rule_model
):
    models = (study_model("b", model=rule_model("baseline"), kind="baseline"),)
    table = rotation(replace(turned_study, models=models), series=SERIES).tables["rotation"]
    activation = {"measure": "maximum heat-map activation"}
    assert column(table, "published_pearson", series="rotation, parallel sum", **activation) == [-0.91]
    assert column(table, "published_pearson", series="nod, cone film", **activation) == [None]


def test_everything_is_written_with_the_credit_and_a_picture_needs_a_model(
    turned_study, study_model, tmp_path
):
    (model,) = turned_study.models
    result = rotation(turned_study, series=SERIES)
    expected = {"own-measure", "measures-parallel", "measures-cone", "samples", "lean"}
    assert set(result.figures) == {f"rotation-head-{name}" for name in expected}
    assert all("Courtesy of the test" in figure.get_label() for figure in result.figures.values())
    result.write(tmp_path / "result")
    document = json.loads((tmp_path / "result" / "rotation.json").read_text())
    assert document["name"] == "rotation"
    assert any("3 films from -20° to 20°" in sentence for sentence in document["method"])
    stored = study_model("s", model=None, stored=turned_study.folder_of(model))
    again = rotation(replace(turned_study, models=(stored,)), series=SERIES)
    assert "rotation-head-samples" not in again.figures
    assert again.tables["rotation"].records() == result.tables["rotation"].records()


def test_a_ct_without_landmarks_shows_the_measures_alone(study, spot_ct):
    study = replace(study, cts=(spot_ct(landmarks=False),))
    result = rotation(study, series=SERIES[1:2])
    assert set(column(result.tables["rotation-by-angle"], "n_truth")) == {0}
    assert result.tables["rotation-straight"].records() == []


def test_several_heads_are_kept_apart(study, spot_ct):
    study = replace(study, cts=(spot_ct("one"), spot_ct("two", landmarks=False)))
    result = rotation(study, series=SERIES[:1])
    assert column(result.tables["rotation-heads"], "head") == ["one", "two"]
    assert {name.split("-")[1] for name in result.figures} == {"one", "two"}
    assert any("there are 2 heads" in sentence for sentence in result.method)
    # Twins: what is told within a head is told as well between them.
    pooled, alone = result.tables["rotation-all-heads"], result.tables["rotation"]
    grey = {"measure": "maximum heat-map activation"}
    within = column(alone, "auc", head="one", **grey)
    assert column(pooled, "auc", **grey) == column(pooled, "auc_worst_pair", **grey) == within
    single = rotation(replace(study, cts=study.cts[:1]), series=SERIES[:1])
    assert "rotation-all-heads" not in single.tables


def test_what_the_scan_lacks_is_named_and_not_drawn(study, spot_ct):
    path = spot_ct()
    beside = path.with_name("head.landmarks.json")
    document = json.loads(beside.read_text()) | {"absent": ["L"]}
    document["points"] = document["points"][:1]
    beside.write_text(json.dumps(document))
    study = replace(study, cts=(path,))
    result = rotation(study, series=SERIES)
    assert column(result.tables["rotation-heads"], "outside_scan") == ["L"]
    assert set(column(result.tables["rotation-by-angle"], "n_truth")) == {1}
    cone = turned_heads(study, SERIES)[1]
    upper = cone.tables["rule"].measures["activation"][:, 0]
    means = result.tables["rotation-by-angle"]
    np.testing.assert_allclose(column(means, "activation", series="rotation, cone film"), upper)
    captions = [figure.get_label() for figure in result.figures.values()]
    assert sum("the landmarks without L" in caption for caption in captions) == 4
    assert any("Above U, below all landmarks that the scan holds." in caption for caption in captions)


@dataclass(frozen=True)
class NamedHead:
    name: str = "head"


FINE = tuple(float(angle) for angle in range(-20, 21, 2))
TURN = PoseSeries("cone", "rotation, cone film", "rotation", "cone", "cephalogram", FINE)


def turned(spread, activation, error, *, truth=True, head="head") -> Turned:
    """A series whose single landmark has these values at every angle."""
    count = len(FINE)
    points = np.zeros((count, 1, 2))
    points[:, 0, 0] = error
    measures = {"spread_mm": np.reshape(spread, (count, 1)), "activation": np.reshape(activation, (count, 1))}
    table = PointTable(
        tuple(("head", f"{angle:g}") for angle in FINE), (1,), points, np.full((count, 2), 0.5), measures
    )
    truths = np.zeros((count, 1, 2)) if truth else np.full((count, 1, 2), np.nan)
    return Turned(NamedHead(head), TURN, truths, np.array([True]), {"rule": table})


def line_of(found, name="spread", label="rule"):
    measures = found.measures
    (line,) = measures[(measures["name"] == name) & (measures["label"] == label)].to_dict("records")
    return line


def test_a_measure_that_is_the_angle_is_perfect(study):
    size = np.abs(FINE)
    found = measures_by_angle(study, [turned(size, np.exp(-size), 2 * size)])
    own = line_of(found)
    assert own["own"]
    assert (own["rising_percent"], own["fall_percent_of_range"], own["auc"]) == (100.0, 0.0, 1.0)
    assert own["angle_pearson"] == pytest.approx(1)
    assert (own["angle_pearson_low"], own["angle_pearson_high"]) == pytest.approx((1, 1))
    assert own["error_spearman"] == pytest.approx(1)
    assert own["n_points"] == len(FINE)
    assert own["published_pearson"] == 0.95
    np.testing.assert_allclose(found.means["error_mm"], size)  # 2 px a degree, half a mm a px
    np.testing.assert_allclose(found.means["activation"], np.exp(-size))
    falling = line_of(found, "activation")
    assert falling["angle_spearman"] == pytest.approx(-1)
    assert (falling["rising_percent"], falling["auc"], falling["own"]) == (100.0, 1.0, False)


def test_a_landmark_outside_the_scan_counts_in_no_figure(study):
    size = np.abs(FINE)
    one = turned(size, size, size)
    table = one.tables["rule"]
    twice = {name: np.column_stack([values, 9 - values]) for name, values in table.measures.items()}
    points = np.repeat(table.points_px, 2, axis=1)
    truth = np.concatenate([one.truth_px, np.full_like(one.truth_px, np.nan)], axis=1)
    both = replace(table, numbers=(1, 2), points_px=points, measures=twice)
    cut = replace(one, truth_px=truth, counted=np.array([True, False]), tables={"rule": both})
    found, alone = (measures_by_angle(study, [each]) for each in (cut, one))
    np.testing.assert_array_equal(found.means["spread_mm"], alone.means["spread_mm"])
    assert line_of(found)["angle_pearson"] == pytest.approx(1)
    assert line_of(found)["n_points"] == len(FINE)
    with_it = measures_by_angle(study, [replace(cut, counted=np.array([True, True]))])
    assert line_of(with_it)["angle_pearson"] != pytest.approx(1)


def test_chance_is_told_as_chance_and_its_interval_is_wide(study):
    noise = np.random.default_rng(4).normal(size=len(FINE))
    own = line_of(measures_by_angle(study, [turned(noise, noise, np.abs(FINE))]))
    assert abs(own["angle_pearson"]) < 0.5
    assert own["angle_pearson_low"] < own["angle_pearson"] < own["angle_pearson_high"]
    assert own["angle_pearson_high"] - own["angle_pearson_low"] > 0.3


def test_without_truth_there_is_no_error_and_a_constant_measure_is_left_out(study):
    size = np.abs(FINE)
    found = measures_by_angle(study, [turned(np.zeros(len(FINE)), size, size, truth=False)])
    assert list(found.measures["name"]) == ["activation"]
    assert not found.measures["own"].any()
    assert found.means["error_mm"].isna().all()
    assert np.isnan(line_of(found, "activation")["error_spearman"])


def test_a_shaken_measure_rises_less_often_and_falls(study, study_model):
    size = np.abs(FINE)
    shaken = size + 3 * (np.arange(len(FINE)) % 2)
    models = (study_model("rule"), study_model("shaken"))
    one = turned(size, size, size)
    other = turned(shaken, size, size).tables["rule"]
    both = replace(one, tables={"rule": one.tables["rule"], "shaken": other})
    found = measures_by_angle(replace(study, models=models), [both])
    assert line_of(found)["rising_percent"] == 100
    assert line_of(found, label="shaken")["rising_percent"] < 80
    assert line_of(found, label="shaken")["fall_percent_of_range"] > 0


def test_heads_that_are_told_each_by_itself_need_not_be_told_together(study):
    size = np.abs(FINE)
    calm = turned(size, -size, size, head="calm")
    wild = turned(100 + size, -size, size, head="wild")
    found = measures_by_angle(study, [calm, wild])
    assert list(found.measures.loc[found.measures["own"], "auc"]) == [1.0, 1.0]
    table = pooled_heads(found)
    assert table is not None
    rows = {row["measure"]: row for row in table.records()}
    spread, grey = rows["spread of the samples"], rows["maximum heat-map activation"]
    # Straight films of the wild head lie above all turned ones of the calm one.
    assert spread["auc"] == pytest.approx(0.75)
    assert spread["auc_worst_pair"] == 0
    assert spread["own_measure"]
    # The heads lie 50 apart from their mean.
    share = np.var(size) / (np.var(size) + 50**2)
    assert spread["angle_pearson"] == pytest.approx(np.sqrt(share))
    assert spread["angle_pearson_worst_head"] == pytest.approx(1)
    assert (grey["angle_pearson"], grey["angle_pearson_worst_head"]) == pytest.approx((-1, -1))
    assert (grey["auc"], grey["auc_worst_pair"]) == (1, 1)
    assert pooled_heads(measures_by_angle(study, [calm])) is None


def test_a_head_where_a_measure_turns_around_is_told(study):
    size = np.abs(FINE)
    heads = [turned(size, -size, size, head="a"), turned(20 - size, size - 20, size, head="b")]
    rows = {row["measure"]: row for row in pooled_heads(measures_by_angle(study, heads)).records()}
    assert rows["spread of the samples"]["angle_pearson_worst_head"] == pytest.approx(-1)
    assert rows["maximum heat-map activation"]["angle_pearson_worst_head"] == pytest.approx(1)


def test_a_measure_that_one_head_lacks_is_not_pooled(study):
    size = np.abs(FINE)
    varying, constant = turned(size, -size, size, head="a"), turned(np.ones(len(FINE)), -size, size, head="b")
    table = pooled_heads(measures_by_angle(study, [varying, constant]))
    assert [row["measure"] for row in table.records()] == ["maximum heat-map activation"]


def test_models_without_a_measure_that_varies_have_means_alone(study):
    constant = np.ones(len(FINE))
    found = measures_by_angle(study, [turned(constant, constant, np.abs(FINE))])
    assert found.measures.empty
    assert "angle_pearson" in found.measures
    np.testing.assert_allclose(found.means["error_mm"], np.abs(FINE) / 2)  # half a mm a px
    assert pooled_heads(found) is None


def test_a_value_that_always_rises_never_falls():
    angles = np.arange(-45, 46)
    assert steadiness(angles, np.abs(angles) ** 1.5) == (1.0, 0.0)
    share, fall = steadiness(angles, -np.abs(angles))
    assert (share, fall) == (0.0, pytest.approx(1 / 45))


def test_each_side_is_taken_from_zero():
    # To the right 0 -> 4 -> 2, to the left 0 -> 1 -> 1: rise, fall of 2, rise, step on the level.
    share, fall = steadiness([2, -1, 0, 1, -2], [2.0, 1.0, 0.0, 4.0, 1.0])
    assert share == 0.5
    assert fall == pytest.approx(2 / 4)


def test_what_is_unknown_is_left_out_and_a_constant_has_no_steadiness():
    assert steadiness([0, 1, 2], [0.0, np.nan, 1.0]) == (1.0, 0.0)
    assert np.isnan(steadiness([0, 1], [2.0, 2.0])).all()
    assert np.isnan(steadiness([0], [2.0])).all()
    assert np.isnan(steadiness([0, 1], [np.nan, np.nan])).all()


def test_blocks_keep_neighbours_together():
    weights = block_weights(20, length=5, n_resamples=50, seed=3)
    assert weights.shape == (50, 20)
    assert (weights.sum(axis=1) == 20).all()
    for row in weights:
        # As a sum of four windows of five places, the row's cumulative differences are starts and ends.
        ends = np.diff(np.concatenate([[0], row, [0]]))
        assert np.abs(ends).sum() <= 8
    np.testing.assert_array_equal(weights, block_weights(20, length=5, n_resamples=50, seed=3))
    assert (block_weights(3, length=9, n_resamples=4) == 1).all()


def test_the_block_interval_covers_the_slope_of_a_series_with_correlated_noise():
    # A trend with an AR(1) disturbance: blocks must give a wider interval than single places.
    rng = np.random.default_rng(1)
    x = np.abs(np.arange(-45, 46)).astype(float)
    noise = np.zeros(len(x))
    for place in range(1, len(x)):
        noise[place] = 0.9 * noise[place - 1] + rng.normal(0, 5)
    y = x + noise
    widths = []
    for length in (1, 10):
        drawn = weighted_pearson(x, y, block_weights(len(x), length=length, seed=0))
        widths.append(np.ptp(np.quantile(drawn, (0.025, 0.975))))
    assert widths[1] > widths[0]
