"""Label Studio's exports: JSON (all that it knows of each task) and JSON-MIN.

Pixel convention: positions are percentages of the film's width and height, so that the first pixel's middle
is half a pixel from 0: x = percent / 100 * width - 0.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cephsure.datasets.json_files import JsonObject
from cephsure.datasets.label_file import HALF_A_PIXEL, LabelFile, LabelFormat
from cephsure.films.third_party import printable
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.datasets.builder import DatasetBuilder

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_KINDS = ("keypointlabels", "keypoint")


def looks_like_label_studio(file: LabelFile) -> bool:
    """Whether a file is a list of tasks."""
    tasks = _tasks(file)
    if not tasks or not isinstance(tasks[0], dict):
        return False
    first = tasks[0]
    if isinstance(first.get("data"), dict):
        return isinstance(first.get("annotations", first.get("completions")), list)
    if not isinstance(file.value, list):
        return False
    return "annotation_id" in first or any(_is_min_result(value) for value in first.values())


def add_label_studio(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    if not isinstance(file.value, list | dict):
        raise file.error("must be a list of tasks")
    document = JsonObject(file.path, "", {"tasks": _tasks(file)})
    reading = _Reading(file, builder, _several_people(_tasks(file)))
    builder.each("task", document, "tasks", reading.add_task)
    for count, what in ((reading.cancelled, "cancelled annotations"), (reading.predicted, "predictions")):
        if count:
            builder.problems.append(f"{file.path.name}: {what} are not read: {count}")


def _tasks(file: LabelFile) -> list[Any]:
    """The tasks of a file: a list of them, or a single one."""
    return file.value if isinstance(file.value, list) else [file.value]


@dataclass(slots=True)
class _Reading:
    """One file while it is read; where several people annotated, each has a name of the own."""

    file: LabelFile
    builder: DatasetBuilder
    several: bool
    cancelled: int = 0
    predicted: int = 0

    def add_task(self, task: JsonObject) -> None:
        content = task.content
        if not isinstance(content.get("data"), dict):
            results = [value for value in content.values() if _is_min_result(value)]
            places = [
                {"type": _KINDS[0], **one, "value": one} if isinstance(one, dict) else one
                for result in results
                for one in result
            ]
            self._add(
                _film(task, self.file.path.parent, self.builder), content.get("annotator"), task, places
            )
            return
        key = "annotations" if "annotations" in content else "completions"
        film = _film(task, self.file.path.parent, self.builder)
        predictions = content.get("predictions")
        self.predicted += len(predictions) if isinstance(predictions, list) else 0
        for annotation in task.objects(key):
            if annotation.content.get("was_cancelled"):
                self.cancelled += 1
                continue
            self._add(film, annotation.content.get("completed_by"), annotation, annotation.items("result"))

    def _add(self, film: Path, who: Any, place: JsonObject, results: list[Any]) -> None:
        annotator = self._name(who)
        self.builder.add_film(film, annotator=annotator, where=self.file.path)
        holder = JsonObject(place.path, place.place, {"result": results})
        labels = {
            str(one.content.get("id")): one.content["value"]
            for one in _dictionaries(holder)
            if one.content.get("type") == "labels" and isinstance(one.content.get("value"), dict)
        }

        def add(result: JsonObject) -> None:
            if result.content.get("type") not in _KINDS:
                return
            value = result.member("value")
            named = value.content.get("keypointlabels") or labels.get(str(result.content.get("id")), {}).get(
                "labels"
            )
            if not isinstance(named, list) or len(named) != 1 or not isinstance(named[0], str):
                raise value.error("keypointlabels", "must be one label")
            self.builder.add_mark(film, annotator, named[0], *_position(result, value))
            size_px = result.size("original_width", "original_height")
            self.builder.add_film(film, size_px=size_px, where=self.file.path)

        self.builder.each("key point", holder, "result", add)

    def _name(self, who: Any) -> str:
        """Who annotated: an address or a number where there were several."""
        if not self.several or who is None:
            return self.file.stem
        if isinstance(who, dict):
            who = who.get("email") or who.get("username") or who.get("id")
        return printable(str(who), longest=100) if isinstance(who, str) else f"annotator {who}"


def _position(result: JsonObject, value: JsonObject) -> tuple[float, float]:
    """A key point's position in px, counted from the first pixel's centre."""
    turned = result.content.get("image_rotation") or 0
    if turned:
        raise result.error(
            "image_rotation", f"the film was turned by {str(turned)[:10]} degrees; turn it back"
        )
    size_px = result.size("original_width", "original_height")
    if size_px is None:
        raise result.error("original_width", "is missing: percentages say nothing without it")
    x, y = (
        value.number(value.content.get(axis), axis) / 100 * side - HALF_A_PIXEL
        for axis, side in zip("xy", size_px, strict=True)
    )
    return x, y


def _film(task: JsonObject, folder: Path, builder: DatasetBuilder) -> Path:
    """The film of a task: uploaded ones have a code before their name, which the file at home has not."""
    data = task.content.get("data")
    data = data if isinstance(data, dict) else task.content
    texts = [str(value) for key, value in data.items() if isinstance(value, str) and key in ("image", "img")]
    texts += [
        str(value) for value in data.values() if isinstance(value, str) and re.search(r"\.\w{2,5}$", value)
    ]
    if not texts:
        raise task.error("data", "names no image")
    reference = texts[0]
    parts = urlsplit(reference.replace("\\", "/")) if "?" in reference else None
    if parts is not None and (inner := parse_qs(parts.query).get("d")):
        reference = inner[0]
    uploaded = str(task.content.get("file_upload") or PurePosixPath(reference).name)
    names = [reference, uploaded, PurePosixPath(reference).name]
    names += [_UPLOADED.sub("", PurePosixPath(name).name) for name in names]
    for name in dict.fromkeys(names):
        path = builder.film(name, folder)
        if is_file(path):
            return path
    return builder.film(names[-1], folder)


def _is_min_result(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and _KINDS[0] in value[0]


def _several_people(tasks: list[Any]) -> bool:
    people = set()
    for task in tasks:
        if isinstance(task, dict):
            found = task.get("annotations", task.get("completions"))
            people |= (
                {str(one.get("completed_by")) for one in found or () if isinstance(one, dict)}
                if isinstance(found, list)
                else {str(task.get("annotator"))}
            )
    return len(people) > 1


def _dictionaries(holder: JsonObject) -> Iterator[JsonObject]:
    for index, value in enumerate(holder.items("result")):
        if isinstance(value, dict):
            yield holder.object_at("result", index)


LABEL_STUDIO = LabelFormat(
    name="label-studio",
    title="Label Studio export",
    suffixes=(".json",),
    looks_like=looks_like_label_studio,
    add=add_label_studio,
    writes="label-studio",
)
