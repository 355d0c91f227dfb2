from __future__ import annotations

import io
import re
import shutil
import subprocess
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.reports.film_report import Patient
from report_films import SET, made_report, prediction, reviewed

pytest.importorskip("reportlab", reason="PDF is written with reportlab")

from cephsure.reports.film_report.pdf_page import report_pdf

poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler's pdftotext")


def asked(program, content, tmp_path, *options):
    file = tmp_path / "report.pdf"
    file.write_bytes(content)
    return subprocess.run([program, *options, file], capture_output=True, text=True, check=True).stdout


def text_of(content, tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(content)
    told = subprocess.run(["pdftotext", file, "-"], capture_output=True, check=True).stdout.decode("utf-8")
    return " ".join(told.split())


def test_same_report_same_bytes():
    report = made_report(review=reviewed(N="edited"))
    assert report_pdf(report) == report_pdf(made_report(review=reviewed(N="edited")))
    assert report_pdf(report) != report_pdf(made_report())


def test_reports_side_by_side_are_the_same():
    report, found = made_report(patient=Patient(name="山田 太郎")), []
    threads = [Thread(target=lambda: found.append(report_pdf(report))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


@poppler
def test_text_can_be_taken_from_it(tmp_path):
    name = "Müller, Jörg · 山田 太郎 · 김희중"
    report = made_report(
        review=reviewed(prediction(doubtful=("Po",))), patient=Patient(name=name), name="a.dcm"
    )
    told = text_of(report_pdf(report), tmp_path)
    for text in (
        "Cephalometric report",
        "a.dcm",
        report.verdict_words,
        report.why,
        report.review,
        "Page 1 of 1",
    ):
        assert text in told
    assert name.replace(" · ", "·") in told.replace(" · ", "·")
    assert "To be looked at (expected error in mm, accepted up to 1.08 mm): Po 2.3" in told
    assert told.count("Research use only. Not a medical device.") == 1
    for row in report.tables[0].rows:
        assert row.value in told


@poppler
def test_fonts_are_embedded_and_the_document_says_what_it_is(tmp_path):
    content = report_pdf(made_report(name="a.png"))
    fonts = asked("pdffonts", content, tmp_path).splitlines()[2:]
    assert len(fonts) == 2
    assert all(re.search(r"TrueType.* yes yes yes ", line) for line in fonts)
    about = asked("pdfinfo", content, tmp_path)
    assert re.search(r"Title: +Cephalometric report: a.png", about)
    assert re.search(r"Pages: +1\n", about)
    assert "A4" in about
    assert b"/Lang (en)" in content


@poppler
@pytest.mark.parametrize("verdict", ["review", "unfit", None])
def test_other_verdicts(verdict, tmp_path):
    report = made_report(review=ReviewedFilm.of(prediction(verdict), SET))
    told = text_of(report_pdf(report), tmp_path)
    assert report.verdict_words in told
    assert ("SD" in told) == (verdict != "unfit") or "standard deviations of the norm" in told


@poppler
def test_many_measurements_take_a_second_page(tmp_path):
    content = report_pdf(made_report(analysis="all"))
    told = text_of(content, tmp_path)
    assert "Page 1 of 2" in told
    assert "Page 2 of 2" in told
    assert told.count("Research use only") == 2


@poppler
def test_letters_that_no_font_has_are_told_on_the_page(tmp_path):
    told = text_of(report_pdf(made_report(patient=Patient(name="قب"))), tmp_path)
    assert "[U+0642][U+0628]" in told
    assert "Letters that this report's fonts lack stand as their codes: U+0642, U+0628" in told


@poppler
def test_long_names_are_whole_above_and_cut_below(tmp_path):
    name = "_".join(["long"] * 40) + ".png"
    patient = Patient(name=" ".join(["Maximiliane"] * 30), identifier="x" * 200)
    told = text_of(report_pdf(made_report(name=name, patient=patient)), tmp_path)
    assert name in told.replace(" ", "")
    assert told.count("Maximiliane") == 30
    assert "…" in told


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs poppler's pdftoppm")
@pytest.mark.parametrize("facing", ["left", "right"])
def test_page_can_be_drawn(facing, tmp_path):
    content = report_pdf(made_report(review=ReviewedFilm.of(prediction(facing=facing), SET)))
    file = tmp_path / "report.pdf"
    file.write_bytes(content)
    command = ["pdftoppm", "-r", "50", "-gray", "-singlefile", file]
    picture = Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    assert picture.width / picture.height == pytest.approx(210 / 297, abs=0.003)
    film = np.asarray(picture)[150:220, 35:150]  # bright at its right side
    assert film[:, -20:].mean() > film[:, :20].mean() + 60


@poppler
def test_facts_fill_lines_from_the_left(tmp_path):
    patient = Patient(name="A" * 90, identifier="B" * 40, birth_date="2009-03-31", sex="O")
    told = text_of(report_pdf(made_report(patient=patient)), tmp_path)
    for text in ("A" * 90, "B" * 40, "Sex other", "Born 2009-03-31"):
        assert text in told
