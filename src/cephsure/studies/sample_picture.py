"""The reference's picture: a film with every sample, their mean, the truth and the spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.geometry import resize
from cephsure.preprocessing import stretch_grey
from cephsure.studies.plotting import GREY, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.landmarks import LandmarkSet
    from cephsure.studies.study import Study, StudyModel
    from cephsure.uncertainty import Prediction

_COLUMNS = 4
_PANEL_WIDTH_INCHES = 3.3
_PANEL_PX = 500
_MARGIN = 0.12
# Of 255: the brightest bone is drawn a little grey, so that the marks stand out from it.
_WHITE = 320
# Bright enough for a radiograph's black and grey; neighbours in the landmarks' order differ.
_COLOURS = ("#56B4E9", "#E69F00", "#F0E442", "#CC79A7", "#00D69B", "#FF6F3C", "#B9A0FF")
_FEW_CODES = ("S", "A", "Me", "Go")

Window = tuple[float, float, float, float]
"""Left, top, right and bottom edge in px of the film."""


@dataclass(frozen=True, slots=True)
class SamplePanel:
    """One film of the picture.

    Attributes:
        title: the condition, over the panel.
        film: as it was given to the model.
        samples_px: (T, L, 2) sampled points in px of the film.
        truth_px: (L, 2) true points, NaN where one is missing, or None where none is known.
        landmarks: indices of the landmarks that are shown.
    """

    title: str
    film: Film
    samples_px: NDArray[np.float64]
    truth_px: NDArray[np.float64] | None
    landmarks: tuple[int, ...]


def sample_picture(panels: Sequence[SamplePanel], *, caption: str) -> Figure:
    """Draw films side by side, at most four in a row: dots for samples, a star for their mean, a circle.

    The circle's radius is the mean distance of the samples from their mean (the measure "spread"), a cross is
    the truth. Each landmark has a colour of its own. Panels of films of one size that show the same landmarks
    show the same part of the film, so that they can be compared. Films are scaled down to what is printed.

    Args:
        panels: at least one; row by row.
        caption: of the figure.

    Returns:
        The figure.
    """
    columns = -(-len(panels) // -(-len(panels) // _COLUMNS))
    rows = -(-len(panels) // columns)
    windows = _windows(panels)
    tallest = max(_height_over_width(p, w) for p, w in zip(panels, windows, strict=True))
    size = (_PANEL_WIDTH_INCHES, _PANEL_WIDTH_INCHES * tallest + 0.25)
    figure, axes = new_figure(rows, columns, caption=caption, panel_inches=size)
    for panel_axes in axes.ravel():
        panel_axes.set_axis_off()
    for panel_axes, panel, window in zip(axes.ravel(), panels, windows, strict=False):
        _draw_film(panel_axes, panel, window)
        for count, index in enumerate(panel.landmarks):
            _draw_landmark(panel_axes, panel, index, _COLOURS[count % len(_COLOURS)])
    several = any(panel.samples_px.shape[0] > 1 for panel in panels)
    known = any(panel.truth_px is not None for panel in panels)
    figure.legend(
        handles=_legend(several=several, truth=known), loc="outside lower center", ncols=4, fontsize=8
    )
    return figure


def samples_of(prediction: Prediction) -> NDArray[np.float64]:
    """(T, L, 2) sampled points of a prediction, in px of its film."""
    points = np.array([landmark.samples_px for landmark in prediction.landmarks], dtype=np.float64)
    return points.transpose(1, 0, 2)


def picture_model(study: Study) -> StudyModel | None:
    """The model the pictures show: the first ensemble that can run, else the first model that can, if any."""
    able = [model for model in study.models if model.model is not None]
    ensembles = [model for model in able if model.kind == "ensemble"]
    return next(iter([*ensembles, *able]), None)


def few_landmarks(landmark_set: LandmarkSet) -> tuple[int, ...]:
    """Indices of a few landmarks far apart (sella, A, menton, gonion); of another set the first four."""
    found = tuple(index for index, code in enumerate(landmark_set.codes) if code in _FEW_CODES)
    return found if len(found) == len(_FEW_CODES) else tuple(range(min(len(landmark_set), len(_FEW_CODES))))


def _windows(panels: Sequence[SamplePanel]) -> list[Window]:
    """The part of the film each panel shows: what is drawn in it, and in the panels it is compared with."""
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[SamplePanel]] = {}
    for panel in panels:
        groups.setdefault((panel.film.pixels.shape, panel.landmarks), []).append(panel)
    return [_window(groups[panel.film.pixels.shape, panel.landmarks]) for panel in panels]


def _window(panels: Sequence[SamplePanel]) -> Window:
    film = panels[0].film
    drawn = [_shown(panel.samples_px, panel).reshape(-1, 2) for panel in panels]
    drawn += [_shown(panel.truth_px, panel) for panel in panels if panel.truth_px is not None]
    points = np.concatenate(drawn)
    margin = _MARGIN * max(film.width_px, film.height_px)
    left, top = np.nanmin(points, axis=0) - margin
    right, bottom = np.nanmax(points, axis=0) + margin
    return (
        max(float(np.floor(left)), 0.0) - 0.5,
        max(float(np.floor(top)), 0.0) - 0.5,
        min(float(np.ceil(right)), film.width_px - 1.0) + 0.5,
        min(float(np.ceil(bottom)), film.height_px - 1.0) + 0.5,
    )


def _shown(points: NDArray[np.float64], panel: SamplePanel) -> NDArray[np.float64]:
    return points[..., list(panel.landmarks), :]


def _mm_per_px(film: Film) -> tuple[float, float]:
    """The film's scale, or square pixels of no known size."""
    return (1.0, 1.0) if film.spacing is None else (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px)


