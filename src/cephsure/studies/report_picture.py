"""A result's figure as HTML, its file inlined: curves as SVG, films and what is too large as PNG or JPEG."""

from __future__ import annotations

import io
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from cephsure.studies.result import DrawnFigure

_MOST_SVG_BYTES = 400_000
# A film's grain costs a PNG much and a reader nothing.
_LARGE_PNG_BYTES = 300_000
_JPEG_QUALITY = 90
_CSS_PX_PER_INCH = 96
_USUAL_DPI = 100
_WIDE_CSS_PX = 640


def picture_html(figure: DrawnFigure, *, title: str) -> str:
    """A figure with its caption.

    Args:
        figure: from a result.
        title: what stands before its caption, such as "Figure 2.1".

    Returns:
        HTML without a reference to any other file.
    """
    kind, content = inlined(figure)
    width, height = _size(figure)
    alt = f"{title}: {figure.alt}" if figure.alt else title
    classes = "wide" if width > _WIDE_CSS_PX else ""
    return (
        f'<figure class="{classes}">\n'
        f'<div class="picture" role="region" aria-label="{escape(title)}" tabindex="0">'
        f'<img src="data:{kind};base64,{b64encode(content).decode()}" alt="{escape(alt)}" '
        f'width="{width}" height="{height}" style="--wide: {width}px"></div>\n'
        f"<figcaption><b>{escape(title)}.</b> {escape(figure.caption)}</figcaption>\n</figure>\n"
    )


def inlined(figure: DrawnFigure) -> tuple[str, bytes]:
    """The file to inline and its media type."""
    svg, png = figure.files["svg"], figure.files["png"]
    holds_pixels = b"<image" in svg
    if not holds_pixels and len(svg) <= _MOST_SVG_BYTES:
        return "image/svg+xml", svg
    if holds_pixels and len(png) > _LARGE_PNG_BYTES:
        jpeg = _jpeg(png)
        if len(jpeg) < len(png):
            return "image/jpeg", jpeg
    return "image/png", png


def _jpeg(png: bytes) -> bytes:
    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        # Full colour resolution: the marks on a film are thin and coloured.
        image.convert("RGB").save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def _size(figure: DrawnFigure) -> tuple[int, int]:
    """(width, height) in CSS pixels, as it was drawn."""
    with Image.open(io.BytesIO(figure.files["png"])) as image:
        scale = _CSS_PX_PER_INCH / image.info.get("dpi", (_USUAL_DPI,))[0]
        return round(image.width * scale), round(image.height * scale)
