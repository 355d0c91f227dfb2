"""Small drawings in a report's lines: a value beside what is usual, and the scale of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.reports.film_report.drawing import Disc, Drawing, Outline, line

if TYPE_CHECKING:
    from cephsure.reports.colours import ColourScale
    from cephsure.reports.film_report.drawing import Ink, Shape
    from cephsure.reports.film_report.rows import Bar

WIDTH, HEIGHT = 20.0, 2.8
"""Of a bar, in mm."""
_REACH = 3.0  # of the axis to either side, in halves of what is usual
_STEPS = 40


def bar_drawing(bar: Bar, *, is_doubtful: bool) -> Drawing:
    """A value on an axis, what is usual shaded; beyond the axis' end an arrow points to it."""
    middle, unit, y = WIDTH / 2, (WIDTH / 2 - 1.2) / _REACH, HEIGHT / 2

    def x_of(value: float) -> float:
        return middle + unit * min(max(value, -_REACH), _REACH)

    ink: Ink = "doubt" if is_doubtful else "ink"
    band = line((x_of(-1), 0.2), (x_of(1), 0.2), (x_of(1), HEIGHT - 0.2), (x_of(-1), HEIGHT - 0.2))
    shapes: list[Shape] = [
        Outline(band, fill="band", is_closed=True),
        Outline(line((x_of(-_REACH), y), (x_of(_REACH), y)), stroke="rule", width=0.16),
        Outline(line((middle, 0.2), (middle, HEIGHT - 0.2)), stroke="rule", width=0.16),
    ]
    if bar.interval is not None:
        shapes.append(Outline(line(*((x_of(end), y) for end in bar.interval)), stroke=ink, width=0.32))
    if abs(bar.at) <= _REACH:
        shapes.append(Disc(x_of(bar.at), y, 0.66, ink))
    else:
        side = 1.0 if bar.at > 0 else -1.0
        tip = middle + side * (WIDTH / 2 - 0.1)
        arrow = line((tip, y), (tip - 1.3 * side, y - 0.75), (tip - 1.3 * side, y + 0.75))
        shapes.append(Outline(arrow, fill=ink, is_closed=True))
    return Drawing(WIDTH, HEIGHT, tuple(shapes))


def colour_bar(scale: ColourScale, *, width: float = 24.0, height: float = 1.8) -> Drawing:
    """The colours from 0 to the scale's end."""
    step = width / _STEPS
    shapes = tuple(
        Outline(
            # Each goes on to the end under the next: no seams between them.
            line((i * step, 0), (width, 0), (width, height), (i * step, height)),
            fill=scale.colour(scale.maximum * (i + 0.5) / _STEPS),
            is_closed=True,
        )
        for i in range(_STEPS)
    )
    return Drawing(width, height, shapes)
