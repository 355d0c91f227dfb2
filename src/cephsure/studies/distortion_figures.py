"""Figures of the distortion: measure and error against magnitude, and the reference's picture."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.cases import truths_px
from cephsure.studies.held_out import truth_for
from cephsure.studies.plotting import (
    GREY,
    KIND_COLOURS,
    hidden_panels,
    label,
    line_styles,
    model_legend,
    remark,
)
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import with_interval
from cephsure.studies.sample_picture import (
    SamplePanel,
    few_landmarks,
    picture_model,
    sample_picture,
    samples_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.studies.shifts.distortion import ElasticField
    from cephsure.studies.study import Study, StudyModel

PICTURE_MAGNITUDES = (0.0, 70.0, 140.0, 200.0)
_COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredDistortion:
    """What every model's measures and error do as films are distorted.

    Attributes:
        test: what texts call the set that the films are of: "Test1".
        n_films: of them.
        magnitudes: (M,) of the distortion.
        measures: a row a measure of a model (those that vary) and one of its error: coefficients; the model's
            label, the measure's name, key, direction and axis label, and whether the reference judges the
            model's kind by it (``own``).
        means: a row a magnitude of a model: means of the error and of each measure by key with their
            intervals, and under ``change_KEY`` of each point's change from the first magnitude, turned so
            that it rises with uncertainty, in standard deviations of the single points there.
    """

    test: str
    n_films: int
    magnitudes: NDArray[np.float64]
    measures: pd.DataFrame
    means: pd.DataFrame

    def line(self, model: StudyModel, key: str | None = None) -> Any:
        """A model's error or measure by its key, or the measure the reference judges it by; None without."""
        here = self.measures[self.measures["label"] == model.label]
        chosen = here["own"].astype(bool) if key is None else here["key"] == key
        return next(here[chosen].itertuples(), None)

    def at_magnitudes(self, model: StudyModel, key: str) -> tuple[pd.Series, pd.Series, pd.Series]:
        """Means at each magnitude, and the ends of their intervals."""
        here = self.means[self.means["label"] == model.label]
        return here[key], here[f"{key}_low"], here[f"{key}_high"]


