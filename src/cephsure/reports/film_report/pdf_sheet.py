"""A sheet of A4 in PDF that is written on from the top, in mm."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from cephsure.reports.film_report.drawing import Disc, Outline
from cephsure.reports.film_report.pdf_fonts import MM, REGULAR, font, parts, width_mm

if TYPE_CHECKING:
    from cephsure.reports.film_report.drawing import Drawing, Ink, Shape, Words
    from cephsure.reports.painter import Colour

WIDTH, HEIGHT = 210.0, 297.0
_INKS: dict[Ink, Colour] = {
    "ink": (26, 29, 33),
    "quiet": (86, 95, 107),
    "rule": (201, 208, 216),
    "band": (223, 230, 238),
    "accent": (11, 92, 143),
    "doubt": (138, 75, 0),
    "paper": (255, 255, 255),
}


class Sheet:
    """Pages of a PDF document; positions are mm from the page's top left corner.

    Attributes:
        lacking: letters that no font had, so far.
    """

    def __init__(self, *, title: str, subject: str) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self._bytes = BytesIO()
        # Invariant: neither the time nor a random identifier goes into the document.
        self._canvas: Any = Canvas(
            self._bytes,
            pagesize=(WIDTH * MM, HEIGHT * MM),
            invariant=True,
            lang="en",
            initialFontName=font(REGULAR).fontName,
        )
        self._canvas.setTitle(title)
        self._canvas.setSubject(subject)
        self._canvas.setAuthor("cephsure")
        self._canvas.setCreator("cephsure")
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self.lacking: dict[str, None] = {}

    def next_page(self) -> None:
        """End a page."""
        self._canvas.showPage()

    def content(self) -> bytes:
        """End the document."""
        self._canvas.save()
        return self._bytes.getvalue()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        ink: Ink | Colour = "ink",
        *,
        bold: bool = False,
        right: bool = False,
    ) -> float:
        """Write a line on a base line, from ``x`` on or up to it; its width is given back.

        ``size`` is in points.
        """
        said, lacking = parts(text, bold=bold)
        self.lacking.update(dict.fromkeys(lacking))
        width = width_mm(text, size, bold=bold)
        written = self._canvas.beginText((x - width if right else x) * MM, (HEIGHT - y) * MM)
        written.setFillColorRGB(*_rgb(ink))
        for part in said:
            written.setFont(part.font, size)
            written.textOut(part.text)
        self._canvas.drawText(written)
        return width

    def rule(self, x: float, y: float, width: float, *, ink: Ink = "rule", thick: float = 0.15) -> None:
        """Draw a line across."""
        self._canvas.setStrokeColorRGB(*_rgb(ink))
        self._canvas.setLineWidth(thick * MM)
        self._canvas.line(x * MM, (HEIGHT - y) * MM, (x + width) * MM, (HEIGHT - y) * MM)

    def box(self, x: float, y: float, width: float, height: float, ink: Ink | Colour) -> None:
        """Fill a rectangle."""
        self._canvas.setFillColorRGB(*_rgb(ink))
        self._canvas.rect(x * MM, (HEIGHT - y - height) * MM, width * MM, height * MM, stroke=0, fill=1)

    def drawing(self, x: float, y: float, drawing: Drawing) -> None:
        """Draw a drawing with its top left corner at a place."""
        from reportlab.lib.utils import ImageReader

        canvas = self._canvas
        canvas.saveState()
        canvas.translate(x * MM, (HEIGHT - y - drawing.height) * MM)
        canvas.setLineJoin(1)
        area = canvas.beginPath()
        area.rect(0, 0, drawing.width * MM, drawing.height * MM)
        canvas.clipPath(area, stroke=0, fill=0)  # points may lie beside their film
        if drawing.picture is not None:
            picture = ImageReader(BytesIO(drawing.picture))
            canvas.drawImage(picture, 0, 0, width=drawing.width * MM, height=drawing.height * MM)
        for shape in drawing.shapes:
            self._shape(shape, drawing.height)
        canvas.restoreState()

    def _shape(self, shape: Shape, height: float) -> None:
        if isinstance(shape, Outline):
            self._outline(shape, height)
        elif isinstance(shape, Disc):
            self._paint(shape.fill, shape.stroke, shape.width)
            at = shape.x * MM, (height - shape.y) * MM
            self._canvas.circle(*at, shape.radius * MM, fill=1, stroke=int(shape.stroke is not None))
        else:
            self._words(shape, height)

    def _outline(self, shape: Outline, height: float) -> None:
        canvas = self._canvas
        path = canvas.beginPath()
        for chain in shape.chains:
            (x, y), *rest = chain.tolist()
            path.moveTo(x * MM, (height - y) * MM)
            for x, y in rest:
                path.lineTo(x * MM, (height - y) * MM)
            if shape.is_closed:
                path.close()
        self._paint(shape.fill, shape.stroke, shape.width)
        canvas.setFillAlpha(shape.opacity)
        canvas.setStrokeAlpha(shape.opacity)
        filled, drawn = int(shape.fill is not None), int(shape.stroke is not None)
        canvas.drawPath(path, fill=filled, stroke=drawn, fillMode=0)  # even-odd
        canvas.setFillAlpha(1)
        canvas.setStrokeAlpha(1)

    def _paint(self, fill: Ink | Colour | None, stroke: Ink | Colour | None, width: float) -> None:
        if fill is not None:
            self._canvas.setFillColorRGB(*_rgb(fill))
        if stroke is not None:
            self._canvas.setStrokeColorRGB(*_rgb(stroke))
            self._canvas.setLineWidth(width * MM)

    def _words(self, shape: Words, height: float) -> None:
        said, lacking = parts(shape.text)
        self.lacking.update(dict.fromkeys(lacking))
        for mode in (1, 0) if shape.halo is not None else (0,):
            written = self._canvas.beginText(shape.x * MM, (height - shape.y) * MM)
            written.setTextRenderMode(mode)
            if mode == 1:
                written.setStrokeColorRGB(*_rgb(shape.halo or "paper"))
                self._canvas.setLineWidth(0.4 * MM)
            written.setFillColorRGB(*_rgb(shape.ink))
            for part in said:
                written.setFont(part.font, shape.size * MM)
                written.textOut(part.text)
            written.setTextRenderMode(0)
            self._canvas.drawText(written)


def _rgb(ink: Ink | Colour) -> tuple[float, float, float]:
    red, green, blue = _INKS[ink] if isinstance(ink, str) else ink
    return red / 255, green / 255, blue / 255
