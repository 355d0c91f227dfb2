from __future__ import annotations

from types import SimpleNamespace

from cephsure.studies.by_count import STATISTICS, AtCount
from cephsure.studies.plotting import Estimate
from cephsure.studies.samples_figures import cost_figure, counts_figure


def by_count(*, kind="ensemble", ms=10.0, part="samples"):
    """Two and four samples; the spread's coefficient 0.1 a sample, the activation's the opposite."""
    found = []
    for count in (2, 4):
        rising = Estimate(0.1 * count, (0.1 * count - 0.05, 0.1 * count + 0.05))
        falling = Estimate(-0.1 * count, (-0.1 * count - 0.05, -0.1 * count + 0.05))
        measures = {
            "spread": dict.fromkeys(STATISTICS, rising),
            "activation": dict.fromkeys(STATISTICS, rising) | {"spearman": falling},
        }
        found.append(
            AtCount(count, 3, 7, 133, 9.0, Estimate(2 / count, (1.9 / count, 2.1 / count)), measures)
        )
    drawing = SimpleNamespace(model=SimpleNamespace(kind=kind), what="members", title="the model", part=part)
    return SimpleNamespace(
        test="Test1", drawing=drawing, found=tuple(found), ms=lambda count: None if ms is None else ms * count
    )


def test_every_panel_is_against_the_number_and_says_n():
    figure = counts_figure(by_count())
    first, correlation, *_ = figure.get_axes()
    assert len(figure.get_axes()) == 4
    assert "133 points" in figure.get_label()
    assert "n = 133" in first.texts[0].get_text()
    assert first.get_title() == "40 ms a film with T = 4"
    assert first.lines[0].get_ydata().tolist() == [1.0, 0.5]
    # A measure that falls with uncertainty is turned, its interval with it.
    for line in correlation.lines:
        assert line.get_ydata().tolist() == [0.2, 0.4]
    labels = [text.get_text() for text in correlation.get_legend().get_texts()]
    assert labels == [
        "maximum heat-map activation: 0.40 [0.35, 0.45]",
        "spread of the samples: 0.40 [0.35, 0.45]",
    ]


def test_cost_has_a_line_for_each_that_was_timed():
    figure = cost_figure([by_count(), by_count(part="altered", kind="baseline"), by_count(ms=None)])
    left, right = figure.get_axes()
    assert left.get_xscale() == "log"
    assert [line.get_xdata().tolist() for line in left.lines] == [[20.0, 40.0]] * 2
    assert [line.get_linestyle() for line in right.lines] == ["-", "--"]
    assert sorted(text.get_text() for text in left.texts) == ["2", "2", "4", "4"]


def test_nothing_timed_is_an_empty_figure():
    assert all(not axes.lines for axes in cost_figure([by_count(ms=None)]).get_axes())