def _height_over_width(panel: SamplePanel, window: Window) -> float:
    left, top, right, bottom = window
    x_mm, y_mm = _mm_per_px(panel.film)
    return (bottom - top) * y_mm / ((right - left) * x_mm)


def _draw_film(axes: Axes, panel: SamplePanel, window: Window) -> None:
    left, top, right, bottom = window
    rows = slice(round(top + 0.5), round(bottom + 0.5))
    columns = slice(round(left + 0.5), round(right + 0.5))
    part = np.ascontiguousarray(stretch_grey(panel.film.pixels)[rows, columns])
    small, _ = resize(part, min(1.0, _PANEL_PX / max(part.shape)))
    x_mm, y_mm = _mm_per_px(panel.film)
    axes.imshow(
        np.round(small * 255).astype(np.uint8),
        cmap="gray",
        vmin=0,
        vmax=_WHITE,
        extent=(left, right, bottom, top),
        aspect=y_mm / x_mm,
    )
    axes.set_title(panel.title, fontsize=9)


def _draw_landmark(axes: Axes, panel: SamplePanel, index: int, colour: str) -> None:
    from matplotlib.patches import Ellipse

    scale = np.array(_mm_per_px(panel.film))
    samples = panel.samples_px[:, index]
    mean = samples.mean(axis=0)
    # What is large lies below: a spread of a millimetre would vanish under the star.
    axes.plot(*mean, linestyle="", **_star(colour))
    if panel.truth_px is not None:
        axes.plot(*panel.truth_px[index], linestyle="", **_cross())
    if len(samples) > 1:
        radius_mm = float(np.linalg.norm((samples - mean) * scale, axis=1).mean())
        width, height = 2 * radius_mm / scale
        circle = Ellipse(
            (float(mean[0]), float(mean[1])), width, height, fill=False, edgecolor=colour, linewidth=1.0
        )
        circle.set_zorder(3)
        axes.add_patch(circle)
        axes.plot(*samples.T, linestyle="", **_dot(colour))


def _dot(colour: str) -> dict[str, Any]:
    return {"marker": "o", "markersize": 2.2, "color": colour, "markeredgewidth": 0}


def _star(colour: str) -> dict[str, Any]:
    return {
        "marker": "*",
        "markersize": 7,
        "color": colour,
        "markeredgecolor": "black",
        "markeredgewidth": 0.5,
    }


def _cross() -> dict[str, Any]:
    from matplotlib.patheffects import withStroke

    outline = withStroke(linewidth=2.2, foreground="black")
    return {
        "marker": "x",
        "markersize": 4.5,
        "color": "white",
        "markeredgewidth": 1.1,
        "path_effects": [outline],
    }


def _legend(*, several: bool, truth: bool) -> list[Line2D]:
    from matplotlib.lines import Line2D

    circle: dict[str, Any] = {
        "marker": "o",
        "markersize": 9,
        "markerfacecolor": "none",
        "markeredgecolor": GREY,
    }
    entries = [("mean of the samples" if several else "the model's point", _star(GREY))]
    if several:
        entries.insert(0, ("sample", _dot(GREY)))
        entries.append(("spread: the samples' mean distance from their mean", circle))
    if truth:
        entries.append(("truth", _cross()))
    return [Line2D([], [], linestyle="", label=label, **style) for label, style in entries]
