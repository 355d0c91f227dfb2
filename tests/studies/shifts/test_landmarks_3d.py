from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.datasets import read_isbi, select
from cephsure.errors import AnnotationError
from cephsure.landmarks import load_landmark_set
from cephsure.studies.shifts.landmarks_3d import (
    PLACES_MM,
    PlacedIn,
    cut_off,
    landmarks_of,
    landmarks_path,
    read_ct_landmarks,
    shipped_landmarks,
    voxel_sha256,
)
from cephsure.studies.shifts.pose import View, project_points
from cephsure.studies.shifts.projection import cephalogram_view
from cephsure.studies.shifts.read_volume import read_volume
from cephsure.studies.shifts.volume import Volume

VOLUME = Volume(np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3) - 1000, (10.0, 20.0, 30.0))
VIEW = View(
    mm_per_px=0.5, width_px=99, height_px=99, pivot_mm=(20, 30, 30), pivot_px=(50, 50), rotation_deg=30
)


def document(**change):
    points = [
        {"code": "S", "side": "midline", "position_mm": [20, 30, 40], "uncertainty_mm": 1, "how": "by eye"},
        {"code": "Go", "side": "right", "position_mm": [0, 35, 10]},
        {"code": "Go", "side": "left", "position_mm": [40, 36, 12]},
    ]
    return {"schema": "cephsure.ct_landmarks/1", "name": "a head", "points": points} | change


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_pair_is_projected_as_the_mean_of_its_sides_and_what_is_missing_is_nan(tmp_path):
    landmarks = read_ct_landmarks(write(tmp_path / "a.json", document()))
    projected = landmarks.project(replace(VIEW, geometry="cone"), ["Go", "N", "S"])
    sides = project_points(np.array([[0.0, 35, 10], [40, 36, 12]]), replace(VIEW, geometry="cone"))
    np.testing.assert_allclose(projected[0], sides.mean(axis=0))
    assert np.isnan(projected[1]).all()
    np.testing.assert_allclose(projected[2], (50, 30))  # 10 mm above the pivot
    assert landmarks.codes == ("S", "Go")
    assert landmarks.points[0].uncertainty_mm == 1
    assert landmarks.points[1].uncertainty_mm is None


def test_a_file_may_name_what_the_scan_lacks(tmp_path):
    assert read_ct_landmarks(write(tmp_path / "a.json", document())).absent is None
    assert read_ct_landmarks(write(tmp_path / "b.json", document(absent=[]))).absent == ()
    lacks = read_ct_landmarks(write(tmp_path / "c.json", document(absent=["Me", "B", "Me"])))
    assert lacks.absent == ("Me", "B")
    assert lacks.carried(lambda points: points).absent == ("Me", "B")
    for wrong, complaint in ((["S"], "S is absent and has a place"), ("Me", "absent: must be a list")):
        with pytest.raises(AnnotationError, match=complaint):
            read_ct_landmarks(write(tmp_path / "d.json", document(absent=wrong)))


def test_points_are_carried_along_and_no_longer_bound_to_the_old_volume(tmp_path):
    stated = {"shape": [5, 4, 3], "spacing_mm": [10, 20, 30], "sha256": voxel_sha256(VOLUME)}
    landmarks = read_ct_landmarks(write(tmp_path / "a.json", document(volume=stated)))
    moved = landmarks.carried(lambda points: points + np.array([1.0, 2, 3]))
    assert moved.points[0].position_mm == (21, 32, 43)
    assert moved.volume == PlacedIn()
    assert landmarks.volume != PlacedIn()


def test_the_file_beside_the_ct_is_found_and_checked(tmp_path):
    ct = tmp_path / "head.nii.gz"
    assert landmarks_of(ct, VOLUME) is None
    write(tmp_path / "head.landmarks.json", document(volume={"sha256": voxel_sha256(VOLUME)}))
    found = landmarks_of(ct, VOLUME)
    assert found is not None
    assert found.name == "a head"
    with pytest.raises(AnnotationError, match="other voxels"):
        landmarks_of(ct, Volume(VOLUME.values + 1, VOLUME.spacing_mm))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"volume": {"shape": [5, 4, 4]}}, "voxels, this CT has"),
        ({"volume": {"spacing_mm": [10, 20, 31]}}, "spacing"),
        ({"points": [{"code": "S", "side": "midline", "position_mm": [20, 30, 91]}]}, "outside the CT"),
    ],
)
def test_landmarks_of_another_volume_are_refused(tmp_path, change, complaint):
    write(tmp_path / "head.landmarks.json", document(**change))
    with pytest.raises(AnnotationError, match=complaint):
        landmarks_of(tmp_path / "head.nii", VOLUME)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "schema"),
        (document(schema="other"), "schema"),
        (document(pionts=[]), "unknown key 'pionts'"),
        (document(points=[]), "at least one"),
        (document(points=["S"]), r"points\[0\]: must be an object"),
        (document(points=[{"code": "S", "side": "up", "position_mm": [1, 2, 3]}]), r"points\[0\]\.side"),
        (document(points=[{"code": "S", "side": "midline", "position_mm": [1, 2]}]), "three numbers"),
        (document(points=[{"code": "S", "side": "midline", "position_mm": [1, True, 2]}]), "three numbers"),
        (document(points=[{"code": "S", "side": "midline", "position_mm": [1, 1e400, 2]}]), "three numbers"),
        (document(points=[{"side": "midline", "position_mm": [1, 2, 3]}]), r"points\[0\]\.code"),
        (
            document(points=[{"code": "S", "side": "midline", "position_mm": [1, 2, 3], "x": 1}]),
            "unknown key",
        ),
        (
            document(
                points=[{"code": "S", "side": "midline", "position_mm": [1, 2, 3], "uncertainty_mm": -1}]
            ),
            "negative",
        ),
        (document(points=[{"code": "Go", "side": "left", "position_mm": [1, 2, 3]}]), "Go is given for left"),
        (document(points=document()["points"] * 2), "S is given for midline, midline"),
        (document(name=" "), "name: must be a text"),
        (document(volume=[]), "volume: must be"),
        (document(volume={"sha256": 3}), "sha256"),
    ],
)
def test_a_malformed_file_is_one_clear_error(tmp_path, content, complaint):
    with pytest.raises(AnnotationError, match=complaint):
        read_ct_landmarks(write(tmp_path / "bad.json", content))


