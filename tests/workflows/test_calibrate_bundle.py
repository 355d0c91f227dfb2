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
from cephsure.uncertainty.gate import read_gate
from cephsure.workflows import AnnotatedData, calibrate
from cephsure.workflows.calibrate_bundle import CalibrateOptions, _named_apart, write_calibrated

pytestmark = pytest.mark.slow

QUICK = CalibrateOptions(folds=2, gate_halves=0)


@pytest.fixture(scope="module")
def calibration(read_dots):
    return load_model(read_dots.calibrated).calibration


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
    left_out = calibration.fitted_on.model_copy(update={"left_out": {"blurred": ("x",)}})
    given = calibration.model_copy(update={"fitted_on": left_out})
    card = (write_calibrated(bundle, given, tmp_path / "new") / "MODEL_CARD.md").read_text("utf-8")
    assert card.startswith("# Dots\n")
    for said in (
        "24 films of points",
        'split "all"',
        "each predicted by the 2 samples that had not seen it",
        "1 films (blurred)",
        "3 persons: ann (24 films); bob (24 films); eve (10 films)",
        "For a reader not met before",
        "For marks as ann or bob makes them",
        calibration.fitted_on.model_sha256,
    ):
        assert said in card


def test_calibrating_again_replaces_the_calibration(bundle, calibration, tmp_path):
    first = write_calibrated(bundle, calibration, tmp_path / "first", report={"old.txt": b"old"})
    other = calibration.model_copy(update={"default": "disc"})
    second = write_calibrated(read_bundle(first), other, tmp_path / "second")
    assert load_model(second).calibration == other != calibration
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


@pytest.mark.parametrize("part", ["scatter", "readers", "annotators"])
def test_a_calibration_of_other_landmarks_is_refused_by_the_reader(
    bundle, calibration, tmp_path, dots, *, part
):
    folder = write_calibrated(bundle, calibration, tmp_path / "new")
    data = json.loads((folder / "calibration.json").read_text())
    marks = {
        "scatter": data["scatter"]["one"],
        "readers": data["readers"]["landmarks"],
        "annotators": data["annotators"][0]["landmarks"],
    }
    marks[part].pop()
    (folder / "calibration.json").write_text(json.dumps(data))
    with pytest.raises(BundleError, match=r"calibration.json: wrong checksum"):
        load_model(folder)
    dots.seal(folder)
    with pytest.raises(BundleError, match="other landmarks"):
        load_model(folder)


@pytest.mark.parametrize("readers", [("ann",), ("ann", "bob")])
def test_of_one_film_nothing_is_said_about_others(bundle, dots, tmp_path, *, readers):
    table = dots.write_dot_films(tmp_path / "one", 1, {name: dots.Reader(1.0) for name in readers})
    with pytest.raises(InputError, match="no annotator marked two independent films"):
        calibrate(AnnotatedData(table, mm_per_px=0.5), bundle.folder, options=QUICK)


def test_a_calibration_of_the_first_version_is_to_be_made_anew(read_dots, tmp_path, dots):
    folder = shutil.copytree(read_dots.calibrated, tmp_path / "old")
    (folder / "calibration.json").write_text('{"format": "cephsure.calibration/1"}')
    dots.seal(folder)
    with pytest.raises(BundleError, match="calibrate the bundle anew: cephsure calibrate"):
        load_model(folder)


def test_films_that_were_trained_on_are_predicted_out_of_fold(read_dots, calibration):
    fitted = calibration.fitted_on
    assert (len(fitted.films), fitted.left_out, fitted.samples, fitted.out_of_fold) == (24, {}, 4, 2)


def test_out_of_fold_a_film_is_read_for_the_hash_of_what_was_trained_on_and_once_more(read_dots):
    for table, times in ((read_dots.films, 3), (read_dots.further, 2)):
        films = sorted(table.parent.glob("*.png"))
        assert [read_dots.opened.count(str(film)) for film in films] == [times] * len(films) != []


def test_data_sets_of_one_name_are_told_apart(read_dots, calibration):
    model = load_model(read_dots.calibrated)
    whole = AnnotatedData(read_dots.films).open(model.landmark_set)
    others = (AnnotatedData(read_dots.further), AnnotatedData(read_dots.site))
    named = _named_apart(whole, others, model.landmark_set, [].append)
    assert [whole.name, *(films.name for films in named)] == ["points", "points 2", "points 3"]
    assert {reader.person for reader in calibration.readers.rests_on} == {
        "points: ann",
        "points: bob",
        "points 2: eve",
    }


def test_further_readers_count_as_persons_and_are_no_annotators(calibration):
    readers = calibration.readers
    assert (readers.annotators, readers.persons) == (("ann", "bob"), 3)
    assert [(one.name, one.films) for one in readers.rests_on] == [("ann", 24), ("bob", 24), ("eve", 10)]
    assert [annotator.name for annotator in calibration.annotators] == ["ann", "bob"]
    # The networks' line: ann's marks are at one end of it, bob's at the other.
    ends = [np.mean([mark.mean[0] for mark in annotator.landmarks]) for annotator in calibration.annotators]
    assert ends == pytest.approx([-1.0, 1.0], abs=0.15)
    assert {"0", "1", "3", "10", "known", "known mean"} == set(calibration.bounds)


