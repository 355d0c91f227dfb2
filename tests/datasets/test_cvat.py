"""Shapes of several positions: all landmarks in order, or named and passed over."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from label_files import write_film


def _read(tmp_path, three, *shapes, encoding="utf-8"):
    write_film(tmp_path / "a.png")
    image = f'<image id="0" name="a.png" width="70" height="100">{"".join(shapes)}</image>'
    (tmp_path / "c.xml").write_text(f"<annotations>{image}</annotations>", encoding=encoding)
    return open_dataset(tmp_path / "c.xml", landmark_set=three)


@pytest.mark.parametrize("end", ["", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_shape_of_all_landmarks_is_read_in_their_order(tmp_path, three, end, encoding):
    shape = f'<points label="head" points="10.5,20.5;11.5,21.5;12.5,22.5{end}"/>'
    dataset = _read(tmp_path, three, shape, encoding=encoding)
    np.testing.assert_allclose(dataset.films[0].annotations["c"], [[10, 20], [11, 21], [12, 22]])
    assert "film a: one shape of 3 points; taken in the landmark set's order" in dataset.problems


def test_a_shape_of_some_positions_says_not_which(tmp_path, three):
    odd, even = '<points label="S" points="1,2;3,4"/>', '<points label="N" points="11.5,21.5"/>'
    dataset = _read(tmp_path, three, odd, even)
    np.testing.assert_allclose(dataset.films[0].annotations["c"][1], [11, 21])
    assert any("shape 'S' has 2 positions, a landmark has one" in line for line in dataset.problems)
    with pytest.raises(InputError, match="must be one pair x,y"):
        _read(tmp_path, three, '<points label="S" points="1"/>')


@pytest.mark.parametrize("width", ["1e999", "inf", "-70", "70.5", "0"])
def test_an_odd_width_is_named(tmp_path, three, width):
    shape = '<points label="S" points="1.5,2.5"/>'
    image = f'<image name="a.png" width="{width}" height="100">{shape}</image>'
    (tmp_path / "c.xml").write_text(f"<annotations>{image}</annotations>", encoding="utf-8")
    with pytest.raises(InputError, match="width and height must be positive whole numbers"):
        open_dataset(tmp_path / "c.xml", landmark_set=three)