def test_what_is_no_json_is_an_input_error(tmp_path):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"bad\.json:1: is not valid JSON"):
        read_ct_landmarks(tmp_path / "bad.json")
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_ct_landmarks(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("ct", "expected"),
    [("x/head.nii.gz", "head"), ("x/Head.NII", "Head"), ("x/C.inv3", "C"), ("x/series.1", "series.1")],
)
def test_where_landmarks_are_looked_for(tmp_path, ct, expected):
    assert landmarks_path(tmp_path / ct) == tmp_path / "x" / f"{expected}.landmarks.json"


def test_the_shipped_landmarks_are_complete_credited_and_anatomically_ordered():
    cranium, male = shipped_landmarks()
    assert "InVesalius" in cranium.credit
    assert "U.S. National Library of Medicine" in male.credit
    assert male.absent is None
    assert cranium.absent == ("B", "Pog", "Me", "Gn", "Go", "LIT", "UIT", "LL", "Pog'")
    for head in (cranium, male):
        assert {*head.codes, *(head.absent or ())} == set(load_landmark_set("isbi-19").codes)
        at = {(point.code, point.side): np.array(point.position_mm) for point in head.points}
        assert head.volume.shape is not None
        assert head.volume.spacing_mm is not None
        width_mm = head.volume.shape[0] * head.volume.spacing_mm[0]
        x = np.array([place[0] for place in at.values()])
        assert 0.1 * width_mm < x.min() < x.max() < 0.9 * width_mm
        for code in {"Or", "Po", "Go", "Ar"} & set(head.codes):
            assert at[code, "left"][0] > at[code, "right"][0] + 60
        mid = {code: place for (code, side), place in at.items() if side == "midline"}
        heights = [mid[code][2] for code in ("N", "S", "ANS", "A", "B", "Pog", "Gn", "Me") if code in mid]
        assert heights == sorted(heights, reverse=True)
        assert mid["S"][1] > mid["PNS"][1] > mid["ANS"][1] > mid["UL"][1]
        assert all(point.uncertainty_mm and point.how for point in head.points)


@pytest.mark.shared
def test_the_shipped_landmarks_belong_to_the_shared_ct(shared_data):
    path = shared_data / "ct" / "vismale_head.nii.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared data")
    found = landmarks_of(path, read_volume(path))
    assert found is not None
    assert found.name == "Visible Human male, head"


CODES = load_landmark_set().codes


def block(height_mm, below_mm=0):
    """A block of tissue of a height, and air below it."""
    values = np.full((20, 40, (height_mm + below_mm) // 4), -1000, np.float32)
    values[3:-3, 3:-3, below_mm // 4 : -2] = 40
    values[6:-6, 10:-6, below_mm // 4 : -2] = 900
    return Volume(values, (4.0, 4.0, 4.0))


def lacking(volume):
    return cut_off(volume, cephalogram_view(volume), CODES)


def test_every_landmark_of_the_set_has_a_place():
    assert set(PLACES_MM) == set(CODES)


def test_a_whole_head_lacks_nothing():
    assert lacking(block(240)) == ()


@pytest.mark.parametrize("below_mm", [0, 80])
def test_a_scan_that_ends_at_the_upper_teeth_lacks_the_lower_jaw(below_mm):
    # 164 mm from the vertex; the two empty slices above it do not count, nor the air below the block.
    assert lacking(block(176, below_mm)) == ("B", "Pog", "Me", "Gn", "LL", "Pog'")


def test_a_scan_that_begins_below_the_vertex_lacks_what_is_above_it():
    volume = block(240)
    view = cephalogram_view(volume)
    lower = Volume(
        np.ascontiguousarray(volume.values[:, :, :-30]), volume.spacing_mm
    )  # 112 mm off the vertex
    assert cut_off(lower, view, CODES) == ("N",)


def test_a_scan_of_the_skull_cap_lacks_everything_and_one_without_tissue_is_not_judged():
    assert lacking(block(88)) == CODES
    air = Volume(np.full((4, 4, 4), -1000, np.float32), (1.0, 1.0, 1.0))
    view = cephalogram_view(block(200))
    assert cut_off(air, view, CODES) == ()


@pytest.mark.shared
def test_places_are_those_of_the_training_films(shared_data):
    films = select(read_isbi(shared_data / "isbi2015"), "train").films
    points = np.mean([np.mean(list(film.annotations.values()), axis=0) for film in films], axis=0)
    np.testing.assert_allclose(points * 0.1, [PLACES_MM[code] for code in CODES], atol=0.051)
