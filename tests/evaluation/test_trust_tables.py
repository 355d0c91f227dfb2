from __future__ import annotations

import io

import pytest
from rich.console import Console

from cephsure.cli.terminal import rich_table
from cephsure.evaluation.result import (
    ExpectedErrors,
    GateTrust,
    LandmarkTrust,
    RegionTrust,
    Strata,
    Stratum,
    Tenth,
    Trust,
)
from cephsure.evaluation.trust_tables import (
    landmark_trust_table,
    said,
    strata_table,
    tenths_table,
    truth_table,
)

FIGURES = {
    "n_films": 150,
    "n_points": 2850,
    "bias_mm": (-0.251, 0.5),
    "mre_mm": 1.5,
    "p95_mm": 13.25,
    "sdr_2mm": 0.75,
    "regions": RegionTrust(
        level=0.9,
        n_points=2850,
        coverage=0.625,
        coverage_ci95=(0.6, 0.65),
        median_area_mm2=112.25,
        whole_film_share=0.02,
    ),
    "expected": ExpectedErrors(n_points=2850, mean_expected_mm=1.2, mean_actual_mm=1.5, ratio=0.8),
    "gate": GateTrust(
        films={"fit": 120, "review": 20, "unfit": 10},
        tolerance_mm=2.0,
        accepted_share=0.295,
        wrong_among_accepted=0.179,
        wrong_among_accepted_ci95=(0.13, 0.22),
        wrong_share=0.337,
    ),
}
BARE = FIGURES | {"regions": None, "expected": None, "gate": None}


def judged(truth="mean", figures=FIGURES):
    return Trust(
        **figures,
        truth=truth,
        worst_landmark=None if figures["regions"] is None else "Pog'",
        worst_coverage=None if figures["regions"] is None else 0.104,
        tenths=(
            Tenth(n_points=285, expected_mm=0.6, actual_mm=0.8),
            Tenth(n_points=285, expected_mm=1, actual_mm=0),
        ),
        per_landmark=tuple(LandmarkTrust(**figures, number=number, code="T12-corner") for number in (1, 100)),
    )


TABLES = {
    "truths": truth_table([judged("mollabashi, second time"), judged("b", BARE)]),
    "landmarks": landmark_trust_table(judged()),
    "tenths": tenths_table(judged()),
    "strata": strata_table(
        Strata(
            column="age group",
            groups=(
                Stratum(name="from 8 to 12 years", n_films=150, trust=(judged("a"), judged())),
                Stratum(name="unknown", n_films=3, trust=(judged("a"),)),
            ),
            not_in_table=("7", "8", "9"),
        ),
        "mean",
    ),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_tables_fit_into_80_columns_with_no_figure_cut(table):
    out = io.StringIO()
    console = Console(file=out, width=80)
    console.print(rich_table(table, console))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in out.getvalue()
    for row in table.rows:
        figures = row[1:]  # a name may be folded, figures stand in one line
        assert any(all(figure in line for figure in figures) for line in lines), row


def test_a_truths_row_says_what_matters():
    row, bare = TABLES["truths"].rows
    assert row[1:] == (
        *("150", "1.50", "13.25", "75", "62", "Pog' 10"),
        *("112.2", "0.80", "80", "30", "17.9"),
    )
    assert bare[4:] == ("75", *["–"] * 7)


def test_a_stratum_is_judged_by_the_chosen_truth():
    known, unknown = TABLES["strata"].rows
    assert (known[:3], unknown[:3]) == (("from 8 to 12 years", "150", "1.50"), ("unknown", "3", "–"))


def test_a_landmarks_row():
    assert TABLES["landmarks"].rows[0][:5] == ("1", "T12-corner", "2850", "-0.25", "+0.50")
    assert TABLES["landmarks"].rows[0][7:] == ("112.2", "1.20", "1.50", "30", "17.9")


def test_a_ratio_without_an_error_is_a_dash():
    assert [row[-1] for row in TABLES["tenths"].rows] == ["0.75", "–"]


def test_sentences_say_what_there_is():
    text = "\n".join(said(judged()))
    for words in (
        "-0.25 mm to the face, +0.50 mm down",
        "regions at 90 %: hold 62.5% [60.0, 65.0]",
        "worst landmark (Pog') 10 %; median area 112.2 mm², all of the film 2%",
        "ratio 0.80",
        "120 fit, 20 review, 10 unfit; points accepted: 29.5%",
        "more than 2 mm: 17.9% [13.0, 22.0] of these, 33.7% of all",
    ):
        assert words in text
    assert len(said(judged(figures=BARE))) == 2
