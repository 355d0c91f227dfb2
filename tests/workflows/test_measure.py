from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.sample_films import sample_film
from cephsure.workflows import AnalyzeOptions, AnnotatedData, OutputFiles, PredictOptions, analyze
from cephsure.workflows.measure import compare_classes


@pytest.fixture(scope="module")
def model():
    return load_model("default-baseline")


@pytest.fixture(scope="module")
def sample():
    return sample_film("vhm_lateral_0deg")


@pytest.mark.slow
def test_side_by_side_the_same_is_measured_and_written(model, sample, tmp_path):
    options = AnalyzeOptions("isbi,steiner", predict=PredictOptions(mm_per_px=sample.mm_per_px))
    alone = analyze([sample.path, tmp_path / "none.png"], model, options=options)
    with ThreadPoolExecutor(2) as threads:
        files = OutputFiles(tmp_path / "out", ("json", "csv"), overlay=True)
        pooled = analyze([sample.path], model, options=options, files=files, executor=threads)
    assert pooled.results == alone.results
    assert list(alone.errors) == [tmp_path / "none.png"]
    measured = pooled.results[0].analysis
    assert {value.analysis for value in measured.measurements} == {"isbi", "steiner"}
    assert len(list(files.folder.iterdir())) == 3
    document = json.loads((files.folder / f"{sample.path.stem}.analysis.json").read_text("utf-8"))
    assert document["measurements"][0]["value"] == pytest.approx(measured.measurements[0].value)


@pytest.mark.parametrize(
    ("options", "files", "what"),
    [
        (AnalyzeOptions("isbi"), ("pdf",), "no format is called 'pdf'; known: json, csv"),
        (AnalyzeOptions("phrenology"), ("json",), "phrenology"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(sample, tmp_path, options, files, what):
    with pytest.raises(InputError, match=what):
        analyze([sample.path], "no model", options=options, files=OutputFiles(tmp_path / "out", files))
    assert not (tmp_path / "out").exists()


def test_classes_are_compared_with_those_of_known_points(model, phantom_isbi, tmp_path):
    root = phantom_isbi(n_train=0, n_test1=3)
    (root / "RawImage" / "Test1Data" / "152.png").write_bytes(b"no film")
    found = compare_classes(AnnotatedData(root, limit=3), model, json_file=tmp_path / "classes.json")
    assert found.split.startswith("test1")
    assert found.study.films == 2
    assert [path.name for path in found.errors] == ["152.png"]
    document = json.loads((tmp_path / "classes.json").read_text("utf-8"))
    assert (document["dataset"], document["films"]) == (found.dataset, 2)
