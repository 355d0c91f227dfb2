"""The project of VGG Image Annotator 3: files, attributes, views, and metadata with shapes and values.

Its format: https://gitlab.com/vgg/via/-/blob/master/via-3.x.y/CodeDoc.md. A view shows files; metadata belong
to a view (``vid``), have a shape (``xy``: its kind, then numbers) and values by attribute (``av``). A choice
is the key of one of the attribute's options. Only points on images are read. Pixels count as in VIA 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.datasets.json_files import JsonObject
from cephsure.datasets.label_file import HALF_A_PIXEL
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.datasets.label_file import LabelFile

_IMAGE, _POINT, _TEXT = 2, 1, 1
_KINDS = {2: "rectangle", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline", 7: "polygon"}


def add_via_3(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add a project's points; `AnnotationError` if it is malformed."""
    document, annotator = file.document, file.stem
    films = _films(document, builder)
    for path in films.values():
        builder.add_film(path, annotator=annotator, where=file.path)
    attributes = document.member("attribute").content
    others: dict[str, int] = {}

    def add(mark: JsonObject) -> None:
        shape = mark.items("xy")
        if not shape:  # what is said of a whole film
            return
        path = films.get(str(mark.identifier("vid")))
        if path is None:
            raise mark.error("vid", "is no view of one image")
        if shape[0] != _POINT:
            kind = _KINDS.get(shape[0], "other shape") if isinstance(shape[0], int) else "other shape"
            others[kind] = others.get(kind, 0) + 1
            return
        if len(shape) != 3:
            raise mark.error("xy", "a point must be [1, x, y]")
        x, y = (mark.number(value, f"xy[{place}]") for place, value in enumerate(shape[1:], start=1))
        builder.add_mark(path, annotator, _label(mark, attributes), x - HALF_A_PIXEL, y - HALF_A_PIXEL)

    marks = {"metadata": list(document.member("metadata").content.values())}
    builder.each("region", JsonObject(file.path, "", marks), "metadata", add)
    if others:
        what = ", ".join(f"{kind} ({count})" for kind, count in sorted(others.items()))
        builder.problems.append(f"{file.path.name}: shapes that are no points, left out: {what}")


def _films(document: JsonObject, builder: DatasetBuilder) -> dict[str, Path]:
    """The film of each view that shows one image."""
    files, films = document.member("file"), {}
    for view, shown in document.member("view").content.items():
        listed = shown.get("fid_list") if isinstance(shown, dict) else None
        if not isinstance(listed, list) or len(listed) != 1:
            continue
        try:
            file = files.member(str(listed[0]))
            if file.content.get("type", _IMAGE) == _IMAGE:
                source = file.content.get("src")
                name = file.text("fname") if not isinstance(source, str) or not source else source
                # A film that was given from the computer lies in the file itself, without its pixels.
                name = file.text("fname") if name.startswith(("data:", "blob:")) else name
                films[view] = builder.film(name, document.path.parent)
        except AnnotationError as error:
            builder.problems.append(f"{error}; passed over")
    return films


def _label(mark: JsonObject, attributes: dict[str, Any]) -> str:
    """The value of the point's only attribute, an option's text where it is a choice."""
    values = {
        key: str(value).strip() for key, value in mark.member("av").content.items() if str(value).strip()
    }
    if len(values) != 1:
        raise mark.error("av", "must be one attribute with the landmark's name")
    ((key, value),) = values.items()
    attribute = attributes.get(key)
    options = attribute.get("options") if isinstance(attribute, dict) else None
    if isinstance(options, dict) and attribute is not None and attribute.get("type") != _TEXT:
        return str(options.get(value, value))
    return value
