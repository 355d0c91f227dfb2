from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, analyse_points, load_analyses
from cephsure.cephalometry.analysis_table import analysis_lines, class_words, norm_words, remarks
from cephsure.cephalometry.landmark_errors import landmark_errors
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.text_lines import GLUE, width_of

ALL = load_analyses("all")
CODES = load_landmark_set().codes


def errors(sd_px=10.0):
    return LandmarkErrors("calibration", np.tile(sd_px**2 * np.eye(2), (19, 1, 1)))


def text_of(analysis, width=80):
    return "\n".join(line.text for line in analysis_lines(analysis, width))


def words_of(analysis, width=80):
    return " ".join(text_of(analysis, width).split())


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("verdict", ["fit", "review", "unfit", None])
def test_nothing_is_cut_and_no_number_or_class_is_broken(make_prediction, head, judge, width, verdict):
    prediction = make_prediction(head)
    if verdict is not None:
        prediction = judge(prediction, verdict, doubtful=("A",))
    analysis = analyse(prediction, ALL, errors=errors())
    lines = analysis_lines(analysis, width)
    assert all(width_of(line.text) <= width for line in lines)
    assert not any(GLUE in line.text or "…" in line.text for line in lines)
    whole = [line.text for line in lines]
    for value in analysis.measurements:
        row = next(text for text in whole if text.startswith(f"{value.code} "))
        assert f" {value.value:.{3 if value.unit == 'ratio' else 1}f}" in row
        if value.decision is not None:
            assert any(f"{value.decision}, " in text for text in whole)
        for norm in value.norms:
            assert any(norm.numbers in text for text in whole)
        if value.normal_class is not None and value.classes_source is not None:
            assert any(value.normal_class in text for text in whole)


def test_verdict_why_and_promise_are_the_predictions_word_for_word(make_prediction, head, judge):
    for verdict in ("fit", "review", "unfit"):
        prediction = judge(make_prediction(head), verdict)
        said = words_of(analyse(prediction))
        assert prediction.why in said
        assert prediction.promise in said
        assert f"verdict: {verdict}" in said


def test_an_unfit_film_has_no_90_percent(make_prediction, head, judge):
    said = words_of(analyse(judge(make_prediction(head), "unfit"), ALL, errors=errors()))
    assert "90 %" not in said
    assert "not decided: film unfit" in said
    assert "--uncalibrated" not in said


def test_why_no_class_is_decided_stands_in_its_row(make_prediction, head, judge):
    analysis = analyse(judge(make_prediction(head), "fit", doubtful=("A", "N")), errors=errors())
    by_code = {value.code: class_words(analysis, value).replace(GLUE, " ") for value in analysis.measurements}
    assert by_code["SNA"] == "not decided: N, A not accepted"
    assert by_code["FMA"] == "-"


def test_a_border_of_classes_is_not_called_a_norm_and_norms_name_source_group_and_sex():
    def shown(analysis, code):
        at = dict.fromkeys(CODES, (0.0, 0.0))
        found = analyse_points(at, load_analyses(analysis), facing="right").measurements
        return norm_words(next(value for value in found if value.code == code)).replace(GLUE, " ")

    assert shown("isbi", "SNA") == "class border (ISBI 2015): normal maxilla 79.4 to 83.2"
    assert shown("isbi", "ODI") == (
        "norm 74.5 ± 6.07 (Kim 1974); class border (ISBI 2015): normal 68.4 to 80.5"
    )
    assert shown("mcnamara", "A-Nperp") == (
        "norm 0.4 ± 2.3 women, 1.1 ± 2.7 men (Ann Arbor adults, McNamara 1984)"
    )
    assert shown("jarabak", "FHI") == "class border (Siriwat and Jarabak 1985): neutral 0.59 to 0.63"
    assert shown("downs", "FMA") == "norm 21.9 [17 to 28] (range of 20 people, 12 to 17 years, Downs 1948)"


def test_what_the_reader_must_know(make_prediction, head):
    samples = head + np.random.default_rng(0).normal(0, 8, (5, 19, 2))
    prediction = make_prediction(head, mm_per_px=None, samples=samples)
    said = [text for text, _ in remarks(analyse(prediction))]
    assert any("--uncalibrated shows" in text for text in said)
    assert any("no distances" in text for text in said)
    raw = analyse(prediction, errors=landmark_errors(prediction, uncalibrated=True))
    assert any("raw spread: not calibrated" in text for text, _ in remarks(raw))
    assert "90 % interval" not in words_of(raw)
    assert "90 % of the" in words_of(raw)
    assert "raw spread class" in words_of(raw)
    few = make_prediction(head[:6], codes=CODES[:6])
    assert "no FHI, FMA: no point for Go, Me" in [text for text, _ in remarks(analyse(few))]
    noted = prediction.landmarks[4].model_copy(update={"note": "outside its own 90 % region"})
    marks = (*prediction.landmarks[:4], noted, *prediction.landmarks[5:])
    assert remarks(analyse(prediction.model_copy(update={"landmarks": marks})))[0] == (
        "A: outside its own 90 % region",
        "review",
    )


def test_a_persons_points_show_the_class_of_the_value_and_whose_they_are(head):
    at = dict(zip(CODES, head, strict=True))
    said = words_of(analyse_points(at, mm_per_px=0.1, points_from="a person's points, anna: x.csv"))
    assert "class of the value" in said
    assert "90 %" not in said
    assert "points: a person's points, anna: x.csv" in said
    assert "no verdict: " in said
    assert "0.1 mm/px (user) · facing right (found)" in said


def test_film_notes_stand_there(make_prediction, head):
    prediction = make_prediction(head)
    film = prediction.film.model_copy(update={"notes": ("resolution tag ignored",)})
    assert "note: resolution tag ignored" in text_of(analyse(prediction.model_copy(update={"film": film})))
