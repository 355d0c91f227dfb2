from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts.landmarks_3d import PLACES_MM
from cephsure.studies.shifts.nod import nod_to_standard
from cephsure.studies.shifts.read_volume import read_volume
from cephsure.studies.shifts.volume import Volume
from cephsure.studies.turned_heads import SERIES, PoseSeries, head_name, open_head, turned_heads

pytestmark = pytest.mark.slow

CODES = ("U", "L")
CONE = PoseSeries("cone", "rotation, cone film", "rotation", "cone", "cephalogram", (-20.0, 0.0, 20.0))
SUM = PoseSeries("parallel", "rotation, parallel sum", "rotation", "parallel", "sum", (0.0,))
NOD = PoseSeries("nod", "nod", "nod", "cone", "cephalogram", (0.0, 60.0))


def test_the_series_are_those_asked_for():
    turns = [one for one in SERIES if one.axis == "rotation"]
    assert all(one.angles == tuple(range(-45, 46)) for one in turns if not one.nod_deg)
    assert {one.nod_deg: one.angles for one in turns if one.nod_deg} == dict.fromkeys(
        (-15.0, 15.0), tuple(range(-45, 46, 5))
    )
    assert (turns[0].geometry, turns[0].look) == ("parallel", "sum")  # the reference's
    assert {one.axis for one in SERIES} == {"rotation", "tilt", "nod"}
    assert len({one.name for one in SERIES}) == len(SERIES)


def test_a_model_that_finds_the_metal_finds_the_projected_truth(study, spot_ct):
    study = replace(study, cts=(spot_ct(),))
    turned = turned_heads(study, (SUM, CONE))
    assert [one.series.name for one in turned] == ["parallel", "cone"]
    for one in turned:
        table = one.tables["rule"]
        assert table.keys[0] == ("head", one.series.angles[0].__format__("g"))
        assert one.truth_px.shape == (len(one.series.angles), 2, 2)
        # A ball of 16 mm: its brightest pixel is somewhere in it.
        assert np.nanmax(table.errors_mm(one.truth_px)) < 8
    asked = study.models[0].model.asked
    assert {(call["facing"], call["polarity"]) for call in asked} == {("right", "positive")}
    assert len(asked) == 4
    assert (study.out / "predictions" / "rule" / "rotation-head-cone.csv.gz").is_file()


def test_what_is_predicted_is_not_predicted_again(study, spot_ct):
    study = replace(study, cts=(spot_ct(),))
    first = turned_heads(study, (CONE,))
    again = turned_heads(study, (CONE,))
    assert len(study.models[0].model.asked) == 3
    np.testing.assert_array_equal(first[0].tables["rule"].points_px, again[0].tables["rule"].points_px)


