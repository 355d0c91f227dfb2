"""What VIA 2's project says of where films lie, and labels that are ticked."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from label_files import write_film


@pytest.mark.parametrize("folder", ["films/", "films"])
def test_films_lie_where_the_project_says_and_ticked_names_are_labels(tmp_path, three, folder):
    write_film(tmp_path / "films" / "a.png")
    regions = [
        {
            "shape_attributes": {"name": "point", "cx": x, "cy": 30},
            "region_attributes": {"landmark": {name: name in ticked for name in ("S", "N")}},
        }
        for x, ticked in ((10, "S"), (20, "N"), (30, ("S", "N")))
    ]
    films = {"a.png1": {"filename": "a.png", "size": 1, "regions": regions}}
    project = {"_via_settings": {"core": {"default_filepath": folder}}, "_via_img_metadata": films}
    (tmp_path / "p.json").write_text(json.dumps(project), encoding="utf-8")
    dataset = open_dataset(tmp_path / "p.json", landmark_set=three)
    np.testing.assert_allclose(dataset.films[0].annotations["p"][:2], [[9.5, 29.5], [19.5, 29.5]])
    assert any("regions[2].region_attributes: names no landmark" in line for line in dataset.problems)
