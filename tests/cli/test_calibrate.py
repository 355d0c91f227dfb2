from __future__ import annotations

import json
import shutil

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.cli.calibrate import _show_site
from cephsure.exports import prediction_json
from cephsure.model import load_model
from cephsure.uncertainty.readers.reader import AcceptedOnFilms, profiled, read_reader, write_reader
from cephsure.workflows.site_films import SiteCalibration

pytestmark = pytest.mark.slow

SCALE = ("--mm-per-px", "0.5")


@pytest.fixture(scope="module")
def dot_films(dots, tmp_path_factory):
    """Thirty films of four dots that one reader marked; the scale is not stated."""
    return dots.write_dot_films(
        tmp_path_factory.mktemp("dot_films"), 30, {"one": dots.Reader(noise=(2.0, 2.0))}
    )


@pytest.fixture
def options(dot_bundles, dot_films):
    bundle = dot_bundles("default", "baseline", 1)
    return ["--bundle", bundle, "--data", dot_films, *SCALE, "--gate-halves", "0"]


def test_a_new_bundle_predicts_errors_and_regions(cephsure, options, dot_films, tmp_path):
    out = tmp_path / "calibrated"
    run = cephsure("calibrate", *options, "--cross-fit", "3", "--out", out)
    assert run.status == 0, run.err
    for said in (
        "calibration error",
        "way out: 54 independent films are enough if none of the points accepted is wrong",
        "or correct ten films of this site and run: cephsure site-calibrate",
    ):
        assert said in run.out
    assert "a reader not met before" not in run.out  # one reader tells nothing of others
    assert f"wrote {out}" in run.err
    assert read_bundle(out).name == "dots-default-baseline"
    assert (out / "calibration" / "reliability.png").read_bytes().startswith(b"\x89PNG")

    film = dot_films.parent / "003.png"
    words = ["predict", film, "--model", out, *SCALE, "--out", tmp_path / "found"]
    run = cephsure(*words, "--level", "0.8", "--region", "ellipse", "--all")
    assert run.status == 0, run.err
    assert {"80", "region", "mm²"} <= set(run.out.split())
    assert "reader one" in run.out
    found = prediction_json.read(tmp_path / "found" / "003.json")
    assert found.reader.kind == "annotator"
    for mark in found.landmarks:
        assert (mark.region.kind, mark.region.level) == ("ellipse", 0.8)
        assert mark.expected_error_mm == pytest.approx(1.25, rel=0.5)


def test_out_of_fold_with_other_folds_and_further_readers(cephsure, dots, read_dots, tmp_path):
    names, about = sorted(read_bundle(read_dots.bundle).validation_films[0]), dots.trained_on(read_dots.films)
    others = [name for name in (f"{number:03d}" for number in range(24)) if name not in names]
    folds = [
        dots.write_dot_bundle(tmp_path / str(fold), apart=dots.APART, unseen=[unseen], provenance=about)
        for fold, unseen in enumerate((names, others))
    ]
    run = cephsure(
        *("calibrate", "--bundle", folds[0], "--other-fold", folds[1], "--data", read_dots.films, *SCALE),
        *("--further-readers", read_dots.further, "--further-mm-per-px", "0.5", "--gate-halves", "2"),
        *("--cross-fit", "2", "--out", tmp_path / "new"),
    )
    assert run.status == 0, run.err
    assert "trained on 24 of these films: each is predicted by networks that have not seen it" in run.err
    assert "a reader not met before" in run.out
    assert "learned on half of the films and tried on the others: missed rate kept in 2 of 2" in run.out
    calibration = load_model(tmp_path / "new").calibration
    assert (calibration.readers.persons, calibration.fitted_on.out_of_fold) == (3, 1)


def test_a_fold_of_other_data_is_refused(cephsure, read_dots, options):
    run = cephsure(
        "calibrate", "--bundle", read_dots.bundle, "--other-fold", options[1], "--data", read_dots.films
    )
    assert run.status == 2
    assert "the other folds were trained on other films than this one" in run.lines[-1]


def test_figures_alone_write_no_bundle(cephsure, options, tmp_path):
    run = cephsure("calibrate", *options, "--cross-fit", "2", "--report", tmp_path / "report")
    assert run.status == 0, run.err
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == [
        "figures.json",
        "reliability.png",
    ]
    assert f"wrote the report into {tmp_path / 'report'}" in run.err


def test_without_a_scale_there_is_nothing_in_mm(cephsure, options):
    run = cephsure("calibrate", *options[:4])
    assert run.status == 2
    assert "no film with a scale" in run.err


def test_a_folder_that_is_there_is_not_overwritten(cephsure, options, tmp_path):
    run = cephsure("calibrate", *options, "--out", tmp_path)
    assert run.status == 2
    assert "is there already" in run.err


