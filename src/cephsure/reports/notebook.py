"""A prediction as a notebook shows it: the verdict, the film with its landmarks, and a table, in HTML."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.films import read
from cephsure.reports.overlay import draw_overlay
from cephsure.uncertainty.prediction_table import (
    NO_SCALE,
    NONE,
    PLUS_MINUS,
    expected_error,
    film_line,
    film_name,
    model_line,
    verdict_line,
)

if TYPE_CHECKING:
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction

WIDEST_PX = 900
_HEADINGS = ("code", "name", "x px", "y px", "± mm", "verdict", "why")
_FIGURES = {"x px", "y px", "± mm"}


def prediction_html(prediction: Prediction) -> str:
    """A prediction as a piece of HTML that needs no other file.

    On top what the film is, its verdict with the reason, and what is promised; then the film with its
    landmarks, where its file can still be read; a row a landmark, with the calibrated expected error or a
    dash; and the disclaimer. Colours are the notebook's own, so that it is read on dark ground too.
    """
    film = prediction.film
    top = [
        f"<b>{escape(film_name(film))}</b><br>{escape(film_line(film))}",
        f"<b>{escape(verdict_line(prediction))}</b>",
        escape(prediction.promise),
    ]
    if film.mm_per_px is None:
        top.append(escape(NO_SCALE))
    below = [PLUS_MINUS] if any(mark.expected_error_mm is not None for mark in prediction.landmarks) else []
    below += [f"note: {note}" for note in film.notes]
    below += [model_line(prediction), prediction.disclaimer]
    parts = [f"<p>{text}</p>" for text in top]
    parts += [_picture(prediction), _table(prediction.landmarks)]
    parts.append(f"<p><small>{'<br>'.join(map(escape, below))}</small></p>")
    start = f'<div class="cephsure" style="max-width:{WIDEST_PX}px">'
    return "\n".join([start, *filter(None, parts), "</div>"])


def _picture(prediction: Prediction) -> str:
    """The overlay as an image within the HTML; empty where the film's file cannot be read, or is another."""
    film = prediction.film
    if film.path is None:
        return ""
    try:
        pixels = read(film.path).pixels
        overlay = draw_overlay(pixels, prediction, width_px=min(film.width_px, WIDEST_PX))
    except (InputError, OSError):
        return ""
    png = BytesIO()
    overlay.save(png, format="PNG")
    data = b64encode(png.getvalue()).decode("ascii")
    return f'<img alt="{escape(_alt(film))}" style="max-width:100%" src="data:image/png;base64,{data}">'


def _alt(film: FilmInfo) -> str:
    return f"{film_name(film)} with its landmarks"


def _table(marks: tuple[LandmarkPrediction, ...]) -> str:
    heads = "".join(f'<th scope="col"{_style(name)}>{name}</th>' for name in _HEADINGS)
    rows = [f"<tr>{heads}</tr>", *map(_row, marks)]
    return "\n".join(["<table>", *rows, "</table>"])


def _row(mark: LandmarkPrediction) -> str:
    cells = (
        *(mark.code, mark.name, f"{mark.x_px:.1f}", f"{mark.y_px:.1f}", expected_error(mark)),
        mark.verdict or NONE,
        "; ".join(filter(None, (mark.why, mark.note))),
    )
    return "<tr>" + "".join(map(_cell, _HEADINGS, cells)) + "</tr>"


def _cell(heading: str, text: str) -> str:
    return f"<td{_style(heading)}>{escape(text)}</td>"


def _style(heading: str) -> str:
    """Figures to the right, words to the left, whatever the notebook's own style."""
    return f' style="padding:0 1em 0 0;text-align:{"right" if heading in _FIGURES else "left"}"'
