from __future__ import annotations

import hashlib
import json

import pytest

from cephsure import preprocessing
from cephsure.bundles.bundle import FACTS_FILE, read_bundle
from cephsure.bundles.edit import CARD_FILE, edit_bundle
from cephsure.errors import InputError
from cephsure.model import shipped_models
from cephsure.workflows.model_card import known_failures, model_card

MODEL = "default-baseline"


@pytest.fixture(scope="module")
def shipped():
    return model_card(MODEL)


@pytest.fixture
def bare(dot_bundles, tmp_path):
    """A bundle without calibration, gate, card and licences, of which nothing was measured."""
    return edit_bundle_of(read_bundle(dot_bundles("default")), tmp_path / "bare")


def edit_bundle_of(bundle, folder, **facts):
    with edit_bundle(bundle, folder) as edit:
        told = json.loads((edit.folder / FACTS_FILE).read_text())
        edit.write(FACTS_FILE, json.dumps(told | facts).encode())
        if (edit.folder / CARD_FILE).exists():
            edit.remove(CARD_FILE)
    return folder


def test_what_a_shipped_model_is_comes_from_its_bundle(shipped):
    bundle = read_bundle(shipped_models()[MODEL])
    assert shipped["sha256"] == bundle.sha256
    assert shipped["training"]["data_sha256"] == bundle.provenance.data_sha256
    assert shipped["training"]["networks"] == 1
    assert shipped["training"]["validation_mre_mm"] == pytest.approx(1.0, abs=0.2)
    assert shipped["disclaimer"] == "Research use only. Not a medical device."
    assert "A person must check every point." in shipped["limits"]
    assert shipped["licence"]["data"] is None


def test_hashes_are_those_of_the_files(shipped):
    source = hashlib.sha256(open(preprocessing.__file__, "rb").read()).hexdigest()  # noqa: PTH123, SIM115
    assert shipped["hashes"]["preprocessing"] == {"cephsure.preprocessing": source}
    assert shipped["hashes"]["decoder"].keys() == {
        "cephsure.geometry.heatmaps",
        "cephsure.recipes.coarse_to_fine.localizer",
    }
    sums = (shipped_models()[MODEL] / "SHA256SUMS").read_text()
    for name, digest in shipped["hashes"]["networks"].items():
        assert f"{digest}  {name}\n" in sums
    assert "members/00/fine.onnx" in shipped["hashes"]["networks"]


def test_calibration_gate_and_people_are_there(shipped):
    assert shipped["calibration"]["films"] == 300
    assert shipped["gate"]["rules"]["0"]["for"] == "a reader not met before"
    people = shipped["observers"]
    assert people["median_distance_mm"]["between"] == ["junior", "senior"]
    assert people["median_distance_mm"]["by_landmark"].keys() == {
        mark["code"] for mark in shipped["landmark_set"]["landmarks"]
    }
    assert people["intra_observer"] is None
    assert all(each["command"].startswith("cephsure ") for each in people["inter_observer"])


def test_what_nobody_knows_is_none(bare):
    card = model_card(bare)
    assert (card["calibration"], card["gate"], card["limits"]) == (None, None, None)
    assert card["licence"] == {"weights": None, "data": None}
    assert card["evaluations"] == card["observers"]["inter_observer"] == card["known_failures"] == []
    assert card["observers"]["median_distance_mm"] == {"between": [], "by_landmark": {}}


def test_licences_that_a_bundle_states_are_told(dot_bundles, tmp_path):
    bundle = read_bundle(dot_bundles("default"))
    folder = edit_bundle_of(bundle, tmp_path / "stated", licence="CC0-1.0", data_licence="CC-BY-4.0")
    assert model_card(folder)["licence"] == {"weights": "CC0-1.0", "data": "CC-BY-4.0"}


def test_a_package_that_is_not_installed_states_no_licence(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("cephsure.workflows.model_card.metadata", absent)
    assert model_card(MODEL)["licence"]["weights"] is None


def test_what_goes_wrong_is_found_in_the_figures():
    marks = [
        {"code": "A", "coverage": 0.8, "p95_mm": 3.0},
        {"code": "B", "coverage": 0.9, "p95_mm": 4.0},
        {"code": "C", "coverage": None, "p95_mm": 1.0},
    ]
    evaluation = {"dataset": "mine", "split": "all", "level": 0.9, "per_landmark": marks}
    rules = {
        "0": {"for": "a reader", "worst_person": 0.2},
        "1": {"for": "another", "worst_person": 0.04},
    }
    gate = {"rules": rules, "max_missed_rate": 0.05, "tolerance_mm": 2.0}
    assert known_failures({"evaluations": [evaluation], "gate": gate}) == [
        "mine (all): the 90 % regions of A hold 80 % of points",
        "mine (all): largest errors at B, one in twenty beyond 4.0 mm",
        "gate, a reader: against the worst person's marks 20 % of accepted points were off by more than 2 mm",
    ]


def test_no_such_model_is_one_line():
    with pytest.raises(InputError, match="not a model bundle"):
        model_card("nothing")
