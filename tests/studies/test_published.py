from __future__ import annotations

import pandas as pd

from cephsure.evaluation.errors import THRESHOLDS_MM
from cephsure.studies.published import REFERENCE, published_accuracy

RATES = [f"sdr_{threshold:g}mm_percent" for threshold in THRESHOLDS_MM]
BOTH = pd.concat([published_accuracy("Test1"), published_accuracy("Test2")])


def test_the_references_rows_are_its_own_figures_on_the_senior_annotation():
    rows = BOTH.dropna(subset="kind").set_index("kind")
    assert set(rows.index) == set(REFERENCE)
    for kind, row in rows.iterrows():
        assert (row["truth"], row["mre_mm"]) == ("senior", REFERENCE[kind].mre_mm)
        assert row[RATES].dropna().to_dict() == {"sdr_2.5mm_percent": REFERENCE[kind].sdr_2_5_percent}


def test_every_row_is_possible():
    for _, row in BOTH.iterrows():
        rates = row[RATES].dropna().tolist()
        assert rates == sorted(rates)
        assert 0 < rates[0] <= rates[-1] < 100
        assert 0.5 < row["mre_mm"] < 3
    assert BOTH["source"][BOTH["mre_mm"] == 1.67].str.contains("winner").any()


def test_rows_of_the_test_set_that_is_judged():
    first, second = published_accuracy("Test1"), published_accuracy("Test2")
    assert (len(first), len(second)) == (9, 5)
    later = first[first["kind"].isna()].set_index("source")["mre_mm"]
    # The second test set is harder for every method that was scored on both.
    assert (second["mre_mm"].to_numpy() > later[second["source"]].to_numpy()).all()
    assert published_accuracy("my films").empty
