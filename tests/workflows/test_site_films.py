from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.uncertainty.readers.reader import profiled, read_reader, write_reader
from cephsure.workflows import AnnotatedData, evaluate, monitor, predict_films, site_calibrate, site_films
from cephsure.workflows.predict import PredictOptions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(read_dots):
    return load_model(read_dots.calibrated)


@pytest.fixture(scope="module")
def data(read_dots):
    return AnnotatedData(read_dots.site, mm_per_px=0.5)


@pytest.fixture(scope="module")
def one_film(dots, tmp_path_factory):
    """A film of the site's reader."""
    table = dots.write_dot_films(
        tmp_path_factory.mktemp("one"), 1, {"zoe": dots.Reader(3.0, dots.APART_PX)}, seed=7
    )
    return AnnotatedData(table, mm_per_px=0.5)


def test_errors_fall_with_the_films_that_were_corrected(data, model, tmp_path):
    found = site_calibrate(
        data, model, name="here", out=tmp_path / "here.json", report=tmp_path / "report", repeats=3
    )
    reader = found.reader
    # Zoe marks as bob does, the second of the networks' two, and 3 px, 1.5 mm, to the right.
    habit = np.array([mark.mean for mark in reader.landmarks])
    assert habit.mean(axis=0) == pytest.approx((1.0, 1.5, 0.0), abs=0.5)
    assert read_reader(tmp_path / "here.json") == reader
    assert (reader.name, reader.kind, reader.films, reader.truth_of) == ("here", "site", 12, "one")
    assert reader.model_sha256 == model.bundle.sha256
    assert reader.for_whom == "site here, 12 films"
    assert (found.films, found.errors, found.codes[0]) == (12, {}, "UL")
    errors = {row.films: row.mre_mm for row in found.gains}
    assert [*errors] == [0, 1, 3, 5, 10]
    assert errors[0] > errors[1] > errors[3] > errors[10]
    rows = json.loads((tmp_path / "report" / "gain.json").read_text())["rows"]
    assert [row["mre_mm"] for row in rows] == [*errors.values()]
    assert (tmp_path / "report" / "gain.png").read_bytes().startswith(b"\x89PNG")


def test_one_film_is_enough_for_a_file_that_predict_takes(data, one_film, model, tmp_path):
    file = tmp_path / "one.json"
    found = site_calibrate(one_film, model, out=file, report=tmp_path / "report")
    assert (found.gains, found.reader.films, (tmp_path / "report").exists()) == ([], 1, False)
    film = data.path.parent / "000.png"
    (prediction,) = predict_films([film], model, options=PredictOptions(0.5, reader=file)).results
    assert prediction.reader.for_whom == "this site, 1 film"
    plain = evaluate(data, model).evaluation.mre_mm
    assert evaluate(data, model, reader=file).evaluation.mre_mm < 0.8 * plain


def test_a_profile_is_where_the_belief_starts(one_film, model, tmp_path):
    answers = {mark.number: "bob" for mark in model.landmark_set.landmarks}
    sha256 = model.bundle.sha256
    says = profiled(
        model.calibration.readers, answers, name="zoe says", model=model.name, model_sha256=sha256
    )
    profile = write_reader(says, tmp_path / "profile.json")
    begun, plain = (site_calibrate(one_film, model, profile=start).reader for start in (profile, None))

    def sure(reader):
        return np.mean([mark.covariance[0][0] for mark in reader.landmarks])

    assert sure(begun) < 0.5 * sure(plain)
    assert np.mean([mark.mean[0] for mark in begun.landmarks]) == pytest.approx(1.0, abs=0.3)
    of_another = write_reader(says.model_copy(update={"model_sha256": "0" * 64}), tmp_path / "other.json")
    with pytest.raises(InputError, match="was learned with another bundle"):
        site_calibrate(one_film, model, profile=of_another)
    of_films = write_reader(begun, tmp_path / "site.json")
    with pytest.raises(InputError, match=r"site.json: is no profile"):
        site_calibrate(one_film, model, profile=of_films)


