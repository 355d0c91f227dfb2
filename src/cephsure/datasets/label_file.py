"""A label file, read once; what is read of every format; and the reading of a folder of such files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.datasets.builder import DatasetBuilder
from cephsure.datasets.json_files import DUPLICATES, JsonObject, read_json, read_text
from cephsure.errors import AnnotationError, InputError
from cephsure.films.third_party import printable
from cephsure.text_files import is_file, is_folder, is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.films import Spacing
    from cephsure.landmarks import LabelKind, LandmarkSet

ANNOTATOR_PREFIXES = ("labelme_", "400_")
"""Before the annotator's name in the name of a folder."""

HALF_A_PIXEL = 0.5
"""Between the first pixel's corner, from which some tools count, and its centre, from which we do."""

_SHOWN = 5


class LabelFile:
    """A file that may hold labels; its content is read when it is first asked for, and kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suffix = path.suffix.lower()

    @cached_property
    def text(self) -> str:
        """The file's text; `AnnotationError` if it has none."""
        return read_text(self.path)

    @cached_property
    def value(self) -> Any:
        """The JSON value; `AnnotationError` if it is none."""
        return read_json(self.path)

    @property
    def document(self) -> JsonObject:
        """The JSON object; `AnnotationError` if it is none."""
        if not isinstance(self.value, dict):
            raise AnnotationError("document: must be an object", where=self.path)
        return JsonObject(self.path, "", self.value)

    @property
    def keys(self) -> set[str]:
        """The keys of the JSON object; none where it is no object."""
        return set(self.value) if isinstance(self.value, dict) else set()

    @property
    def stem(self) -> str:
        """The file's name without the suffixes of label files."""
        name = self.path.name
        for _ in range(2):
            head, dot, tail = name.rpartition(".")
            if head and dot and tail.lower() in _LABEL_SUFFIXES:
                name = head
        return name

    @property
    def folder_name(self) -> str:
        """The folder's name without what stands before an annotator's: who marked, if nothing says it."""
        name = self.path.resolve().parent.name
        for prefix in ANNOTATOR_PREFIXES:
            name = name.removeprefix(prefix)
        return printable(name) or self.stem

    def forget(self) -> None:
        """Free the memory that the content takes."""
        for name in ("text", "value"):
            self.__dict__.pop(name, None)

    def error(self, what: str, *, line: int | None = None) -> AnnotationError:
        """An error about this file."""
        return AnnotationError(what, where=self.path if line is None else f"{self.path}:{line}")


_LABEL_SUFFIXES = frozenset(
    {
        "json",
        "csv",
        "tsv",
        "txt",
        "xlsx",
        "xml",
        "tps",
        "fcsv",
        "mrk",
        "coco",
        "labelme",
        "cvat",
        "label-studio",
        "pts",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFormat:
    """A format of label files.

    Attributes:
        name: as ``--format`` takes it.
        title: what it is, for people.
        suffixes: of its files, in small letters.
        looks_like: whether a file is of this format; it may raise `AnnotationError` where it cannot be read.
        add: adds a file's points to a builder; `AnnotationError` where it is malformed.
        writes: the exporter that writes it, where there is one.
        find: the files of a data set at a path, where they lie as `label_files` does not look for them.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    looks_like: Callable[[LabelFile], bool]
    add: Callable[[LabelFile, DatasetBuilder], None]
    writes: str | None = None
    find: Callable[[Path], list[LabelFile]] | None = None

    def files(self, path: Path) -> list[LabelFile]:
        """The files at a path that may be of this format."""
        return list(label_files(path, self.suffixes)) if self.find is None else self.find(path)

    def is_of(self, file: LabelFile) -> bool:
        """Whether a file is of this format."""
        if file.suffix not in self.suffixes:
            return False
        try:
            return self.looks_like(file)
        except AnnotationError:
            return False


def read_format(
    label_format: LabelFormat,
    path: str | Path,
    *,
    landmark_set: LandmarkSet,
    spacing: Spacing | None = None,
    images: Path | None = None,
    labels: LabelKind = "auto",
) -> Dataset:
    """Read a data set of one format.

    Args:
        label_format: its format.
        path: a label file, or a folder whose files of this format are read: in it, else in its folders.
        landmark_set: what the points are.
        spacing: the scale of all films.
        images: a folder where films are looked for as well.
        labels: how a label is read that is a name and a number.

    Raises:
        InputError: there is no such file, no film is left, or labels are unclear or unknown.
        AnnotationError: the files, or most entries in them, are malformed; names file and place.
    """
    path = Path(path)
    root = path if is_folder(path) else path.parent
    builder = DatasetBuilder(
        root=root,
        landmark_set=landmark_set,
        images=images,
        labels=labels,
        mm_per_px=_user_scale(spacing),
        source=path,
    )
    add_files(label_format, path, builder)
    # The folder's name, not that of a link's target.
    name = path.resolve().name if is_folder(path) else LabelFile(path).stem
    return builder.build(name=printable(name), spacing=spacing)


def _user_scale(spacing: Spacing | None) -> tuple[float, float] | None:
    return None if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px)


def add_files(label_format: LabelFormat, path: Path, builder: DatasetBuilder) -> None:
    """Add all files of one format at a path; files of others are passed over and named.

    Raises:
        InputError: there is none.
    """
    files = label_format.files(path)
    if not files:
        suffixes = ", ".join(f"*{suffix}" for suffix in label_format.suffixes)
        raise InputError(f"holds no {label_format.title} ({suffixes})", where=path)
    foreign = []
    for file in files:
        if path != file.path and not _may_be(label_format, file):
            foreign.append(file.path.name)
            file.forget()
            continue
        with builder.entry("file"):
            label_format.add(file, builder)
        file.forget()
    if foreign:
        names = ", ".join(printable(name) for name in foreign[:_SHOWN])
        more = ", ..." if len(foreign) > _SHOWN else ""
        builder.problems.append(f"{names}{more}: no {label_format.title}; passed over")
    if len(foreign) == len(files):
        raise InputError(f"holds no {label_format.title}", where=path, remedy="; ".join(builder.problems))


def _may_be(label_format: LabelFormat, file: LabelFile) -> bool:
    """Whether a file is of a format, or cannot be read at all: then it is named as damaged."""
    try:
        return label_format.looks_like(file)
    except AnnotationError:
        return True


def label_files(path: Path, suffixes: tuple[str, ...]) -> Iterator[LabelFile]:
    """The label files at a path in alphabetical order: itself; or those in a folder, else in its folders."""
    if not is_folder(path):
        if is_there(path):
            yield LabelFile(path)
        return
    inner = [folder for folder in _entries(path) if is_folder(folder)]
    named = [folder for folder in inner if folder.name.startswith(ANNOTATOR_PREFIXES)]
    for folders in (named, [path], inner):
        found = [
            file
            for folder in folders
            for file in _entries(folder)
            if file.suffix.lower() in suffixes and file.name != DUPLICATES and is_file(file)
        ]
        if found:
            yield from map(LabelFile, found)
            return


def _entries(folder: Path) -> list[Path]:
    try:
        # "~$" are what spreadsheet programs leave beside an open file.
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "~$")))
    except OSError as error:
        raise InputError(f"cannot be listed: {error.strerror}", where=folder) from error
