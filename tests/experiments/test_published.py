from __future__ import annotations

from cephsure.experiments.published import CHALLENGE_WINNER_MRE_MM, PUBLISHED_ACCURACY, REFERENCE


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