def test_regions_of_an_uncalibrated_model_are_refused(cephsure, options, dot_films):
    run = cephsure("predict", dot_films.parent / "003.png", "--model", options[1], "--level", "0.9")
    assert run.status == 2
    assert "not calibrated" in run.err


def test_a_calibration_of_the_first_version_is_one_clear_line(cephsure, dots, read_dots, tmp_path):
    folder = shutil.copytree(read_dots.calibrated, tmp_path / "old")
    (folder / "calibration.json").write_text('{"format": "cephsure.calibration/1"}')
    dots.seal(folder)
    run = cephsure("predict", read_dots.films.parent / "000.png", "--model", folder)
    assert (run.status, len(run.lines)) == (2, 1)
    assert "calibrate the bundle anew: cephsure calibrate" in run.lines[0]


def test_a_calibration_holds_for_its_number_of_samples_only(read_dots):
    model, film = load_model(read_dots.calibrated), read_dots.films.parent / "003.png"
    assert model.predict(film, mm_per_px=0.5).landmarks[0].region is not None
    assert model.predict(film, mm_per_px=0.5, samples=2).landmarks[0].region is None
    assert model.predict(film).landmarks[0].region is None
    with pytest.raises(ValueError, match="calibrated for 4 samples"):
        model.predict(film, mm_per_px=0.5, samples=2, level=0.9)


@pytest.fixture
def site(read_dots):
    """What every command about the site's films takes."""
    return ("--data", read_dots.site, *SCALE)


@pytest.fixture(scope="module")
def model(read_dots):
    return read_dots.calibrated


def test_a_site_is_learned_shown_and_written(cephsure, site, model, tmp_path):
    file, report = tmp_path / "here.json", tmp_path / "report"
    words = ("--name", "here", "--out", file, "--report", report, "--repeats", 3)
    ran = cephsure("site-calibrate", "--model", model, *site, *words)
    assert ran.status == 0, ran.err
    reader = read_reader(file)
    assert (reader.name, reader.kind, reader.films) == ("here", "site", 12)
    rows = json.loads((report / "gain.json").read_text())["rows"]
    assert [row["films"] for row in rows] == [0, 1, 3, 5, 10]
    assert rows[0]["mre_mm"] > rows[-1]["mre_mm"]
    assert (report / "gain.png").read_bytes().startswith(b"\x89PNG")
    for said in (
        "dots-default-ensemble at here",
        "site here, 12 films",
        "gate: no point of these films is accepted",
        "offsets beside the line between annotators, mm",
        "UR +1.",  # zoe marks 1.5 mm to the right
    ):
        assert said in ran.out
    assert "wrote gain.json and gain.png" in ran.err


@pytest.mark.parametrize(
    ("points", "withdrawn", "line"),
    [
        (0, None, "gate: no point of these films is accepted"),
        (50, None, "gate: 2 of 50 accepted points wrong, each film judged by the others"),
        (50, "too many were wrong", "gate withdrawn: too many were wrong"),
    ],
)
def test_how_the_gate_does_at_a_site_is_told(model, capsys, *, points, withdrawn, line):
    loaded = load_model(model)
    kept = AcceptedOnFilms(points=points, wrong=min(2, points), withdrawn=withdrawn)
    reader = loaded.reader("ann").model_copy(update={"acceptance": kept})
    _show_site(SiteCalibration(reader, [], "about", loaded.landmark_set.codes, 1, {}), level=0.9)
    assert line in " ".join(capsys.readouterr().out.split())


def test_calibrate_takes_a_site_too(cephsure, site, model, tmp_path):
    both = [tmp_path / "one.json", tmp_path / "two.json"]
    assert cephsure("site-calibrate", "--model", model, *site, "--out", both[0]).status == 0
    assert cephsure("calibrate", "--site", "--bundle", model, *site, "--out", both[1]).status == 0
    assert both[0].read_text("utf-8") == both[1].read_text("utf-8")


def test_one_film_is_enough_for_every_command_to_follow_the_reader(cephsure, dots, site, model, tmp_path):
    file = tmp_path / "zoe.json"
    one = dots.write_dot_films(tmp_path / "one", 1, {"zoe": dots.Reader(3.0, dots.APART_PX)}, seed=7)
    words = ("--truth-of", "one", "--name", "zoe", "--out", file)
    ran = cephsure("site-calibrate", "--model", model, "--data", one, *SCALE, *words)
    assert ran.status == 0, ran.err
    assert "one film: what films bring cannot be shown by cross-validation" in ran.out
    given = ("--model", model, "--reader", file)
    ran = cephsure("predict", one.parent / "000.png", *given, *SCALE)
    assert (ran.status, "regions hold for site zoe, 1 film" in ran.out) == (0, True), ran.err
    ran = cephsure("evaluate", *site, *given)
    assert (ran.status, "reader: zoe (site zoe, 1 film)" in ran.err) == (0, True), ran.err
    ran = cephsure("monitor", *site, *given)
    assert (ran.status, "for whom: site zoe, 1 film" in ran.out) == (0, True), ran.err


