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

# How a sample, the samples' mean and the truth are marked; a legend marks the circle with a ring.
_DOT: dict[str, Any] = {"marker": "o", "markersize": 2.2, "markeredgewidth": 0}
_STAR: dict[str, Any] = {"marker": "*", "markersize": 7, "markeredgecolor": "black", "markeredgewidth": 0.5}
_CROSS: dict[str, Any] = {"marker": "x", "markersize": 4.5, "color": "white", "markeredgewidth": 1.1}
_RING: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "markeredgecolor": GREY}

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

    @property
    def mm_per_px(self) -> NDArray[np.float64]:
        """(2,) the film's scale, or square pixels of no known size."""
        scale = self.film.spacing
        return np.array((1.0, 1.0) if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px))


def sample_picture(panels: Sequence[SamplePanel], *, caption: str) -> Figure:
    """Draw films side by side, at most four in a row: dots for samples, a star for their mean, a circle.

    The circle's radius is the mean distance of the samples from their mean (the measure "spread"), a cross is
    the truth. Each landmark has a colour of its own. Panels of films of one size that show the same landmarks
    show the same part of the film, so that they can be compared. Films are scaled down to what is printed.

    There must be one panel at least; they are drawn row by row.
    """
    columns = -(-len(panels) // -(-len(panels) // _COLUMNS))
    windows = [_window([other for other in panels if _compared(panel, other)]) for panel in panels]
    tallest = max(
        float((bottom - top) * panel.mm_per_px[1] / ((right - left) * panel.mm_per_px[0]))
        for panel, (left, top, right, bottom) in zip(panels, windows, strict=True)
    )
    size = (_PANEL_WIDTH_INCHES, _PANEL_WIDTH_INCHES * tallest + 0.25)
    figure, axes = new_figure(-(-len(panels) // columns), columns, caption=caption, panel_inches=size)
    for panel_axes in axes.ravel():
        panel_axes.set_axis_off()
    for panel_axes, panel, window in zip(axes.ravel(), panels, windows, strict=False):
        _draw_film(panel_axes, panel, window)
        for count, index in enumerate(panel.landmarks):
            _draw_landmark(panel_axes, panel, index, _COLOURS[count % len(_COLOURS)])
    several = any(panel.samples_px.shape[0] > 1 for panel in panels)
    known = any(panel.truth_px is not None for panel in panels)
    handles = _legend(several=several, truth=known)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return figure


def samples_of(prediction: Prediction) -> NDArray[np.float64]:
    """(T, L, 2) sampled points of a prediction, in px of its film."""
    return np.stack([np.asarray(landmark.samples_px) for landmark in prediction.landmarks], axis=1)


def picture_model(study: Study) -> StudyModel | None:
    """The model the pictures show: the first ensemble that can run, else the first model that can, if any."""
    able = [model for model in study.models if model.model is not None]
    return min(able, key=lambda model: model.kind != "ensemble", default=None)


def few_landmarks(landmark_set: LandmarkSet) -> tuple[int, ...]:
    """Indices of a few landmarks far apart (sella, A, menton, gonion); of another set the first four."""
    found = tuple(index for index, code in enumerate(landmark_set.codes) if code in _FEW_CODES)
    return found if len(found) == len(_FEW_CODES) else tuple(range(min(len(landmark_set), len(_FEW_CODES))))


def _compared(panel: SamplePanel, other: SamplePanel) -> bool:
    return panel.film.pixels.shape == other.film.pixels.shape and panel.landmarks == other.landmarks


def _window(panels: Sequence[SamplePanel]) -> Window:
    """The part of the film that panels which are compared show: what is drawn in them, and a margin."""
    film, shown = panels[0].film, list(panels[0].landmarks)
    drawn = [panel.samples_px[..., shown, :].reshape(-1, 2) for panel in panels]
    drawn += [panel.truth_px[shown] for panel in panels if panel.truth_px is not None]
    points = np.concatenate(drawn)
    margin = _MARGIN * max(film.width_px, film.height_px)
    left, top = np.floor(np.nanmin(points, axis=0) - margin)
    right, bottom = np.ceil(np.nanmax(points, axis=0) + margin)
    left, top = (max(float(edge), 0.0) - 0.5 for edge in (left, top))
    right, bottom = min(float(right), film.width_px - 1.0), min(float(bottom), film.height_px - 1.0)
    return left, top, right + 0.5, bottom + 0.5


def _draw_film(axes: Axes, panel: SamplePanel, window: Window) -> None:
    left, top, right, bottom = window
    rows = slice(round(top + 0.5), round(bottom + 0.5))
    columns = slice(round(left + 0.5), round(right + 0.5))
    part = np.ascontiguousarray(stretch_grey(panel.film.pixels)[rows, columns])
    small, _ = resize(part, min(1.0, _PANEL_PX / max(part.shape)))
    x_mm, y_mm = panel.mm_per_px
    grey, place = np.round(small * 255).astype(np.uint8), (left, right, bottom, top)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=_WHITE, extent=place, aspect=y_mm / x_mm)
    axes.set_title(panel.title, fontsize=9)


def _draw_landmark(axes: Axes, panel: SamplePanel, index: int, colour: str) -> None:
    from matplotlib.patches import Ellipse

    samples = panel.samples_px[:, index]
    mean = samples.mean(axis=0)
    # What is large lies below: a spread of a millimetre would vanish under the star.
    axes.plot(*mean, linestyle="", color=colour, **_STAR)
    if panel.truth_px is not None:
        axes.plot(*panel.truth_px[index], linestyle="", **_CROSS, **_outlined())
    if len(samples) > 1:
        radius_mm = float(np.linalg.norm((samples - mean) * panel.mm_per_px, axis=1).mean())
        width, height = 2 * radius_mm / panel.mm_per_px
        x, y = mean.tolist()
        look: dict[str, Any] = {"fill": False, "edgecolor": colour, "linewidth": 1.0, "zorder": 3}
        axes.add_patch(Ellipse((x, y), width, height, **look))
        axes.plot(*samples.T, linestyle="", color=colour, **_DOT)


def _outlined() -> dict[str, Any]:
    """A black outline: a white cross is seen on bone too."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=2.2, foreground="black")]}


def _legend(*, several: bool, truth: bool) -> list[Line2D]:
    from matplotlib.lines import Line2D

    entries = [("mean of the samples" if several else "the model's point", {"color": GREY, **_STAR})]
    if several:
        entries.insert(0, ("sample", {"color": GREY, **_DOT}))
        entries.append(("spread: the samples' mean distance from their mean", _RING))
    if truth:
        entries.append(("truth", _CROSS | _outlined()))
    return [Line2D([], [], linestyle="", label=label, **style) for label, style in entries]
