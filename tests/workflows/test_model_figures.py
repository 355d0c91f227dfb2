from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.errors import InputError
from cephsure.model import shipped_models
from cephsure.workflows.model_figures import figures_of, own_figures, shipped_figures

RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(shipped_models()["default-baseline"])


@pytest.fixture
def evaluation():
    return json.loads((RESULTS / "trust.json").read_text())["default-baseline"]["other_site"]


def test_shipped_figures_are_those_of_the_results(bundle, evaluation):
    (shipped,) = shipped_figures(bundle)["evaluations"]
    measured = figures_of(evaluation, source="results/trust.json")
    for key in ("films", "points", "truth", "worst_landmark", "samples", "reader"):
        assert shipped[key] == measured[key]
    for one, other in zip(shipped["per_landmark"], measured["per_landmark"], strict=True):
        assert one["code"] == other["code"]
        assert one["p95_mm"] == pytest.approx(other["p95_mm"], abs=1e-5)
        assert one["bias_mm"] == pytest.approx(other["bias_mm"], abs=1e-5)
        assert one["coverage"] == pytest.approx(other["coverage"], abs=1e-5)


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_every_shipped_model_has_figures_of_its_own(name):
    found = shipped_figures(read_bundle(shipped_models()[name]))
    assert found["evaluations"]
    assert found["observers"]


def test_figures_of_another_bundle_of_that_name_do_not_count(bundle):
    changed = replace(bundle, sha256="0" * 64)
    assert shipped_figures(changed)["evaluations"] == []
    assert shipped_figures(changed)["observers"]  # people are as far apart on the same films
    assert shipped_figures(replace(bundle, name="mine")) == {"evaluations": [], "observers": []}


def test_an_evaluation_of_ones_own_is_taken(bundle, evaluation, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(evaluation))
    (found,) = own_figures(bundle, [file])
    assert (found["source"], found["films"]) == ("mine.json", 49)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"about": {"model_sha256": "0"}}, "is no evaluation of a model"),
        ({"trust": []}, "is no evaluation of a model"),
        ({"trust": None}, "is no evaluation of a model"),
    ],
)
def test_what_is_no_evaluation_is_refused(bundle, evaluation, tmp_path, change, words):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(evaluation | change))
    with pytest.raises(InputError, match=words):
        own_figures(bundle, [file])


def test_an_evaluation_of_another_model_is_refused(bundle, evaluation, tmp_path):
    file = tmp_path / "mine.json"
    evaluation["about"]["model_sha256"] = "0"
    file.write_text(json.dumps(evaluation))
    with pytest.raises(InputError, match="measured with another model than default-baseline"):
        own_figures(bundle, [file])
