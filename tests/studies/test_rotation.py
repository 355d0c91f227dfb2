from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.studies.rotation import rotation
from cephsure.studies.turned import Series, turned_heads

ANGLES = (-20.0, 0.0, 20.0)
SERIES = (
    Series("parallel", "rotation, parallel sum", "rotation", "parallel", "sum", ANGLES),
    Series("cone", "rotation, cone film", "rotation", "cone", "cephalogram", ANGLES),
    Series("nod", "nod, cone film", "nod", "cone", "cephalogram", (0.0, 10.0)),
)


def column(table, name, **where):
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
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
    assert len(document["findings"]) >= 3
    stored = study_model("s", model=None, stored=turned_study.folder_of(model))
    again = rotation(replace(turned_study, models=(stored,)), series=SERIES)
    assert "rotation-head-samples" not in again.figures
    assert again.tables["rotation"].rows == result.tables["rotation"].rows


def test_a_ct_without_landmarks_shows_the_measures_alone(study, spot_ct):
    study = replace(study, cts=(spot_ct(landmarks=False),))
    result = rotation(study, series=SERIES[1:2])
    assert set(column(result.tables["rotation-by-angle"], "n_truth")) == {0}
    assert result.tables["rotation-straight"].rows == ()
    assert all(" mm at 0°" not in sentence for sentence in result.findings)


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
    assert result.findings[-1].startswith("All heads, rotation, parallel sum: turned films of all are told")
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
    assert result.findings[0] == "head: the scan does not hold L; these count in no figure of this head."
    assert column(result.tables["rotation-heads"], "outside_scan") == ["L"]
    assert set(column(result.tables["rotation-by-angle"], "n_truth")) == {1}
    cone = turned_heads(study, SERIES)[1]
    upper = cone.tables["rule"].measures["activation"][:, 0]
    means = result.tables["rotation-by-angle"]
    np.testing.assert_allclose(column(means, "activation", series="rotation, cone film"), upper)
    captions = [figure.get_label() for figure in result.figures.values()]
    assert sum("the landmarks without L" in caption for caption in captions) == 4
    assert any("Above U, below all landmarks that the scan holds." in caption for caption in captions)
