from __future__ import annotations

import numpy as np
import pytest

from cephsure.inference.samples import HeatMaps
from cephsure.review.details import Details, details_path, regions_of, upright_maps


@pytest.fixture(scope="module")
def detailed(model, film_folder, mm_per_px):
    return model.predict_in_detail(film_folder / "a.png", levels=(0.5, 0.9), mm_per_px=mm_per_px)


def test_details_are_read_as_they_were_written(detailed, tmp_path):
    details = Details.of(detailed)
    details.write(tmp_path / "a.npz")
    found = Details.read(tmp_path / "a.npz")
    assert found.regions == details.regions
    assert set(found.regions) == {"0.5", "0.9"}
    for name in ("maps", "boxes_px", "features"):
        assert np.array_equal(getattr(found, name), getattr(details, name))
    assert len(found.features)
    assert len(found.maps) == 19


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x80\x04\x95pickle"])
def test_damaged_details_are_none(tmp_path, content):
    if content is not None:
        (tmp_path / "a.npz").write_bytes(content)
    assert Details.read(tmp_path / "a.npz") is None


def test_cut_off_details_are_none(detailed, tmp_path):
    Details.of(detailed).write(tmp_path / "a.npz")
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: len(content) // 2])
    assert Details.read(tmp_path / "a.npz") is None


def test_details_lie_by_their_document(tmp_path):
    assert details_path(tmp_path, "a") == details_path(tmp_path, "a") != details_path(tmp_path, "b")


def test_map_lies_where_its_mass_is():
    """One cell of a map whose cells are turned by a quarter: it is drawn at its own place on the film."""
    probabilities = np.zeros((1, 9, 9), dtype=np.float32)
    probabilities[0, 2, 6] = 1.0
    turned = HeatMaps(probabilities, np.array([[100.0, 50.0]]), np.array([[0.0, -2.0], [2.0, 0.0]]))
    at = turned.origins_px[0] + turned.cell_px @ np.array([6, 2])
    maps, boxes = upright_maps((turned,))
    left, upper, right, lower = boxes[0]
    row, column = np.unravel_index(np.argmax(maps[0]), maps[0].shape)
    x, y = left + (column + 0.5) / 64 * (right - left), upper + (row + 0.5) / 64 * (lower - upper)
    assert np.allclose((x, y), at, atol=0.2)
    assert maps[0].max() == 255


def test_annotators_maps_are_drawn_together():
    probabilities = np.zeros((1, 5, 5), dtype=np.float32)
    probabilities[0, 2, 2] = 1.0
    one = HeatMaps(probabilities, np.array([[0.0, 0.0]]), np.eye(2))
    two = HeatMaps(probabilities, np.array([[10.0, 0.0]]), np.eye(2))
    maps, boxes = upright_maps((one, two))
    left, _, right, _ = boxes[0]
    assert left < 2
    assert right > 12
    assert (maps[0].max(axis=0)[: 64 // 3] > 200).any()
    assert (maps[0].max(axis=0)[64 // 2 :] > 200).any()


def test_empty_maps_are_not_shown():
    empty = HeatMaps(np.zeros((1, 5, 5), dtype=np.float32), np.zeros((1, 2)), np.eye(2))
    maps, boxes = upright_maps((empty,))
    details = Details({}, maps, boxes, np.zeros(0))
    assert details.heat_map(0) is None
    assert details.heat_map(1) is None
    assert upright_maps(())[0].shape == (0, 64, 64)


def test_regions_of_a_document():
    region = {"level": 0.9, "kind": "disc"}
    marks = [{"number": 1, "region": region}, {"number": 2, "region": None}, {"number": 3}]
    assert regions_of({"landmarks": marks}) == {"0.9": {"1": region}}
