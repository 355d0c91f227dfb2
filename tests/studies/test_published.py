from __future__ import annotations

from cephsure.studies.published import (
    CHALLENGE_WINNER_MRE_MM,
    PUBLISHED_ACCURACY,
    REFERENCE,
    published_accuracy,
)


def test_the_references_rows_are_its_own_figures_on_the_senior_annotation():
    rows = {one.kind: one for one in PUBLISHED_ACCURACY if one.kind}
    assert set(rows) == set(REFERENCE)
    for kind, one in rows.items():
        assert (one.truth, one.mre_mm) == ("senior", REFERENCE[kind].mre_mm)
        assert one.sdr_percent == {2.5: REFERENCE[kind].sdr_2_5_percent}


def test_every_row_is_possible():
    for one in PUBLISHED_ACCURACY:
        rates = list(one.sdr_percent.values())
        assert rates == sorted(rates)
        assert 0 < rates[0] <= rates[-1] < 100
        assert 0.5 < one.mre_mm < 3
    assert any(one.mre_mm == CHALLENGE_WINNER_MRE_MM for one in PUBLISHED_ACCURACY)


def test_rows_of_the_test_set_that_is_judged():
    first, second = published_accuracy("Test1"), published_accuracy("Test2")
    assert len(first) + len(second) == len(PUBLISHED_ACCURACY)
    later = {one.source: one.mre_mm for one in first if not one.kind}
    # The second test set is harder for every method that was scored on both.
    assert all(one.mre_mm > later[one.source] for one in second)
    assert published_accuracy("my films") == ()
