from __future__ import annotations

from cephsure.studies.published import REFERENCE, published_accuracy

BOTH = (*published_accuracy("Test1"), *published_accuracy("Test2"))


def test_the_references_rows_are_its_own_figures_on_the_senior_annotation():
    rows = {row.kind: row for row in BOTH if row.kind}
    assert set(rows) == set(REFERENCE)
    for kind, row in rows.items():
        assert (row.truth, row.mre_mm) == ("senior", REFERENCE[kind].mre_mm)
        assert row.sdr_percent == {2.5: REFERENCE[kind].sdr_2_5_percent}


def test_every_row_is_possible():
    for row in BOTH:
        rates = list(row.sdr_percent.values())
        assert rates == sorted(rates)
        assert 0 < rates[0] <= rates[-1] < 100
        assert 0.5 < row.mre_mm < 3
    assert any(row.mre_mm == 1.67 and "winner" in row.source for row in BOTH)


def test_rows_of_the_test_set_that_is_judged():
    first, second = published_accuracy("Test1"), published_accuracy("Test2")
    assert (len(first), len(second)) == (9, 5)
    later = {row.source: row.mre_mm for row in first if not row.kind}
    # The second test set is harder for every method that was scored on both.
    assert all(row.mre_mm > later[row.source] for row in second)
    assert published_accuracy("my films") == ()
