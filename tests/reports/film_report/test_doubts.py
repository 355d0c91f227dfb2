from __future__ import annotations

from cephsure.cephalometry import load_analyses
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.reports.film_report.doubts import doubtful_points, doubts_of
from report_films import SET, prediction, reviewed


def said(film):
    film = film if isinstance(film, ReviewedFilm) else ReviewedFilm.of(film, SET)
    return [str(doubt) for doubt in doubts_of(film, film.analysis(load_analyses("isbi")))]


def test_nothing_is_doubtful_on_a_film_of_accepted_points():
    assert said(prediction()) == []


def test_points_come_by_their_expected_errors():
    found = prediction(doubtful=("Po", "Go"))
    marks = tuple(
        mark.model_copy(update={"expected_error_mm": 3.0, "why": "expected 3.00 > 1.08 mm"})
        if mark.code == "Go"
        else mark
        for mark in found.landmarks
    )
    assert said(found.model_copy(update={"landmarks": marks})) == [
        "To be looked at (expected error in mm, accepted up to 1.08 mm): Go 3.0, Po 2.3"
    ]


def test_film_for_review_and_unfit_film():
    assert said(prediction("review")) == ["All 19 points: film for review"]
    assert said(prediction("unfit")) == [
        "All 19 points: film unfit",
        "No errors and no decided classes: the film is unfit",
    ]


def test_film_without_scale():
    assert "No distances: the film's scale is not known; angles and ratios need none" in said(
        prediction("review", mm_per_px=None)
    )


def test_scale_that_makes_no_head():
    (doubt,) = said(prediction(mm_per_px=(2.0, 2.0)))
    assert doubt.startswith("Distances are not held against norms: scale in doubt, S to N 27")


def test_what_a_person_settled_is_not_doubtful_any_more():
    film = reviewed(
        prediction(doubtful=("Po", "Go", "A")), Po="edited", Go="accepted", A="referred", S="missing"
    )
    assert [point.code for point, _ in doubtful_points(film)] == ["A"]
    told = said(film)
    assert told[:2] == ["A: referred by anna", "S: cannot be seen, says anna"]
    assert told[2].startswith("No ANB, SNB, SNA")
    assert told[2].endswith(": no point for S")


def test_unfit_film_whose_points_are_all_a_persons_has_classes_of_its_values():
    unfit = prediction(verdict="unfit")
    assert any(line.startswith("No errors and no decided classes") for line in said(unfit))
    points = dict.fromkeys(SET.codes, "edited")
    assert not any(line.startswith("No errors") for line in said(reviewed(unfit, **points)))


def test_note_of_a_point_is_told():
    found = prediction()
    first = found.landmarks[0].model_copy(update={"note": "outside its own region"})
    assert said(found.model_copy(update={"landmarks": (first, *found.landmarks[1:])})) == [
        "S: outside its own region"
    ]


def test_model_without_a_gate_and_without_calibration():
    assert said(prediction(None)) == [
        "No errors and no decided classes: fake is not calibrated (see: cephsure calibrate)"
    ]
    no_gate = prediction().model_copy(update={"verdict": None})
    marks = tuple(mark.model_copy(update={"verdict": None, "why": None}) for mark in no_gate.landmarks)
    told = said(no_gate.model_copy(update={"landmarks": marks}))
    assert told == ["Classes are decided by probability alone: no verdict stands behind them"]
