"""Points alone, in the formats in which annotation tools take them back.

Each function gives the text of one file for some films; ``folder`` is where the file will lie. What a format
cannot hold is named in docs/formats.md; a missing point is left out, or written as the format has it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.exports.output_files import film_reference, film_stem, readable_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cephsure.exports.film_points import FilmPoints, Mark

HALF_A_PIXEL = 0.5
"""Between the first pixel's corner, from which CVAT and Label Studio count, and its centre."""


def cvat(films: Sequence[FilmPoints], _folder: Path) -> str:
    """CVAT for images 1.1; films are called by their names alone, as CVAT's tasks know them."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    for number, film in enumerate(films):
        width, height = film.size_px
        name = quoteattr(film_reference(film.path, _folder).rpartition("/")[2])
        lines.append(f'  <image id="{number}" name={name} width="{width}" height="{height}">')
        lines += [f"    <!-- {_comment(said)} -->" for said in _said(film)]
        lines += [
            f'    <points label={quoteattr(mark.code)} source="file" occluded="0" '
            f'points="{x + HALF_A_PIXEL:.4f},{y + HALF_A_PIXEL:.4f}" z_order="0"></points>'
            for mark, x, y in _known(film)
        ]
        lines.append("  </image>")
    return "\n".join([*lines, "</annotations>", ""])


def label_studio(films: Sequence[FilmPoints], folder: Path) -> str:
    """Label Studio's JSON, a task a film: KeyPointLabels are called landmark there, the image image."""
    return json.dumps([_task(film, folder) for film in films], ensure_ascii=False, indent=1) + "\n"


def _task(film: FilmPoints, folder: Path) -> dict[str, Any]:
    width, height = film.size_px
    results = [
        {
            "id": f"landmark-{mark.number}",
            "type": "keypointlabels",
            "from_name": "landmark",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "x": (x + HALF_A_PIXEL) / width * 100,
                "y": (y + HALF_A_PIXEL) / height * 100,
                "width": 0.2,
                "keypointlabels": [mark.code],
            },
            "meta": {"text": [mark.said]} if mark.said else {},
        }
        for mark, x, y in _known(film)
    ]
    data = {"image": film_reference(film.path, folder)} | ({"about": film.said} if film.said else {})
    return {"data": data, "annotations": [{"result": results}]}


def tps(films: Sequence[FilmPoints], folder: Path) -> str:
    """tpsDig: y from the lower edge; a missing point is -1 -1."""
    lines = []
    for film in films:
        lines.append(f"LM={len(film.marks)}")
        for mark in film.marks:
            x, y = mark.at_px or (-1.0, float(film.size_px[1]))
            lines.append(f"{x:.4f} {film.size_px[1] - 1 - y:.4f}")
        lines += [f"IMAGE={film_reference(film.path, folder)}", f"ID={film_stem(film.path)}"]
        lines += [f"COMMENT={' '.join(said.split())}" for said in _said(film)]
    return "\n".join([*lines, ""])


def labelme(films: Sequence[FilmPoints], folder: Path) -> str:
    """labelme: one film; labels are codes."""
    (film,) = films
    shapes: list[dict[str, Any]] = [
        {"label": mark.code, "points": [[x, y]], "group_id": None, "shape_type": "point", "flags": {}}
        for mark, x, y in _known(film)
    ]
    reference, (width, height) = film_reference(film.path, folder), film.size_px
    return readable_json(
        {
            "version": "5.0.1",
            "flags": {},
            "shapes": shapes,
            "imagePath": reference,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
    )


def coco(films: Sequence[FilmPoints], folder: Path) -> str:
    """COCO key points, as CVAT reads them too; the films are of one landmark set."""
    images = [
        {"id": k, "file_name": film_reference(film.path, folder), "width": w, "height": h}
        for k, (film, (w, h)) in enumerate(((film, film.size_px) for film in films), start=1)
    ]
    annotations = []
    for number, film in enumerate(films, start=1):
        values = [value for mark in film.marks for value in (*(mark.at_px or (0, 0)), 2 if mark.at_px else 0)]
        xs, ys = zip(*[(x, y) for _, x, y in _known(film)] or [(0.0, 0.0)], strict=True)
        box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": box,
                "area": box[2] * box[3],
                "num_keypoints": len(_known(film)),
                "keypoints": values,
            }
        )
    codes = [mark.code for mark in films[0].marks] if films else []
    head = {"id": 1, "name": "head", "supercategory": "cephalogram", "keypoints": codes, "skeleton": []}
    return readable_json({"images": images, "annotations": annotations, "categories": [head]})


def slicer(films: Sequence[FilmPoints], _folder: Path) -> str:
    """A point list of 3D Slicer: one film, in mm where its scale is known; it does not name its film."""
    (film,) = films
    scale = film.mm_per_px
    said = "positions are in pixels"
    if scale is not None:
        said = f"Positions are in mm and fit a film with an image spacing of {scale[0]!r} x {scale[1]!r} mm"
    points = [
        {
            "label": mark.code,
            "position": [x * (scale or (1, 1))[0], y * (scale or (1, 1))[1], 0.0],
            "positionStatus": "defined",
        }
        for mark, x, y in _known(film)
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "description": said,
        "controlPoints": points,
    }
    return readable_json({"markups": [markup]})


def table(films: Sequence[FilmPoints], folder: Path) -> str:
    """CSV, one row a landmark."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["image", "landmark", "x", "y"])
    for film in films:
        for mark in film.marks:
            at = ("", "") if mark.at_px is None else (f"{mark.at_px[0]:.4f}", f"{mark.at_px[1]:.4f}")
            rows.writerow([film_reference(film.path, folder), mark.code, *at])
    return text.getvalue()


WRITERS: dict[str, Callable[[Sequence[FilmPoints], Path], str]] = {
    "labelme": labelme,
    "coco": coco,
    "cvat": cvat,
    "label-studio": label_studio,
    "slicer": slicer,
    "csv": table,
    "tps": tps,
}
"""By the format's name, as ``--format`` of the readers has it."""

ONE_FILM = ("labelme", "slicer")
"""Formats of one film a file."""


def write_points(films: Sequence[FilmPoints], fmt: str, path: Path) -> Path:
    """Write points of films into one file, at once and whole.

    Raises:
        InputError: the format is unknown, or has one film a file and there are several.
    """
    if fmt not in WRITERS:
        raise InputError(f"points are not written as {fmt!r}", remedy=f"known: {', '.join(WRITERS)}")
    if fmt in ONE_FILM and len(films) != 1:
        raise InputError(f"format {fmt!r} has one film a file", where=path)
    return write_atomically(path, WRITERS[fmt](films, path.parent).encode("utf-8"))


def _said(film: FilmPoints) -> list[str]:
    """What a prediction says of its film, and of each landmark."""
    return [line for line in (film.said, *(mark.said for mark in film.marks)) if line]


def _comment(text: str) -> str:
    """A text that may stand in a comment of XML."""
    return re.sub("-(?=-)", "- ", text).rstrip("-")


def _known(film: FilmPoints) -> list[tuple[Mark, float, float]]:
    """The marks that are not missing, with their positions."""
    return [(mark, *mark.at_px) for mark in film.marks if mark.at_px is not None]