def own_measure_figure(study: Study, found: MeasuredDistortion) -> Figure:
    """A column a model: the measure the reference judges it by above the error, against the magnitude."""
    columns = min(len(study.models), _COLUMNS)
    blocks = -(-len(study.models) // columns)
    caption = (
        f"Measure (above) and radial error against the moved truth (below) at {len(found.magnitudes)} "
        f"magnitudes of elastic distortion, mean over {found.n_films} films of {found.test} and their "
        "landmarks; band: 95 % bootstrap interval over films. r: Pearson's coefficient of magnitude and "
        "mean, with its interval; published: Drevický & Kodým 2020."
    )
    figure, axes = hidden_panels(2 * blocks, columns, caption=caption, panel_inches=(3.9, 2.7))
    highest = found.means["error_mm_high"].max()
    for index, model in enumerate(study.models):
        above, below = axes[2 * (index // columns) : 2 * (index // columns) + 2, index % columns]
        _own_panel(above, model, found)
        below.set_visible(True)
        error = found.line(model, "error_mm")
        label(below, x="magnitude", y=f"error [mm], truth: {error.truth}")
        if found.at_magnitudes(model, "error_mm")[0].notna().any():
            _band(below, model, found, "error_mm", colour=GREY)
            remark(below, _coefficient(error))
        if np.isfinite(highest):
            below.set_ylim(0, 1.05 * highest)
    return figure


def _own_panel(axes: Axes, model: StudyModel, found: MeasuredDistortion) -> None:
    axes.set_visible(True)
    own, title = found.line(model), "\n".join(textwrap.wrap(model.title, 44))
    if own is None:
        label(axes, x="magnitude", y=model.own_measure, title=title)
        remark(axes, "constant")
        return
    _band(axes, model, found, own.key, colour=KIND_COLOURS[model.kind])
    label(axes, x="magnitude", y=own.axis_label, title=title)
    published = f"\npublished {with_interval(REFERENCE[model.kind].distortion_pearson, None)}"
    corner = "lower left" if own.direction < 0 else "upper left"
    remark(axes, f"{_coefficient(own)}{published}\nn = {found.n_films} films", corner=corner)


def _band(axes: Axes, model: StudyModel, found: MeasuredDistortion, key: str, *, colour: str) -> None:
    means, low, high = found.at_magnitudes(model, key)
    axes.fill_between(found.magnitudes, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(found.magnitudes, means, color=colour, marker="o", markersize=2.5, linewidth=1)


def _coefficient(line: Any) -> str:
    ends = (line.magnitude_pearson_low, line.magnitude_pearson_high)
    return f"r = {with_interval(line.magnitude_pearson, ends)}"


def all_measures_figure(study: Study, found: MeasuredDistortion) -> Figure:
    """A panel a measure: its change with the magnitude, in standard deviations of undistorted points."""
    of_measures = found.measures[found.measures["key"] != "error_mm"]
    titles = dict(zip(of_measures["key"], of_measures["measure"], strict=True))
    columns = max(1, min(len(titles), _COLUMNS))
    caption = (
        f"Every measure's change with the magnitude of elastic distortion (n = {found.n_films} films of "
        f"{found.test}): mean over all points, against the same films at the first magnitude, in standard "
        "deviations of the single points there; turned so that up means more uncertain. Band: 95 % bootstrap "
        "interval over films. r: Pearson's coefficient of magnitude and the measure's mean, as in the table."
    )
    figure, axes = hidden_panels(max(1, -(-len(titles) // columns)), columns, caption=caption)
    styles = line_styles(study.models)
    for panel, (key, title) in zip(axes.ravel(), titles.items(), strict=False):
        panel.set_visible(True)
        words = [f"n = {found.n_films} films"]
        for model in study.models:
            line = found.line(model, key)
            if line is not None:
                number, colour, style = styles[model.label]
                means, low, high = found.at_magnitudes(model, f"change_{key}")
                panel.fill_between(found.magnitudes, low, high, color=colour, alpha=0.12, linewidth=0)
                panel.plot(found.magnitudes, means, style, color=colour, linewidth=1.4)
                words.append(f"{number}: {_coefficient(line)}")
        label(panel, x="magnitude", y="change [SD of undistorted points]", title=title)
        remark(panel, "\n".join(words))
    model_legend(figure, study.models, columns=min(2, columns))
    return figure


def distortion_picture(study: Study, item: AnnotatedFilm, field: ElasticField) -> Figure | None:
    """One film at four magnitudes with its samples, for a few landmarks and for all; None without a model."""
    shown = picture_model(study)
    if shown is None or shown.model is None:
        return None
    film, truth = film_of(item), truth_for(shown, study.dataset)
    true_px = truths_px([item], truth)[0]
    landmark_set = shown.model.landmark_set
    few, everything = few_landmarks(landmark_set), tuple(range(len(landmark_set)))
    panels = []
    for magnitude in PICTURE_MAGNITUDES:
        distorted = field.distort(film, magnitude)
        samples_px = samples_of(shown.predict(distorted, seed=study.seed))
        title = f"magnitude {magnitude:g} ({field.size_mm(magnitude)[0]:.1f} mm rms)"
        panels.append(SamplePanel(title, distorted, samples_px, field.move(true_px, magnitude), few))
    caption = (
        f"Film {item.film_id} under one random elastic field, scaled up; {shown.title}. Above "
        f"{', '.join(landmark_set.codes[i] for i in few)}, below all landmarks. "
        f"The truth ({truth}) is moved with the film."
    )
    below = [replace(panel, landmarks=everything) for panel in panels]
    return sample_picture([*panels, *below], caption=caption)
