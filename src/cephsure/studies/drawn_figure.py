"""Figures as files: drawing them to bytes, reading them back, and saying in words what they show."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = ("png", "svg")


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure that is no longer drawn upon.

    Attributes:
        caption: said under it.
        alt: what it shows, for those who cannot see it.
        files: by ending ("png", "svg"), the file's bytes.
    """

    caption: str
    alt: str
    files: Mapping[str, bytes]


def drawn(figure: Figure | DrawnFigure) -> DrawnFigure:
    """Draw a figure, the same bytes for the same figure; one that is drawn is given back."""
    if isinstance(figure, DrawnFigure):
        return figure
    files = {ending: _bytes(figure, ending) for ending in ENDINGS}
    return DrawnFigure(str(figure.get_label()), in_words(figure), files)


def _bytes(figure: Figure, ending: str) -> bytes:
    import matplotlib as mpl

    stream = io.BytesIO()
    # Without a salt of its own an SVG gets random identifiers, without Date None the time of day.
    with mpl.rc_context({"svg.hashsalt": "cephsure"}):
        figure.savefig(stream, format=ending, metadata={"Date": None} if ending == "svg" else None)
    return stream.getvalue()


def read_drawn(folder: Path, name: str, *, caption: str, alt: str) -> DrawnFigure:
    """A figure from its files.

    Raises:
        InputError: one of them is not there.
    """
    try:
        files = {ending: (folder / f"{name}.{ending}").read_bytes() for ending in ENDINGS}
    except OSError as error:
        raise InputError(
            f"a figure's file cannot be read: {error.strerror}",
            where=error.filename,
            remedy="run the experiment again: what is predicted is not predicted again",
        ) from error
    return DrawnFigure(caption, alt, files)


def in_words(figure: Figure) -> str:
    """What stands on a figure's axes: its panels' titles and labels, each once."""
    panels = [words for axes in figure.get_axes() if axes.get_visible() and (words := _panel(axes))]
    several = dict.fromkeys(panels)
    count = f"{len(panels)} panels: " if len(panels) > 1 else ""
    return count + "; ".join(several)


def _panel(axes: Axes) -> str:
    x, y, title = (
        " ".join(text.split()) for text in (axes.get_xlabel(), axes.get_ylabel(), axes.get_title())
    )
    against = f"{y} against {x}" if x and y else y or x
    return f"{title} ({against})" if title and against else title or against
