"""Where the Aariz data set's folders lie: as they are called in its archive and in its authors' code."""

from __future__ import annotations

import json

import pytest

from cephsure.datasets import open_dataset
from label_files import write_film


@pytest.mark.parametrize("above", ["", "Aariz"])
@pytest.mark.parametrize("split", ["train", "Valid", "TEST"])
def test_the_folders_are_found(tmp_path, above, split):
    root = tmp_path / above / split
    write_film(root / "Cephalograms" / "ck1.png")
    mark = {"symbol": "S", "title": "Sella", "value": {"x": 20, "y": 30}}
    for reader in ("Senior", "Junior"):
        folder = root / "Annotations" / "Cephalometric Landmarks" / f"{reader} Orthodontists"
        folder.mkdir(parents=True)
        (folder / "ck1.json").write_text(json.dumps({"ceph_id": "ck1", "landmarks": [mark]}))
    table = "cephalogram_id,machine,pixel_size,image_format,mode\nck1,m,0.125,png,Train\n"
    (tmp_path / above / "cephalogram_machine_mappings.csv").write_text(table)
    (film,) = open_dataset(tmp_path).films
    assert (film.film_id, film.split, list(film.annotations)) == ("ck1", split.lower(), ["junior", "senior"])
    assert film.annotations["senior"][0].tolist() == [20, 30]
    assert film.spacing.x_mm_per_px == 0.125
