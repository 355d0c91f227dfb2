"""A report's drawings as SVG within HTML, in the page's own colours."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from cephsure.reports.film_report.drawing import Disc, Outline

if TYPE_CHECKING:
    from cephsure.reports.film_report.drawing import Array, Drawing, Ink, Shape, Words
    from cephsure.reports.painter import Colour


def svg(drawing: Drawing, *, label: str | None, name: str = "") -> str:
    """An SVG element of the drawing's size in mm.

    Args:
        drawing: what it shows.
        label: what it is for those who cannot see it; None where the text beside it says as much.
        name: its class.
    """
    width, height = drawing.width, drawing.height
    told = 'aria-hidden="true"' if label is None else f'role="img" aria-label="{escape(label)}"'
    size = f'viewBox="0 0 {width:.2f} {height:.2f}" width="{width:.2f}mm" height="{height:.2f}mm"'
    parts = [f'<svg class="{name}" {size} {told}>']
    if drawing.picture is not None:
        data = b64encode(drawing.picture).decode("ascii")
        parts.append(
            f'<image width="{width:.2f}" height="{height:.2f}" preserveAspectRatio="none" '
            f'href="data:image/jpeg;base64,{data}"/>'
        )
    return "".join([*parts, *map(_shape, drawing.shapes), "</svg>"])


def _shape(shape: Shape) -> str:
    if isinstance(shape, Outline):
        return _outline(shape)
    if isinstance(shape, Disc):
        stroke = _stroke(shape.stroke, shape.width)
        at = f'cx="{shape.x:.2f}" cy="{shape.y:.2f}" r="{shape.radius:.2f}"'
        return f'<circle {at} fill="{_ink(shape.fill)}"{stroke}/>'
    return _words(shape)


def _outline(shape: Outline) -> str:
    path = "".join(_chain(chain, is_closed=shape.is_closed) for chain in shape.chains)
    fill = "none" if shape.fill is None else _ink(shape.fill)
    stroke = _stroke(shape.stroke, shape.width)
    faint = "" if shape.opacity == 1 else f' opacity="{shape.opacity}"'
    return f'<path d="{path}" fill="{fill}" fill-rule="evenodd" stroke-linejoin="round"{stroke}{faint}/>'


def _stroke(ink: Ink | Colour | None, width: float) -> str:
    return "" if ink is None else f' stroke="{_ink(ink)}" stroke-width="{width}"'


def _chain(chain: Array, *, is_closed: bool) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in chain.tolist()) + ("Z" if is_closed else "")


def _words(shape: Words) -> str:
    halo = (
        ""
        if shape.halo is None
        else f' stroke="{_ink(shape.halo)}" stroke-width="0.4" stroke-linejoin="round" paint-order="stroke"'
    )
    at = f'x="{shape.x:.2f}" y="{shape.y:.2f}" font-size="{shape.size}"'
    return f'<text {at} fill="{_ink(shape.ink)}"{halo}>{escape(shape.text)}</text>'


def _ink(ink: Ink | Colour) -> str:
    return f"var(--{ink})" if isinstance(ink, str) else "#{:02x}{:02x}{:02x}".format(*ink)
