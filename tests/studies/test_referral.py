from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.studies.cases import films_of_split, plain_cases
from cephsure.studies.point_scores import AS_IS, WITHIN
from cephsure.studies.predictions import predict_cases
from cephsure.studies.referral import referral


@pytest.fixture(scope="module")
def result(table_study):
    return referral(table_study(n_test=20).study)


def rows_of(result, **wanted):
    rows = result.tables["referral"].document()["rows"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_table_holds_the_errors_and_what_referral_leaves_of_them(table_study):
    stored = table_study(n_test=20, kinds=("baseline",))
    result = referral(stored.study)
    errors = np.linalg.norm(stored.away_mm["table-baseline"], axis=-1)
    (row,) = rows_of(result, score="entropy", films="official", referred="points", scaled=AS_IS)
    assert row["n"] == errors.size
    assert row["mre_mm"] == pytest.approx(errors.mean(), rel=1e-4)
    assert row["n_over_4mm"] == (errors > 4).sum()
    # 20 x 19 points: 76 are 20 % exactly, and no two have the same entropy.
    table = predict_cases(stored.study, "test1", plain_cases(films_of_split(stored.study.dataset)))
    order = np.argsort(table["table-baseline"].measures["entropy"].ravel())
    kept = errors.ravel()[order[:304]]
    assert row["mre_kept_mm_20"] == pytest.approx(kept.mean(), rel=1e-4)
    assert row["caught_20"] == pytest.approx(1 - (kept > 4).sum() / (errors > 4).sum())
    assert row["mre_kept_mm_20_oracle"] == pytest.approx(np.sort(errors.ravel())[:304].mean(), rel=1e-4)


def test_official_and_clean_films_points_and_whole_films(result):
    for films, count in (("official", 20), ("clean", 19)):
        whole = rows_of(result, films=films, referred="films, by the mean", score="entropy")
        assert [row["n"] for row in whole] == [count, count]
    assert {row["scaled"] for row in rows_of(result, referred="films, by the largest")} == {AS_IS}
    assert rows_of(result, scaled=WITHIN)
    assert not rows_of(result, model="default baseline, mean", score="spread")


def test_difficulty_is_worth_more_than_chance_and_less_than_the_errors(result):
    for row in rows_of(result, score="entropy", referred="points", scaled=AS_IS, films="official"):
        assert row["aurc_mm_oracle"] < row["aurc_mm"] < row["mre_mm"]
        assert 0.1 < row["excess_aurc"] < 0.7
        assert row["caught_20_low"] <= row["caught_20"] <= row["caught_20_high"]
        assert row["caught_10"] <= row["caught_20"] <= row["caught_30"]


def test_findings_say_what_is_in_the_table(result):
    (row,) = rows_of(
        result,
        model="default ensemble (5), mean",
        own_measure=True,
        films="official",
        referred="points",
        scaled=AS_IS,
    )
    own = next(text for text in result.findings if "ensemble" in text and "reference's measure" in text)
    assert f"hold {row['caught_20']:.2f} [" in own
    assert f"of the {row['n_over_4mm']} errors over 4 mm" in own
    assert sum("the best of its scores" in text for text in result.findings) == 2


def test_everything_is_written_and_figures_have_their_units(result, tmp_path):
    result.write(tmp_path)
    json.loads((tmp_path / "referral.json").read_text())
    names = {path.name for path in tmp_path.glob("*.png")}
    assert names == {"referral_caught.png", "referral_table-baseline.png", "referral_table-ensemble.png"}
    for panel in result.figures["referral_table-ensemble"].get_axes():
        assert "coverage" in panel.get_xlabel()
        assert "[mm]" in panel.get_ylabel()


def test_a_study_without_large_errors_has_tables_and_no_findings(table_study):
    stored = table_study(n_test=8, kinds=("ensemble",), mm_per_px=0.1)
    for film in stored.study.dataset.films:
        for points in film.annotations.values():
            points[:] = np.nan
    result = referral(stored.study)
    assert result.findings == ()
    assert all(row["n"] == 0 for row in rows_of(result))
