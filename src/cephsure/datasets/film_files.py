"""Which film file an annotation file means, and how large that film is.

A name is looked for as it is written; then however its accents are composed (one system writes é as one
character, another as e and an accent) and whatever its case; then, where films lie elsewhere, by its last
part. What is found by its last part alone must be the only film of that name.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from cephsure.errors import InputError
from cephsure.file_names import FILM_SUFFIXES, folded, unescaped
from cephsure.films.third_party import captured_warnings, printable
from cephsure.text_files import is_file, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ABSOLUTE = re.compile(r"[a-zA-Z]:/|/|[a-zA-Z][a-zA-Z+.-]+://")
_USUAL_FOLDERS = ("", "images", "images/default", "../images", "../images/default")
_MOST_FILES = 200_000
_ORIENTATION, _TIFF_WIDTH, _TAIL_BYTES = 0x0112, 256, 131_072


class FilmFinder:
    """Finds films by what annotation files call them; ``images`` is a folder to look in as well."""

    def __init__(self, images: Path | None = None) -> None:
        if images is not None and not is_folder(images):
            raise InputError("there is no such folder of films", where=images, remedy="give it with --images")
        self._images = images
        self._listings: dict[Path, dict[str, list[Path]]] = {}
        self._by_name: dict[str, list[Path]] | None = None
        self._taken: dict[Path, str] = {}  # film found by its last part -> what it was called
        self._found: dict[tuple[str, Path], Path] = {}  # by reference and folder: tables name a film often

    def find(self, reference: str, folder: Path) -> Path:
        r"""The film that a file in ``folder`` calls ``reference``; where it should lie if it is not there.

        ``reference`` is relative to ``folder`` or to its usual folders of images, with / or \ between its
        parts; also a path of another machine or an address.
        """
        if (reference, folder) not in self._found:
            self._found[reference, folder] = self._look_for(reference, folder)
        return self._found[reference, folder]

    def _look_for(self, reference: str, folder: Path) -> Path:
        """What `find` finds, looked for in the file system."""
        reference = reference.strip().replace("\\", "/")
        if "://" in reference:
            reference = unquote(reference.partition("?")[0])
        places = [folder / place for place in _USUAL_FOLDERS]
        if self._images is not None:
            places.insert(0, self._images)
        # Our own outputs escape what no text can hold; a film that is called so by itself goes first.
        names = dict.fromkeys((reference, unescaped(reference)))
        candidates = [Path(os.path.normpath(place / name)) for name in names for place in places]
        found = next((path for path in candidates if is_file(path)), None) or self._alike(candidates)
        if found is None:
            found = self._by_last_part(reference, places)
        # Where nothing is found: beside the annotation file, as it is written.
        return found or Path(os.path.normpath(folder / reference))

    def find_stem(self, stem: str, folders: Sequence[Path]) -> Path | None:
        """The film of a name without suffix, in the first of some folders that has one, or of ``images``."""
        places = [*([] if self._images is None else [self._images]), *folders]
        for folder in places:
            listing = self._listing(folder)
            for suffix in ("", *FILM_SUFFIXES):
                if found := listing.get(folded(stem + suffix)):
                    return found[0]
        if self._images is None:
            return None
        return next(filter(None, (self._only(stem + suffix) for suffix in ("", *FILM_SUFFIXES))), None)

    def find_number(self, number: int, folders: Sequence[Path]) -> Path | None:
        """The only film in some folders, or in ``images``, whose name is a number, with zeros before it."""
        places = [*([] if self._images is None else [self._images]), *folders]
        found = {
            path
            for folder in places
            for paths in self._listing(folder).values()
            for path in paths
            if path.suffix.lower() in FILM_SUFFIXES and _is_number(path.stem, number)
        }
        return found.pop() if len(found) == 1 else None

    def _alike(self, candidates: Iterable[Path]) -> Path | None:
        """The one file of the same name but for case and the form of its accents."""
        for path in candidates:
            found = self._listing(path.parent).get(folded(path.name), [])
            if len(found) == 1:
                return found[0]
        return None

    def _by_last_part(self, reference: str, places: Sequence[Path]) -> Path | None:
        """The film by the last part of its name: of a path that cannot be had here, or below ``images``."""
        name = PurePosixPath(reference).name
        found = None
        if name and (_ABSOLUTE.match(reference) or self._images is not None):
            found = self._alike(place / name for place in places) or self._only(name)
        if found is not None and self._taken.setdefault(found, reference) != reference:
            raise InputError(
                f"two films are called {printable(self._taken[found])!r} and {printable(reference)!r}: "
                f"both can only be {printable(found.name)}"
            )
        return found

    def _only(self, name: str) -> Path | None:
        """The only file of a name anywhere below the folder of images."""
        if self._images is None:
            return None
        if self._by_name is None:
            self._by_name = defaultdict(list)
            count = 0
            for folder, _, files in os.walk(self._images):
                for file in files:
                    self._by_name[folded(file)].append(Path(folder) / file)
                count += len(files)
                if count > _MOST_FILES:
                    break
        found = self._by_name.get(folded(name), [])
        return found[0] if len(found) == 1 else None

    def _listing(self, folder: Path) -> dict[str, list[Path]]:
        if folder not in self._listings:
            listing: dict[str, list[Path]] = defaultdict(list)
            try:
                for path in sorted(folder.iterdir()):
                    if is_file(path):
                        listing[folded(path.name)].append(path)
            except (OSError, ValueError):
                pass
            self._listings[folder] = dict(listing)
        return self._listings[folder]


def _is_number(stem: str, number: int) -> bool:
    return stem.isascii() and stem.isdigit() and len(stem) < 10 and int(stem) == number


def film_size(path: Path) -> tuple[int, int] | None:
    """(width, height) in px of a film by its header, turned as EXIF asks; None where it cannot be told.

    The pixels are not decoded: what cannot be read is said when the film is.
    """
    if not is_file(path):
        return None
    try:
        with path.open("rb") as stream:
            return size_of(stream)
    except OSError:
        return None


def size_of(stream: BinaryIO) -> tuple[int, int] | None:
    """The same of a film's content."""
    try:
        with captured_warnings():
            is_dicom = stream.read(132)[128:] == b"DICM"
            stream.seek(0)
            return _dicom_size(stream) if is_dicom else _raster_size(stream)
    except Exception:  # noqa: BLE001 - third parties raise nearly anything on damaged content
        return None


def _dicom_size(stream: BinaryIO) -> tuple[int, int] | None:
    import pydicom

    header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
    width, height = int(header.Columns), int(header.Rows)
    return (width, height) if min(width, height) > 0 else None


def _raster_size(stream: BinaryIO) -> tuple[int, int]:
    from PIL import Image

    has_late_exif = _has_late_exif(stream)
    with Image.open(stream, formats=("PNG", "JPEG", "BMP", "TIFF")) as image:
        width, height = image.size
        # To look for orientation behind a PNG's pixels Pillow decodes them: not where none is there.
        told = image.format != "PNG" or "exif" in image.info or has_late_exif
        turned = told and image.getexif().get(_ORIENTATION, 1) in range(5, 9)
        # Some versions of Pillow turn a TIFF's size when they open it.
        turned = turned and getattr(image, "tag_v2", {}).get(_TIFF_WIDTH, width) == width
    return (height, width) if turned else (width, height)


def _has_late_exif(stream: BinaryIO) -> bool:
    """Whether a PNG may hold EXIF data behind its pixels; the stream is then at its beginning."""
    stream.seek(max(stream.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
    tail = stream.read()
    stream.seek(0)
    return b"eXIf" in tail or b"Raw profile" in tail