def test_a_bundle_with_figures_calibration_and_gate_from_films_read_once(
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
    # Once for the header, which says how large the film is, once for all of it.
    assert [opened.count(str(film)) for film in films] == [2] * 34
    assert result.errors == {}
    assert load_model(result.bundle).calibration == result.calibration
    assert read_gate(result.bundle) == result.gate.gate
    assert len(result.gate.halves) == 2
    card = (result.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert (card.count("## Calibration"), card.count("## Gate")) == (1, 1)
    assert "How another reader would differ is not known: the claim is for the one above." in card
    assert "none of them trained on" in card
    assert json.loads((result.bundle / "calibration" / "figures.json").read_text()) == result.figures
    assert [step.done for step in steps if step.what == "readers and folds" and step.done] == [1, 2]
    assert "other data (dots)" in next(step.remark for step in steps if step.remark)


def test_one_annotator_makes_no_line_and_the_claim_is_for_this_one(dot_data, dot_model, tmp_path):
    data = AnnotatedData(dot_data / "points.csv", mm_per_px=0.5)
    result = calibrate(data, dot_model, out=tmp_path / "new", options=QUICK)
    calibration = result.calibration
    assert (calibration.readers.annotators, calibration.readers.persons) == ((), 1)
    assert [mark.w_sd for mark in calibration.readers.landmarks] == [0.0] * 4
    assert list(calibration.bounds) == ["known"]
    model = load_model(result.bundle)
    found = model.predict(dot_data / "007.png", mm_per_px=0.5)
    assert (found.reader.kind, found.reader.for_whom) == ("annotator", "reader one")
    # The marks lie 2 px to the right of the dots: so do those that are foretold.
    moved = found.points_px - dot_model.predict(dot_data / "007.png").points_px
    assert moved.mean(axis=0) == pytest.approx((2.0, 0.0), abs=0.6)


def test_a_film_that_cannot_be_read_is_named_and_left_out(dot_data, dot_model, tmp_path):
    data = shutil.copytree(dot_data, tmp_path / "data")
    (data / "020.png").write_bytes(b"no film")
    given = AnnotatedData(data / "points.csv", mm_per_px=0.5)
    result = calibrate(given, dot_model, out=tmp_path / "new", options=QUICK)
    assert [path.name for path in result.errors] == ["020.png"]
    assert result.calibration.fitted_on.left_out == {"could not be used": ("020",)}


def test_figures_alone_write_nothing_but_the_report(dot_data, dot_model, tmp_path):
    data = AnnotatedData(dot_data / "points.csv", mm_per_px=0.5)
    result = calibrate(data, dot_model, report=tmp_path / "report", options=QUICK)
    assert result.bundle is None
    assert {file.name for file in (tmp_path / "report").iterdir()} == {"figures.json", "reliability.png"}
    with pytest.raises(InputError, match="is there already"):
        calibrate(data, dot_model, out=tmp_path)


def test_films_without_a_network_that_has_not_seen_them_are_named_and_few_give_no_gate(
    dots, read_dots, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "cephsure.evaluation.diagrams", None)  # as without matplotlib
    unseen = [f"{number:03d}" for number in range(4)]
    about = dots.trained_on(read_dots.films)
    bundle = dots.write_dot_bundle(tmp_path / "fold", apart=dots.APART, unseen=[unseen], provenance=about)
    said = []
    data = AnnotatedData(read_dots.films, mm_per_px=0.5)
    result = calibrate(
        data, bundle, out=tmp_path / "new", options=QUICK, on_progress=lambda step: said.append(step.remark)
    )
    assert any(
        "left out: 20 films, no network knows it as left out of its training" in one for one in said if one
    )
    assert result.gate.gate is None
    assert "4 films" in result.gate.reason
    assert "there are 4" in result.gate.way_out[0]
    assert "## Gate" not in (result.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert any("no reliability diagram: it needs matplotlib" in one for one in said if one)
    assert [file.name for file in (result.bundle / "calibration").iterdir()] == ["figures.json"]


def test_bundles_of_other_folds_must_be_of_the_same_films(read_dots, dot_bundles):
    data = AnnotatedData(read_dots.films, mm_per_px=0.5)
    options = CalibrateOptions(other_folds=(dot_bundles("default", "baseline", 1),))
    with pytest.raises(InputError, match="trained on other films than this one"):
        calibrate(data, read_dots.bundle, options=options)


def test_annotators_of_other_names_who_marked_some_films_each_are_readers_too(dots, read_dots, tmp_path):
    table = dots.write_dot_films(tmp_path / "films", 12, {"kim": dots.Reader(), "lee": dots.Reader(2.0)})
    lines = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith("003.png,lee")), encoding="utf-8")
    data = AnnotatedData(table, mm_per_px=0.5)
    result = calibrate(data, read_dots.bundle, out=tmp_path / "new", options=QUICK)
    counts = {one.name: one.films for one in result.calibration.readers.rests_on}
    assert counts == {"kim": 12, "lee": 11}
    assert result.calibration.readers.annotators == ("ann", "bob")