@pytest.mark.parametrize(
    ("truth", "asked", "expected"),
    [("mean", None, "mean"), ("ann", None, "one"), ("mean", "one", "one")],
)
def test_whose_marks_the_films_show_is_found_out(read_dots, model, *, truth, asked, expected):
    data = AnnotatedData(read_dots.films, truth=truth, mm_per_px=0.5)
    reader = site_calibrate(data, model, truth_of=asked, repeats=1).reader
    assert reader.truth_of == expected
    assert reader.for_whom.endswith("the mean of two readers") == (expected == "mean")


def test_a_model_without_calibration_knows_nothing_of_readers(data, read_dots):
    with pytest.raises(InputError, match=r"is not calibrated: it knows nothing of readers \(calibrate it"):
        site_calibrate(data, read_dots.bundle)


def test_without_a_scale_nothing_is_learned(read_dots, model):
    with pytest.raises(InputError, match="no film with a scale"):
        site_calibrate(read_dots.site, model)


def test_a_film_without_a_scale_is_left_out_and_named(data, model, monkeypatch):
    def one_bare(whole, _):
        return replace(whole, films=(replace(whole.films[0], spacing=None), *whole.films[1:]))

    monkeypatch.setattr(site_films, "select", one_bare)
    said = []
    found = site_calibrate(data, model, repeats=1, on_progress=lambda step: said.append(step.remark))
    assert found.reader.films == 11
    assert "left out: without a scale (000)" in said


def test_regions_are_watched_in_the_order_given(data, model, tmp_path):
    order = ["003", "001", "002"]
    watched = monitor(data, model, order=order, level=0.8, json_file=tmp_path / "m.json")
    assert watched.film_ids == tuple(order)
    assert [reading.films for reading in watched.readings] == [1, 2, 3]
    assert watched.allowed == pytest.approx(0.2)
    assert watched.reader == "a reader not met before"
    assert json.loads((tmp_path / "m.json").read_text()) == watched.document()


def test_a_wrong_reader_raises_the_alarm_and_the_sites_own_does_not(data, model, tmp_path):
    wrong = monitor(data, model, reader="ann", figure=tmp_path / "m.png")
    assert (wrong.reader, wrong.alarm_film is not None) == ("reader ann", True)
    assert wrong.document()["alarm_at"] == wrong.film_ids[wrong.alarm_film]
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    reader = site_calibrate(data, model, out=tmp_path / "site.json", repeats=1).reader
    by_file, by_reader = (monitor(data, model, reader=given) for given in (tmp_path / "site.json", reader))
    assert by_file.readings == by_reader.readings
    assert (by_file.reader, by_file.alarm_film) == ("this site, 12 films", None)


@pytest.mark.parametrize(
    ("order", "what"),
    [(["003", "nobody"], "no film 'nobody'"), (["003", "003"], "stands twice"), ([], "names no film")],
)
def test_an_order_that_does_not_fit_is_refused(data, model, *, order, what):
    with pytest.raises(InputError, match=what):
        monitor(data, model, order=order)


def test_a_scale_that_makes_impossible_heads_is_refused(read_dots, model):
    assert model.gate is not None
    with pytest.raises(InputError, match="heads on these films are 2 times the usual size"):
        site_calibrate(AnnotatedData(read_dots.site, mm_per_px=1.0), model)


def test_points_of_other_films_are_no_drift(dots, model, tmp_path):
    table = dots.write_dot_films(tmp_path, 2, {"zoe": dots.Reader(60.0, dots.APART_PX)}, seed=3)
    with pytest.raises(InputError, match="cannot be those of these films"):
        monitor(AnnotatedData(table, mm_per_px=0.5), model)


def test_without_regions_there_is_nothing_to_watch(data, read_dots, model):
    with pytest.raises(InputError, match="not calibrated: it has no regions to watch"):
        monitor(data, read_dots.bundle)
    with pytest.raises(InputError, match="no film has regions to watch"):
        monitor(read_dots.site, model)
