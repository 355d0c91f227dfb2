from __future__ import annotations

import pytest

from cephsure.cephalometry import analyse, load_analyses
from cephsure.cephalometry.measured import MeasuredValue
from cephsure.reports.film_report import rows
from cephsure.reports.film_report.rows import tables_of
from report_films import prediction, reviewed


def row_of(code, *, film=None, analysis="isbi", sex=None):
    found, definitions = film or prediction(), load_analyses(analysis)

    done = analyse(found, definitions) if hasattr(found, "landmarks") else found.analysis(definitions)
    return next(
        row for table in tables_of(done, definitions, sex=sex) for row in table.rows if row.code == code
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (80.0, 74.6, 78.7, "+1.3°"),
        (70.0, 74.6, 78.7, "−4.6°"),
        (75.0, 74.6, 78.7, "within"),
        (78.7, 74.6, 78.7, "within"),
    ],
)
def test_deviation_from_limits(value, low, high, said):
    found = MeasuredValue(analysis="a", code="c", name="n", unit="deg", value=value)
    assert rows._beyond(found, low, high) == said


def test_bar_counts_from_the_middle_in_halves_of_what_is_usual():
    found = MeasuredValue(analysis="a", code="c", name="n", unit="deg", value=80.0, interval_90=(75.0, 85.0))
    assert rows._bar(found, 70.0, 80.0) == rows.Bar(1.0, (0.0, 2.0))
    assert rows._bar(found, 70.0, 70.0) is None


def test_row_of_a_fit_film():
    row = row_of("ODI")
    (usual,) = row.usual
    assert (usual.text, usual.whom) == ("74.5 ± 6.07", "")
    value = float(row.value.removesuffix("°"))
    assert usual.deviation == f"{(value - 74.5) / 6.07:+.1f} SD".replace("-", "−")
    assert usual.bar.at == pytest.approx((value - 74.5) / 6.07, abs=0.02)
    assert usual.bar.interval[0] < usual.bar.at < usual.bar.interval[1]
    assert row.error.startswith("± ")


def test_class_borders_stand_where_there_is_no_norm():
    (usual,) = row_of("SNB").usual
    assert (usual.text, usual.whom) == ("74.6 to 78.7", "border")


def test_decided_class_has_its_probability():
    said = [row_of(code, film=prediction(error_mm=0.05)).said for code in ("ANB", "SNA", "FHI")]
    assert all(text.endswith("\u00a0%") and "not decided" not in text for text in said), said


def test_norms_of_women_and_men():
    both = row_of("ANS-Me", analysis="mcnamara")
    assert [(usual.text, usual.whom) for usual in both.usual] == [
        ("66.7 ± 4.1", "women"),
        ("74.6 ± 5", "men"),
    ]
    (men,) = row_of("ANS-Me", analysis="mcnamara", sex="men").usual
    assert (men.text, men.whom) == ("74.6 ± 5", "men")


def test_single_value_as_norm_gives_a_difference_without_a_bar():
    (usual,) = row_of("SNA", analysis="steiner").usual
    assert (usual.text, usual.bar) == ("82", None)
    assert usual.deviation[0] in "+−"


def test_nothing_is_held_against_norms_on_an_unfit_film():
    row = row_of("ODI", film=prediction("unfit"))
    assert [(usual.deviation, usual.bar) for usual in row.usual] == [("", None)]
    assert (row.error, row.said, row.is_doubtful) == ("", "film unfit", True)


def test_distances_without_a_scale_and_of_a_doubtful_one():
    row = row_of("MW", film=prediction("review", mm_per_px=None))
    assert (row.value, row.said) == ("–", "no scale in the film")
    far = row_of("MW", film=prediction(mm_per_px=(2.0, 2.0)))
    assert far.usual[0].deviation == ""
    assert far.said.startswith("scale in doubt")


def test_points_by_hand_alone_give_the_class_of_the_value():
    row = row_of("SNA", film=reviewed(prediction("unfit"), S="edited", N="edited", A="edited"))
    assert row.error == ""
    assert not row.is_doubtful
    assert row.said in {"retrognathic maxilla", "normal maxilla", "prognathic maxilla"}
    assert row.usual[0].deviation != ""


def test_negative_numbers_have_a_minus_sign():
    row = row_of("Convexity", analysis="downs")
    assert "−8.5" in row.usual[0].text
    assert "-" not in row.value
