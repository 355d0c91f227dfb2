"""The page on which a reader says how they mark: one HTML file that needs no other file and no network."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from html import escape
from importlib import resources
from pathlib import PurePath
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.reports.overlay import softened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.reports.reader_questions import Question
    from cephsure.uncertainty.readers.reader import Reader

    Array = NDArray[np.float64]

BETWEEN = "between"
SIDE = 640
"""Side of a landmark's picture, in its own px."""

_OF_HEAD, _LEAST_OF_HEAD = 0.45, 0.25
"""Share of the head's span that a picture shows; less where the marks would touch, at least the second."""

_LEAST_OF_WAY, _MOST_OF_WAY = 7.0, 32.0
"""A picture shows so many times the way between the places."""

_SOFT_TISSUE_GAMMA = 0.6
"""Skin is faint beside bone: it is shown brighter."""

_LEADER, _FAN = 62.0, 0.8
_QUALITY = 88
_SHAPES = (
    '<circle class="{c}" cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>',
    '<rect class="{c}" x="{left:.1f}" y="{top:.1f}" width="{w:g}" height="{w:g}"/>',
)


def reader_page(
    asked: Sequence[Question],
    film_pixels: NDArray[np.float32],
    *,
    span_px: float,
    profile: Callable[[Mapping[int, str]], Reader],
    answered: Mapping[int, str],
    of: str,
    command: Sequence[str],
    credit: str = "",
) -> str:
    """The page as an HTML document.

    Args:
        asked: the landmarks, at least one.
        film_pixels: (H, W) in [0, 1], of the film that the questions are of.
        span_px: size of the head on it.
        profile: gives the reader of some answers, by the landmarks' numbers; its name is proposed.
        answered: answers that are chosen when the page is opened.
        of: the annotators' data set.
        command: the command that writes the same file, without name and answers; it ends with the file.
        credit: the film's, shown with it.
    """
    usual, file_name = profile({}), PurePath(command[-1]).name
    # The page only picks: whatever stands in a reader's file is computed here.
    given = {
        "reader": usual.model_dump(mode="json"),
        "choices": {question.landmark.number: _choices(question, profile) for question in asked},
        "codes": {question.landmark.number: question.landmark.code for question in asked},
        "command": list(command),
        "file": file_name,
    }
    cards = [
        _card(question, film_pixels, span_px=span_px, chosen=answered.get(question.landmark.number, ""))
        for question in asked
    ]
    template = resources.files("cephsure.reports") / "reader_page.html"
    return Template(template.read_text("utf-8")).substitute(
        model=escape(usual.model),
        first=escape(asked[0].answers[0]),
        second=escape(asked[0].answers[1]),
        of=escape(of),
        count=len(asked),
        cards="\n".join(cards),
        film=escape(
            f"Sample film: {credit}."
            if credit
            else "The film is your own: keep this page as you keep the film."
        ),
        name=escape(usual.name, quote=True),
        file=escape(file_name),
        # "</script>" in a name would end the data.
        given=json.dumps(given, allow_nan=False).replace("<", "\\u003c"),
    )


def _choices(question: Question, profile: Callable[[Mapping[int, str]], Reader]) -> dict[str, dict[str, Any]]:
    """By each answer, what a reader's file says of the landmark then."""
    number = question.landmark.number
    choices = {}
    for answer in (*question.answers, BETWEEN):
        reader = profile({number: answer})
        choices[answer] = reader.landmarks[reader.numbers.index(number)].model_dump(mode="json")
    return choices


def _card(question: Question, film_pixels: NDArray[np.float32], *, span_px: float, chosen: str) -> str:
    """One landmark: its picture, its definition and what can be answered."""
    mark, key = question.landmark, f"landmark-{question.landmark.number}"
    options = [
        (answer, f"{_badge(place)}Place {place + 1}, as {escape(answer)} marks", f"{way}.")
        for place, (answer, way) in enumerate(zip(question.answers, question.ways, strict=True))
    ]
    options += [
        (BETWEEN, "Between", "about halfway from one to the other."),
        ("", "No answer", f"points are put as for a reader not met before: {question.usual}."),
    ]
    radios = "\n".join(
        f'<label><input type="radio" name="{key}" value="{escape(answer, quote=True)}"'
        f"{' checked' if answer == chosen else ''}><span><b>{head}:</b> {escape(words)}</span></label>"
        for answer, head, words in options
    )
    known = f"{question.answers[0]} and {question.answers[1]} usually mark {question.apart_mm:.1f} mm apart."
    if question.evidence:
        known += f" {question.evidence}. (-1 is place 1, +1 is place 2.)"
    return (
        f'<fieldset class="card" id="{key}" aria-describedby="{key}-definition">\n'
        f"<legend>{escape(mark.name)} <span>{escape(mark.code)}</span></legend>\n"
        f'{_picture(question, film_pixels, span_px=span_px)}\n<div class="side">\n'
        f'<p id="{key}-definition"><em>Written definition.</em> {escape(mark.definition)}</p>\n'
        f'<div class="options">\n{radios}\n</div>\n'
        f"<details><summary>What is known of readers</summary><p>{escape(known)}</p></details>\n"
        "</div>\n</fieldset>"
    )