def test_another_head_of_the_same_name_is_predicted_anew(study, spot_ct, tmp_path):
    first = spot_ct()
    study = replace(study, cts=(first,))
    turned_heads(study, (SUM,))
    other = read_volume(first)
    assert open_head(first, CODES).sha256 == open_head(first, CODES).sha256
    again = Volume(np.where(other.values > 1000, np.float32(900), other.values), other.spacing_mm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cephsure.studies.turned_heads.read_volume", lambda _: again)
        turned_heads(study, (SUM,))
    assert len(study.models[0].model.asked) == 2


def test_a_head_that_nods_far_has_points_off_the_film_without_truth(spot_ct):
    head = open_head(spot_ct(), CODES)
    assert np.isfinite(head.truth_px(NOD, 0, CODES)).all()
    far = replace(head, view=replace(head.view, height_px=300))
    assert np.isnan(far.truth_px(NOD, 60, CODES)[1]).all()


def test_a_head_is_turned_with_its_chin_up(spot_ct):
    head = open_head(spot_ct(), CODES)
    up = replace(CONE, nod_deg=-15.0)
    view = head.posed(up, 20.0)
    assert (view.nod_deg, view.rotation_deg, view.geometry) == (-15.0, 20.0, "cone")
    assert head.posed(replace(NOD, nod_deg=-15.0), 60.0).nod_deg == 60.0
    # The spots lie in front of the pivot: with the chin up they are higher on the film.
    assert (head.truth_px(up, 0.0, CODES)[:, 1] < head.truth_px(CONE, 0.0, CODES)[:, 1]).all()


def test_a_ct_without_landmarks_has_no_truth(spot_ct):
    head = open_head(spot_ct(landmarks=False), CODES)
    assert head.landmarks is None
    assert head.credit == ""
    assert np.isnan(head.truth_px(CONE, 0, CODES)).all()


SKULL = ("S", "N", "PNS")


def test_a_chin_that_is_up_is_brought_down_by_the_landmarks_of_the_skull(spot_ct, tmp_path):
    path = spot_ct()
    beside = tmp_path / "head.landmarks.json"
    document = json.loads(beside.read_text())
    # Sella, nasion and posterior nasal spine of the mean head, the chin up by 16 degrees.
    c, s = np.cos(np.radians(16)), np.sin(np.radians(16))
    sella = np.array(PLACES_MM["S"])
    away = [(np.array(PLACES_MM[code]) - sella) @ [[c, -s], [s, c]] for code in SKULL]
    document["points"] = [
        {"code": code, "side": "midline", "position_mm": [70.0, 90.0 - right, 80.0 - down]}
        for code, (right, down) in zip(SKULL, away, strict=True)
    ]
    beside.write_text(json.dumps(document))
    head = open_head(path, SKULL)
    # Its balls of metal are not quite in a plane of symmetry, so that the head is levelled by a little more.
    assert head.levelling.nod_deg == pytest.approx(16, abs=1)
    assert head.nod_from == "landmarks in the CT"
    assert nod_to_standard(head.landmarks.project(head.view, SKULL), SKULL) == pytest.approx(0, abs=1)


def test_without_landmarks_a_model_says_how_far_the_chin_is_up(spot_ct, study_model, rule_model, monkeypatch):
    seen = []

    def nod(points, codes):
        seen.append(points)
        return 10.0

    monkeypatch.setattr("cephsure.studies.turned_heads.nod_to_standard", nod)
    monkeypatch.setattr("cephsure.studies.turned_heads.cut_off", lambda *_, **__: ("L",))
    rule = rule_model()
    head = open_head(spot_ct(landmarks=False), CODES, study_model(model=rule))
    assert (head.levelling.nod_deg, head.nod_from) == (10.0, "landmarks found by rule")
    # It is asked for the head as it lies, facing right; what the scan lacks does not count.
    (film,) = [call["film"] for call in rule.asked]
    assert rule.asked[0]["facing"] == "right"
    ((upper, lower),) = seen
    assert film.pixels[int(upper[1]), int(upper[0])] == film.pixels[: film.height_px // 2].max()
    assert np.isnan(lower).all()


def test_without_landmarks_and_models_the_chin_is_left_as_it_is(spot_ct, study_model):
    head = open_head(spot_ct(landmarks=False), CODES, study_model(model=None))
    assert (head.levelling.nod_deg, head.nod_from) == (0.0, "not known")


def test_landmarks_of_another_set_are_refused(spot_ct):
    path = spot_ct()
    with pytest.raises(InputError, match=r"head\.landmarks\.json: its landmark 'L' is none"):
        open_head(path, ("U",))


def test_two_cts_of_one_name_are_refused(study, spot_ct, tmp_path):
    path = spot_ct()
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "head.nii"
    with pytest.raises(InputError, match="two CTs of the study are called head"):
        turned_heads(replace(study, cts=(path, twin)))


def test_a_landmark_that_the_ct_lacks_is_nan(spot_ct, tmp_path):
    path = spot_ct()
    beside = tmp_path / "head.landmarks.json"
    document = json.loads(beside.read_text())
    document["points"] = document["points"][:1]
    beside.write_text(json.dumps(document))
    truth = open_head(path, CODES).truth_px(SUM, 0, CODES)
    assert np.isfinite(truth[0]).all()
    assert np.isnan(truth[1]).all()


def stated(path, **change):
    beside = path.with_name("head.landmarks.json")
    document = json.loads(beside.read_text()) | change
    document["points"] = document["points"][:1]
    beside.write_text(json.dumps(document))
    return path


def test_what_lies_outside_the_scan_is_said_by_the_file_or_found(spot_ct, monkeypatch):
    monkeypatch.setattr("cephsure.studies.shifts.landmarks_3d.PLACES_MM", {"U": (0, 500), "L": (0, 500)})
    assert open_head(stated(spot_ct()), CODES).absent == ("L",)  # cut off, but U has a place
    assert open_head(stated(spot_ct(), absent=[]), CODES).absent == ()  # the file knows better
    with pytest.raises(InputError, match="the scan ends above all landmarks"):
        open_head(spot_ct("other", landmarks=False), CODES)
    monkeypatch.undo()
    assert open_head(stated(spot_ct(), absent=["L"]), CODES).absent == ("L",)
    assert open_head(spot_ct("other", landmarks=False), CODES).absent == ()


def test_landmarks_outside_the_scan_are_not_counted(study, spot_ct):
    path = stated(spot_ct(), absent=["L"])
    (turned,) = turned_heads(replace(study, cts=(path,)), (CONE,))
    np.testing.assert_array_equal(turned.counted, [True, False])
    assert turned.head.over_which == "the landmarks without L"


def test_names_are_plain(tmp_path):
    assert head_name(tmp_path / "Cranium.inv3") == "cranium"
    assert head_name(tmp_path / "é ü.nii") == "ct"
