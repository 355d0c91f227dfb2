from __future__ import annotations

import json
import re

import numpy as np
import pytest

from cephsure.datasets.coco import read_coco
from cephsure.datasets.csv_table import read_csv
from cephsure.datasets.labelme import read_labelme
from cephsure.errors import InputError
from cephsure.exports import EXPORTERS, export, export_many, unique_stems
from cephsure.exports.registry import exporter
from cephsure.landmarks import Landmark, LandmarkSet


@pytest.mark.parametrize(
    ("fmt", "name"),
    [
        ("json", "001.json"),
        ("csv", "001.csv"),
        ("slicer", "001.mrk.json"),
        ("coco", "001.coco.json"),
        ("labelme", "001.labelme.json"),
        ("cvat", "001.cvat.xml"),
        ("label-studio", "001.label-studio.json"),
        ("tps", "001.tps"),
    ],
)
def test_each_format_has_its_file(prediction, tmp_path, fmt, name):
    path = export(prediction, fmt, tmp_path / "out", stem="001")
    assert path == tmp_path / "out" / name
    content = path.read_text(encoding="utf-8")
    assert content == EXPORTERS[fmt].render(prediction, tmp_path / "out")
    if name.endswith(".json"):
        json.loads(content)


def test_all_formats_of_one_film_lie_side_by_side(prediction, tmp_path):
    paths = {export(prediction, fmt, tmp_path, stem="001") for fmt in EXPORTERS}
    assert set(tmp_path.iterdir()) == paths
    assert len(paths) == len(EXPORTERS)


def test_films_of_one_name_do_not_overwrite_each_other(make_prediction, tmp_path):
    films = ["north/001.png", "south/001.png"]
    for film, stem in zip(films, unique_stems(films), strict=True):
        export(make_prediction(path=film), "json", tmp_path, stem=stem)
    assert {json.loads(path.read_text())["film"]["path"] for path in tmp_path.iterdir()} == set(films)


@pytest.mark.parametrize("fmt", ["csv", "coco"])
def test_a_batch_goes_into_one_file(make_prediction, tmp_path, fmt):
    batch = [make_prediction(path="a.png"), make_prediction(path="b.png")]
    path = export_many(batch, fmt, tmp_path / "new" / "all.out")
    assert path.read_text(encoding="utf-8") == EXPORTERS[fmt].render_many(batch, tmp_path / "new")


def test_a_format_of_single_films_says_so(prediction, tmp_path):
    with pytest.raises(InputError, match=r"one file a film only.*csv, coco"):
        export_many([prediction], "slicer", tmp_path / "all.json")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(InputError, match="json, csv, slicer, coco, labelme"):
        exporter("xml")


def test_a_number_that_is_none_writes_nothing(make_prediction, tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        export(make_prediction(shift_px=float("nan")), "json", tmp_path, stem="001")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fmt", EXPORTERS)
@pytest.mark.parametrize("case", ["fit", "review", "unfit", "no scale", "no gate"])
def test_every_format_says_verdict_reasons_and_promise_in_the_predictions_words(judged, tmp_path, fmt, case):
    prediction = judged(case)
    text = EXPORTERS[fmt].render(prediction, tmp_path)
    assert prediction.why in text
    assert prediction.promise in text
    for mark in prediction.landmarks:
        assert (mark.why or "") in text
        assert (mark.note or "") in text
    if case in {"fit", "review"}:
        assert prediction.for_whom in text
    elif fmt != "json":  # which keeps what is withheld, under that name
        assert not re.search(r"(?<!\d)[012]\.75(?!\d)|90 %", text)


READERS = {"csv": (read_csv, 5e-5), "coco": (read_coco, 0.0), "labelme": (read_labelme, 0.0)}


@pytest.mark.parametrize("fmt", ["csv", "coco", "labelme"])
@pytest.mark.parametrize("case", ["fit", "unfit", "no scale", "no gate"])
@pytest.mark.parametrize("name", ["001.png", "=1+1, “a”.png"])
def test_our_own_readers_find_the_film_and_its_points(judged, tmp_path, fmt, case, name):
    """Whatever is said of it, and also where the film's name looks like a spreadsheet's formula."""
    film = tmp_path / "out" / name
    film.parent.mkdir()
    film.write_bytes(b"")
    prediction = judged(case, path=str(film), shift_px=1 / 3)
    landmark_set = LandmarkSet(
        name="test",
        title="test",
        source="test",
        landmarks=tuple(
            Landmark(p.number, p.code, p.name, definition="", tissue="bone", side="midline")
            for p in prediction.landmarks
        ),
    )
    export(prediction, fmt, tmp_path / "out", stem="001")
    read, tolerance_px = READERS[fmt]
    dataset = read(tmp_path / "out", landmark_set=landmark_set)
    assert [found.path.resolve() for found in dataset.films] == [film.resolve()]
    (points,) = dataset.films[0].annotations.values()
    expected = [[p.x_px, p.y_px] for p in prediction.landmarks]
    np.testing.assert_allclose(points, expected, rtol=0, atol=tolerance_px)