def _badge(place: int) -> str:
    """A place's mark as it stands beside words."""
    inner = _shape(place, np.array([12.0, 12.0]), 10.0, f"badge p{place + 1}")
    number = f'<text class="number" x="12" y="17.5">{place + 1}</text>'
    return f'<svg class="key" viewBox="0 0 24 24" aria-hidden="true">{inner}{number}</svg>'


def _shape(place: int, centre: Array, radius: float, css: str) -> str:
    """A circle for place 1, a square for place 2."""
    x, y = (float(value) for value in centre)
    values: dict[str, Any] = {"c": css, "x": x, "y": y, "r": radius}
    return _SHAPES[place].format(left=x - radius, top=y - radius, w=2 * radius, **values)


def _picture(question: Question, film_pixels: NDArray[np.float32], *, span_px: float) -> str:
    """The film round a landmark, with both places."""
    places = question.places_px
    way = places[1] - places[0]
    length = float(np.hypot(*way))
    side = float(np.clip(_MOST_OF_WAY * length, _LEAST_OF_HEAD * span_px, _OF_HEAD * span_px))
    corner, cut = cut_out(film_pixels, places.mean(axis=0), max(side, _LEAST_OF_WAY * length))
    if question.landmark.tissue == "soft":
        cut = cut**_SOFT_TISSUE_GAMMA
    points = (places + 0.5 - corner) * (SIDE / len(cut))
    jpeg = io.BytesIO()
    softened(cut, (SIDE, SIDE)).convert("L").save(jpeg, "JPEG", quality=_QUALITY)
    along = way / length if length > 0 else np.array([0.0, 1.0])
    # To the front: there skin ends, and the lines cover nothing.
    across = np.array([along[1], -along[0]]) * (1.0 if (along[1] < 0) == question.faces_left else -1.0)
    marks = "".join(
        _place(place, point, across + (_FAN if place else -_FAN) * along)
        for place, point in enumerate(points)
    )
    ways = "; ".join(f"place {k}: {way}" for k, way in enumerate(question.ways, start=1))
    words = escape(f"Part of the film with both places of {question.landmark.name}. {ways}", quote=True)
    source = f"data:image/jpeg;base64,{b64encode(jpeg.getvalue()).decode()}"
    return (
        f'<svg class="film" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{words}">'
        f'<image width="{SIDE}" height="{SIDE}" href="{source}"/>{marks}</svg>'
    )


def _place(place: int, point: Array, direction: Array) -> str:
    """A place's mark: small on the spot, its number at the end of a line beside it."""
    away = direction / np.hypot(*direction)
    start, end = point + 9 * away, point + _LEADER * away
    line = 'x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*start, *end)
    colour = f"p{place + 1}"
    return (
        f'<line class="halo" {line}<line class="leader {colour}" {line}'
        f"{_shape(place, point, 7, 'halo')}{_shape(place, point, 7, f'spot {colour}')}"
        f"{_shape(place, end, 19, f'badge {colour}')}"
        f'<text class="number" x="{end[0]:.1f}" y="{end[1] + 9.5:.1f}">{place + 1}</text>'
    )


def cut_out(
    film_pixels: NDArray[np.float32], centre_px: Array, side_px: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """A square of a film round a position, moved or made smaller where it would reach beyond the film.

    Returns:
        The (x, y) of the square's first pixel on the film, and its pixels (S, S).
    """
    size = np.array(film_pixels.shape[::-1])
    side = int(np.clip(round(side_px), 1, size.min()))
    corner = np.clip(np.floor(centre_px + 0.5 - side / 2), 0, size - side).astype(np.int64)
    x, y = corner.tolist()
    return corner, film_pixels[y : y + side, x : x + side]
