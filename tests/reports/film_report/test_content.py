from __future__ import annotations

import pytest

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.reports.film_report import Patient
from report_films import made_film, made_report, prediction, reviewed


def of(found, **changes):
    return made_report(review=ReviewedFilm.of(found, reviewed().landmark_set), **changes)


def test_report_on_a_film_that_nobody_reviewed():
    report = of(prediction())
    assert (report.verdict_words, report.why) == ("Fit for automatic evaluation", "19 of 19 points accepted")
    assert (report.review, report.is_reviewed) == ("Not reviewed by a person.", False)
    assert dict(report.facts) == {"Size": "400 × 480 px", "Scale": "0.5 mm/px (user)", "Facing": "right"}
    assert report.patient == ()
    assert report.caption == "Dots: accepted. Round them: 90 % regions."
    assert report.remarks[0].startswith(
        "Expected errors and 90 % regions hold for a reader not met before; the 90 % intervals"
    )
    assert "one standard deviation. " in report.remarks[1]
    assert "sha256 " + "0" * 64 in report.made_by[0]
    assert report.disclaimer == "Research use only. Not a medical device."
    assert report.film_name == "film in memory"


@pytest.mark.parametrize(
    ("verdict", "words", "caption"),
    [
        ("review", "To be reviewed by a person", "Diamonds: to be looked at. Round them: 90 % regions."),
        ("unfit", "Unfit for automatic evaluation", "Struck through: no result, the film is unfit."),
        (None, "No verdict", ""),
    ],
)
def test_other_verdicts(verdict, words, caption):
    report = of(prediction(verdict))
    assert (report.verdict_words, report.caption) == (words, caption)
    assert (report.colours is None) == (verdict != "review")
    assert report.remarks[0].startswith("No promise: ") == (verdict != "review")


def test_who_reviewed_and_what_became_of_the_points():
    done = made_report(review=reviewed(N="edited", S="accepted", A="accepted"))
    assert done.review == "Reviewed by anna, 2026-11-30 14:02 UTC. Points: 2 accepted, 1 edited."
    assert "Without a region: set by a person." in done.caption
    assert done.verdict_words == "Verdict of the model: fit for automatic evaluation"
    assert any("add nothing to an error" in remark for remark in done.remarks)
    begun = made_report(review=reviewed(complete=False, N="edited"))
    assert begun.review == "Review not complete, last anna, 2026-11-30 14:02 UTC. Points: 1 edited."
    assert made_report(review=reviewed()).review.endswith("UTC. No point was changed.")


def test_patient_stands_as_far_as_it_is_stated():
    patient = Patient(name="Müller, Jörg", identifier="7\n8", birth_date="2009-03-31", sex="M")
    report = made_report(patient=patient, analysis="mcnamara")
    assert report.patient == (
        *(("Patient", "Müller, Jörg"), ("ID", "7%0A8")),
        *(("Born", "2009-03-31"), ("Sex", "male")),
    )
    assert {usual.whom for row in report.tables[0].rows for usual in row.usual} == {"men"}


def test_negative_film_and_notes_are_told():
    report = of(prediction(polarity="negative", notes=("an alpha channel was dropped",)))
    assert dict(report.facts)["Film"] == "negative, bone dark"
    assert "Note: an alpha channel was dropped." in report.remarks


def test_name_of_the_film(tmp_path):
    assert made_report(made_film(path=tmp_path / "a\x1b.png")).film_name == "a%1B.png"
    assert made_report(name="x.dcm").film_name == "x.dcm"