def test_a_site_starts_from_a_profile(cephsure, site, model, tmp_path):
    profile, file = tmp_path / "profile.json", tmp_path / "site.json"
    loaded = load_model(model)
    readers = loaded.calibration.readers
    says = profiled(readers, {1: "bob"}, name="zoe", model=loaded.name, model_sha256=loaded.bundle.sha256)
    write_reader(says, profile)
    words = ("--profile", profile, "--out", file, "--repeats", 1)
    ran = cephsure("site-calibrate", "--model", model, *site, *words)
    assert ran.status == 0, ran.err
    assert read_reader(file).kind == "site"


@pytest.mark.parametrize("command", ["predict", "evaluate", "analyze", "monitor", "site-calibrate"])
@pytest.mark.parametrize("what", ["unknown", "other bundle", "0.1"])
def test_a_reader_that_cannot_be_taken_is_one_clear_line(
    cephsure, site, model, read_dots, tmp_path, *, command, what
):
    file = tmp_path / "reader.json"
    if what == "0.1":
        file.write_text('{"format": "cephsure.site/1"}')
    elif what == "other bundle":
        reader = load_model(model).reader("ann").model_copy(update={"model_sha256": "0" * 64})
        file.write_text(reader.model_dump_json())
    option = "--profile" if command == "site-calibrate" else "--reader"
    films = [read_dots.site.parent / "000.png", *SCALE] if command in {"predict", "analyze"} else site
    ran = cephsure(command, *films, "--model", model, option, "nobody" if what == "unknown" else file)
    assert (ran.status, ran.out) == (2, "")
    (line,) = [line for line in ran.lines if line.startswith("error:")]
    names = "(known: definition, mean, ann, bob, or a reader's file)"
    expected = {
        "unknown": "cannot be read"
        if command == "site-calibrate"
        else f"there is no reader 'nobody' {names}",
        "other bundle": "was learned with another bundle than dots-default-ensemble",
        "0.1": "is a site calibration of cephsure 0.1, which knew nothing of how readers differ",
    }
    assert expected[what] in line


def test_the_monitor_raises_an_alarm_and_is_quiet_after_site_calibration(cephsure, site, model, tmp_path):
    file, figure = tmp_path / "readings.json", tmp_path / "course.png"
    ran = cephsure("monitor", "--model", model, *site, "--reader", "ann", "--json", file, "--figure", figure)
    assert ran.status == 0, ran.err
    assert "alarm at film" in ran.out
    document = json.loads(file.read_text())
    assert (document["alarm"], len(document["readings"]), document["reader"]) == (True, 12, "reader ann")
    assert document["alarm_at"] in {reading["film"] for reading in document["readings"]}
    assert figure.read_bytes().startswith(b"\x89PNG")
    own = tmp_path / "here.json"
    assert cephsure("site-calibrate", "--model", model, *site, "--out", own, "--repeats", 1).status == 0
    ran = cephsure("monitor", "--model", model, *site, "--site", own)
    assert ran.status == 0, ran.err
    assert "no alarm" in ran.out


def test_the_monitor_follows_a_list_of_films(cephsure, site, model, tmp_path):
    order, file = tmp_path / "order.txt", tmp_path / "readings.json"
    order.write_text("007\n\n003\n005\n")
    ran = cephsure("monitor", "--model", model, *site, "--order", order, "--json", file)
    assert ran.status == 0
    assert [one["film"] for one in json.loads(file.read_text())["readings"]] == ["007", "003", "005"]


@pytest.mark.parametrize(
    ("text", "what"),
    [("003\n999\n", "no film '999'"), ("003\n003\n", "twice"), ("\n", "no film"), (None, "cannot be read")],
)
def test_a_list_that_does_not_fit_is_one_clear_line(cephsure, site, model, tmp_path, *, text, what):
    order = tmp_path / "order.txt"
    if text is not None:
        order.write_text(text)
    ran = cephsure("monitor", "--model", model, *site, "--order", order)
    assert ran.status == 2
    assert what in ran.lines[-1]


@pytest.mark.parametrize("command", ["monitor", "site-calibrate"])
def test_a_model_without_calibration_knows_no_regions_nor_readers(cephsure, site, read_dots, command):
    ran = cephsure(command, *site, "--model", read_dots.bundle)
    assert ran.status == 2
    assert "not calibrated" in ran.lines[-1]
