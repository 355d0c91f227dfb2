from __future__ import annotations

import pytest

from cephsure.studies.observers import observers


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
