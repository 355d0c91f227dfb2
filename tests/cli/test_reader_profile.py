from __future__ import annotations

from types import SimpleNamespace

import pytest

from cephsure.uncertainty.readers.reader import read_reader
from reader_population import made_population


@pytest.fixture
def knows_readers(dot_bundles, monkeypatch):
    """A bundle whose model is loaded as if its calibration knew readers."""
    import cephsure.model

    load = cephsure.model.load_model
    calibration = SimpleNamespace(readers=made_population())
    monkeypatch.setattr(
        "cephsure.model.load_model",
        lambda *given, **options: load(*given, **options)._but(calibration=calibration),
    )
    return dot_bundles("default", "ensemble", 3)


def test_answers_write_the_file(cephsure, knows_readers, tmp_path):
    out = tmp_path / "dr-x.json"
    run = cephsure(
        *("reader-profile", "--model", knows_readers, "--out", out, "--name", "Dr X"),
        *("--answer", "UL=senior", "--answer", "LL=between"),
    )
    assert run.status == 0
    assert run.lines == [f"wrote {out}"]
    assert run.out.splitlines() == [
        "Dr X marks: UL senior, LL between",
        f"next: cephsure predict FILM --model {knows_readers} --reader {out}",
    ]
    assert read_reader(out).name == "Dr X"


def test_without_answers_it_says_where_the_page_is_and_what_is_next(
    cephsure, knows_readers, tmp_path, write_film
):
    out = tmp_path / "dr-x.json"
    run = cephsure("reader-profile", "--model", knows_readers, "--out", out)
    assert run.status == 0
    command = f"cephsure predict FILM --model {knows_readers} --reader {out}"
    assert run.out.splitlines() == [
        f"page: {tmp_path / 'dr-x.html'}",
        "asks about 3 landmarks: UL, UR, LL",
        f"next: open the page in a browser, answer, save dr-x.json; then: {command}",
    ]
    own = cephsure("reader-profile", "--model", knows_readers, "--out", out, "--film", write_film())
    assert "it shows parts of your film: keep it as you keep the film" in own.out.splitlines()


@pytest.mark.parametrize("answer", ["UL", "UL=", "=senior"])
def test_an_answer_names_landmark_and_annotator(cephsure, knows_readers, tmp_path, answer):
    run = cephsure(
        "reader-profile", "--model", knows_readers, "--out", tmp_path / "x.json", "--answer", answer
    )
    assert run.status == 2
    assert run.lines == [f"error: an answer is CODE=WHO, not {answer!r} (for example --answer A=between)"]


def test_a_landmark_is_answered_once(cephsure, knows_readers, tmp_path):
    both = ("--answer", "UL=senior", "--answer", "UL=junior")
    run = cephsure("reader-profile", "--model", knows_readers, "--out", tmp_path / "x.json", *both)
    assert (run.status, run.lines) == (2, ["error: landmark UL is answered twice"])


def test_an_uncalibrated_bundle_is_one_line_and_exit_status_2(cephsure, dot_bundles, tmp_path):
    folder = dot_bundles("default", "ensemble", 3)
    run = cephsure("reader-profile", "--model", folder, "--out", tmp_path / "x.json")
    assert run.status == 2
    what = "dots-default-ensemble is not calibrated: it does not know how readers differ"
    assert run.lines == [f"error: {what} (calibrate it first: cephsure calibrate)"]
