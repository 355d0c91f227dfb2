from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cephsure.errors import AnnotationError
from cephsure.studies.held_out import held_out
from cephsure.studies.observers import observers
from table_study import records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def observed(table_study):
    """A study whose nine observers scatter about the true point as far as it is difficult."""

    def make(spoil=None):
        made = table_study(n_test=24)
        rng = np.random.default_rng(7)
        folder = made.folder / "home" / "AnnotationsByMD" / "nine_observers_5_landmarks"
        folder.mkdir(parents=True)
        (made.folder / "home" / "RawImage").mkdir()
        columns = [8, 9, 2, 11, 14]
        for number in range(1, 10):
            lines = []
            for film, hard in zip(made.study.dataset.films[2:], made.difficulty, strict=True):
                true = (film.annotations["senior"] + film.annotations["junior"]) / 2
                mm = true[columns] * 0.1 + hard[columns, None] * rng.normal(size=(5, 2))
                lines.append(",".join([film.film_id, *(f"{value:.4f}" for value in mm.ravel())]))
            (folder / f"observer{number}.csv").write_text("\n".join(lines), encoding="utf-8")
        if spoil is not None:
            (folder / "observer3.csv").write_text(spoil, encoding="utf-8")
        return made

    return make


@pytest.fixture(scope="module")
def made(observed):
    return observed()


@pytest.fixture(scope="module")
def result(made):
    return observers(made.study)


def test_measures_follow_the_observers_disagreement(result):
    found = records(result, "observers", observers="11 observers", offsets_removed=True, measure="spread")
    (row,) = [row for row in found if row["model"] == "default ensemble (5), mean"]
    assert (row["n_films"], row["n_points"]) == (23, 115)
    assert row["spearman"] > 0.7
    assert row["within_spearman"] > 0.4
    assert row["spearman_low"] < row["spearman"] < row["spearman_high"]


def test_two_experts_by_scipy(made, result):
    (row,) = records(
        result,
        "observers",
        model="default baseline, mean",
        observers="two experts",
        offsets_removed=False,
        measure="entropy",
    )
    values = held_out(made.study).tables["table-baseline"].measures["entropy"][:-1]
    expected = stats.spearmanr(2 * made.difficulty[:-1].ravel(), values.ravel()).statistic
    assert row["n_points"] == 23 * 19
    assert row["spearman"] == pytest.approx(expected, abs=1e-4)


def test_the_models_error_stands_among_the_measures(result):
    found = records(result, "observers", observers="two experts", offsets_removed=True)
    assert [row["key"] for row in found if row["model"] == "default baseline, mean"] == [
        "activation",
        "raw_expected_error_mm",
        "entropy",
        "error_mm",
    ]


def test_everybodys_distance_to_the_others(result):
    found = records(result, "observers_distances")
    assert [row["is_model"] for row in found].count(True) == 2
    assert len(found) == 2 + 11
    assert [row["all_mm"] for row in found] == sorted(row["all_mm"] for row in found)
    assert {"Gn_mm", "Go_mm", "Or_mm", "UIT_mm", "Sn_mm"} <= set(found[0])


def test_disagreement_of_each_landmark(made, result):
    (row,) = records(result, "observers_landmarks", observers="two experts", number=19)
    assert (row["code"], row["n_films"]) == ("Ar", 23)
    assert row["disagreement_mm"] == pytest.approx(2 * made.difficulty[:-1, 18].mean(), rel=1e-6)
    assert row["disagreement_offsets_removed_mm"] < row["disagreement_mm"]


def test_the_method_says_which_films_were_left_out(result):
    assert result.method[0] == (
        "Films of Test1 whose exposure is not among the training films; 11 observers: 23 films, 5 landmarks; "
        "two experts: 23 films, 19 landmarks."
    )
    assert "24 films: 0 are training films and 1 of Test1" in result.method[1]
    assert "23 films of 24 remain, with 115 points" in result.method[1]
    assert "another test set" not in result.method[1]


def test_without_the_observers_files_the_two_experts_remain(table_study):
    result = observers(table_study().study)
    assert "came without the files of the nine further observers" in result.method[1]
    assert {row["observers"] for row in records(result, "observers")} == {"two experts"}
    assert "observers_distances" not in result.tables
    assert list(result.figures) == [
        "observers_correlation",
        "observers_table-baseline",
        "observers_table-ensemble",
    ]


def test_observers_of_other_films_are_told_from_none(table_study, monkeypatch):
    monkeypatch.setattr("cephsure.studies.observers.observers_of", lambda _: object())
    result = observers(table_study().study)
    assert result.method[1].startswith("None of the films that the nine further observers marked is judged")


def test_a_malformed_file_is_named(observed):
    study = observed(spoil="151,1,2").study
    with pytest.raises(AnnotationError, match=r"observer3\.csv:1"):
        observers(study)


@pytest.fixture(scope="module")
def figures(table_study):
    return observers(table_study(kinds=("ensemble",)).study).figures


def test_a_row_a_measure_and_the_models_error_last(figures):
    (panel,) = figures["observers_correlation"].axes
    names = [tick.get_text() for tick in panel.get_yticklabels()]
    assert names[0] == "default ensemble (5), mean"
    assert names[-1] == "the model's error"
    assert len(names) == 6
    assert "(23 films, 19 landmarks)" in panel.get_xlabel()


def test_the_points_of_the_own_and_of_the_best_other_measure(figures):
    panels = [axes for axes in figures["observers_table-ensemble"].axes if axes.get_title()]
    assert panels[0].get_title() == "two experts: spread of the samples"
    assert len(panels) == 2
    for panel in panels:
        assert panel.collections[0].get_array().sum() == 23 * 19
        assert panel.get_ylabel() == "distance of the two [mm]"


def test_a_few_landmarks_have_a_colour_each_and_everybody_a_mark(table_study):
    made = table_study(kinds=("ensemble",))
    folder = made.folder / "home" / "AnnotationsByMD" / "nine_observers_5_landmarks"
    folder.mkdir(parents=True)
    (made.folder / "home" / "RawImage").mkdir()
    films = made.study.dataset.films[2:]
    marks = [(film, film.annotations["senior"][[8, 9, 2, 11, 14]] * 0.1) for film in films]
    lines = [",".join([film.film_id, *(f"{value:.4f}" for value in mm.ravel())]) for film, mm in marks]
    (folder / "observer1.csv").write_text("\n".join(lines), encoding="utf-8")
    found = observers(made.study).figures
    points = found["observers_table-ensemble"].axes[0]
    assert [line.get_label() for line in points.lines] == ["Gn", "Go", "Or", "UIT", "Sn"]
    assert {len(line.get_xdata()) for line in points.lines} == {23}
    (distances,) = found["observers_distances"].axes
    assert len(distances.lines) == 3 + 1
    labels = [text.get_text() for text in distances.get_legend().get_texts()]
    assert labels == ["senior", "junior", "default ensemble (5), mean"]
    for figure in found.values():
        figure.canvas.draw()
