from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.edit import with_section
from cephsure.errors import BundleError, InputError
from cephsure.model import load_model
from cephsure.uncertainty.calibration.fitting import fit_calibration
from cephsure.uncertainty.gate import read_gate
from cephsure.workflows import AnnotatedData, calibrate
from cephsure.workflows.calibrate_bundle import CalibrateOptions, write_calibrated

pytestmark = pytest.mark.slow


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


def test_an_old_gates_promise_leaves_the_card_with_it(bundle, calibration, tmp_path, dots):
    first = write_calibrated(bundle, calibration, tmp_path / "first")
    card = first / "MODEL_CARD.md"
    card.write_text(with_section(card.read_text("utf-8"), "## Gate\n\npromised\n"), encoding="utf-8")
    dots.seal(first)
    second = write_calibrated(read_bundle(first), calibration, tmp_path / "second")
    assert "promised" not in (second / "MODEL_CARD.md").read_text("utf-8")


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


@pytest.fixture
def opened():
    """Give a list of the paths of all files that are opened from now on, however they are."""
    _OPENED.clear()
    _OPENED.append("")
    yield _OPENED
    _OPENED.clear()


_OPENED = []


def _note(event, arguments):
    if event == "open" and _OPENED:
        _OPENED.append(str(arguments[0]))


sys.addaudithook(_note)


def test_a_bundle_with_figures_calibration_and_gate_from_films_opened_once(
    dot_data, dot_model, opened, tmp_path
):
    steps = []
    result = calibrate(
        AnnotatedData(dot_data / "points.csv", truth="one", mm_per_px=0.5),
        dot_model,
        out=tmp_path / "new",
        options=CalibrateOptions(folds=2, gate_halves=2),
        on_progress=steps.append,
    )
    films = [film.annotated.path for film in result.collected.films]
    assert len(films) == 34
    assert [opened.count(str(film)) for film in films] == [1] * 34
    assert result.errors == {}
    assert (result.figures["films"], result.figures["folds"]) == (34, 2)
    assert load_model(result.bundle).calibration == result.calibration
    assert read_gate(result.bundle) == result.gate.gate
    assert len(result.gate.halves) == 2
    card = (result.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert (card.count("## Calibration"), card.count("## Gate")) == (1, 1)
    assert json.loads((result.bundle / "calibration" / "figures.json").read_text()) == result.figures
    assert [step.done for step in steps if step.what == "folds" and step.done] == [1, 2]
    assert "other data (dots)" in next(step.remark for step in steps if step.remark)


def test_a_film_that_cannot_be_read_is_named_and_left_out(dot_data, dot_model, tmp_path):
    data = shutil.copytree(dot_data, tmp_path / "data")
    (data / "020.png").write_bytes(b"no film")
    result = calibrate(
        AnnotatedData(data / "points.csv", mm_per_px=0.5),
        dot_model,
        out=tmp_path / "new",
        options=CalibrateOptions(folds=2, gate_halves=0),
    )
    assert [path.name for path in result.errors] == ["020.png"]
    assert result.calibration.fitted_on.left_out == {"could not be used": ("020",)}


def test_figures_alone_write_nothing_but_the_report(dot_data, dot_model, tmp_path):
    data = AnnotatedData(dot_data / "points.csv", mm_per_px=0.5)
    options = CalibrateOptions(folds=2, gate_halves=0)
    result = calibrate(data, dot_model, report=tmp_path / "report", options=options)
    assert (result.bundle, result.calibration) == (None, None)
    assert {file.name for file in (tmp_path / "report").iterdir()} == {"figures.json", "reliability.png"}
    with pytest.raises(InputError, match="is there already"):
        calibrate(data, dot_model, out=tmp_path)
