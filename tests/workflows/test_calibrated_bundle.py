from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.errors import BundleError, InputError
from cephsure.model import load_model
from cephsure.uncertainty.calibration import fit_calibration
from cephsure.workflows.calibrated_bundle import write_calibrated


@pytest.fixture(scope="module")
def calibration(made_errors):
    return fit_calibration(made_errors.draw(np.random.default_rng(0), 40), left_out={"blurred": ["x"]})


@pytest.fixture
def bundle(dot_bundles):
    return read_bundle(dot_bundles("default", "baseline", 1))


def test_a_new_bundle_is_whole_and_the_old_one_stays(bundle, calibration, tmp_path):
    folder = write_calibrated(bundle, calibration, tmp_path / "new", report={"figures.json": b"{}"})
    assert read_bundle(bundle.folder).sha256 == bundle.sha256
    new = read_bundle(folder)
    assert new.sha256 != bundle.sha256
    assert load_model(folder).calibration == calibration
    assert (folder / "calibration" / "figures.json").read_bytes() == b"{}"
    for old in bundle.folder.rglob("*.onnx"):
        assert (folder / old.relative_to(bundle.folder)).read_bytes() == old.read_bytes()


def test_its_card_says_what_it_rests_on(bundle, calibration, tmp_path):
    card = (write_calibrated(bundle, calibration, tmp_path / "new") / "MODEL_CARD.md").read_text("utf-8")
    assert card.startswith("# Dots\n")
    for said in (
        "40 films of made",
        'split "all"',
        "truth: mean",
        "1 films (blurred)",
        "a" * 64,
        "The promise",
    ):
        assert said in card


def test_calibrating_again_replaces_the_calibration(bundle, calibration, made_errors, tmp_path):
    first = write_calibrated(bundle, calibration, tmp_path / "first", report={"old.txt": b"old"})
    other = fit_calibration(made_errors.draw(np.random.default_rng(1), 30))
    second = write_calibrated(read_bundle(first), other, tmp_path / "second")
    assert load_model(second).calibration == other
    assert not (second / "calibration").exists()
    assert (second / "MODEL_CARD.md").read_text("utf-8").count("## Calibration") == 1


def test_nothing_is_overwritten_nor_left_half_done(bundle, calibration, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(InputError, match="is there already"):
        write_calibrated(bundle, calibration, taken)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        write_calibrated(bundle, calibration, tmp_path / "file" / "new")
    assert not list(tmp_path.glob(".*"))


def test_a_bundle_that_changed_meanwhile_is_refused(bundle, calibration, tmp_path):
    copy = shutil.copytree(bundle.folder, tmp_path / "copy")
    read = read_bundle(copy)
    (copy / "SHA256SUMS").write_text("changed\n")
    with pytest.raises(InputError, match="was changed"):
        write_calibrated(read, calibration, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_calibration_of_other_landmarks_is_refused_by_the_reader(bundle, calibration, tmp_path, dots):
    folder = write_calibrated(bundle, calibration, tmp_path / "new")
    data = json.loads((folder / "calibration.json").read_text())
    data["landmarks"].pop()
    (folder / "calibration.json").write_text(json.dumps(data))
    with pytest.raises(BundleError, match=r"calibration.json: wrong checksum"):
        load_model(folder)
    dots.seal(folder)
    with pytest.raises(BundleError, match="other landmarks"):
        load_model(folder)
