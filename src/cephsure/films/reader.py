"""`read`: a file, its bytes or an array in, a film out, or one clear line."""

from __future__ import annotations

import hashlib
import stat
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cephsure.errors import FilmError
from cephsure.films.film import DEFAULT_LIMITS, Film, FilmFacts, ReadLimits
from cephsure.films.recognition import FilmKind, recognise
from cephsure.films.spacing import (
    StatedScales,
    check_mm_per_px,
    decide_spacing,
    pixel_aspect,
    say_once,
    scale_of_user,
)
from cephsure.films.third_party import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.films.film import Picture
    from cephsure.films.spacing import Spacing, UserScale

    FilmSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | NDArray[np.generic]


def read(
    source: FilmSource,
    *,
    mm_per_px: UserScale | None = None,
    of_dataset: Spacing | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Film:
    """Read a film from a PNG, JPEG, BMP, TIFF or DICOM file; which it is, its content tells.

    The scale comes from, in this order: ``mm_per_px``; the file, if it is DICOM (see
    `cephsure.films.spacing`); ``of_dataset``; nowhere. It is never guessed. How values become grey in [0, 1]
    stands in `cephsure.films.grey_values`.

    Args:
        source: the file's path; its content as bytes, or as a binary file that is open for reading; or an
            array (height, width) of grey values, larger being brighter, as `cephsure.films.arrays` takes it:
            of bool, of 8-bit numbers (0 to 255), of deeper whole numbers (scaled by the range they use), or
            of floating-point numbers (as they are if they lie within 0 and 1, else scaled by their range).
        mm_per_px: the user's scale, in millimetres a pixel: along x, or (x, y).
        of_dataset: the scale that the film's data set states.
        limits: limits on the size of file and image.

    Returns:
        The film, with notes on whatever was ignored, changed or is doubtful. A file that contradicts
        ``mm_per_px`` is logged as a warning too.

    Raises:
        FilmError: if it cannot be read as a film; one line: the file, the reason and often the remedy.
        InputError: if ``mm_per_px`` is not a possible scale.
    """
    check_mm_per_px(mm_per_px)
    path, name = _names(source)
    with _naming(name):
        if _is_array(source):
            from cephsure.films.arrays import picture_of_array

            picture, sha256 = picture_of_array(source, limits), None
        else:
            content = _content(source, limits)
            picture, sha256 = _decode(content, limits), hashlib.sha256(content).hexdigest()
    spacing, notes, aspect = _scale(picture, name, mm_per_px, of_dataset)
    return Film(picture.pixels, spacing, path, (*picture.notes, *notes), sha256, aspect)


def read_facts(
    path: str | os.PathLike[str],
    *,
    mm_per_px: UserScale | None = None,
    of_dataset: Spacing | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> FilmFacts:
    """What `read` gives besides the pixels, which are decoded in DICOM files only: others state no scale.

    Takes a path as `read` does, and raises what it raises.
    """
    check_mm_per_px(mm_per_px)
    path = Path(path)
    with _naming(path):
        content = _content(path, limits)
        picture = _decode(content, limits) if recognise(content) is FilmKind.DICOM else None
    spacing, _, aspect = _scale(picture, path, mm_per_px, of_dataset)
    if spacing is not None:
        aspect = spacing.y_mm_per_px / spacing.x_mm_per_px
    return FilmFacts(spacing, hashlib.sha256(content).hexdigest(), aspect)


def with_scale(film: Film, mm_per_px: UserScale | None) -> Film:
    """A film with the user's scale, which goes before its own: a film that had another one says so in a note.

    Raises:
        InputError: if ``mm_per_px`` is not a possible scale.
    """
    if mm_per_px is None:
        return film
    scale = scale_of_user(mm_per_px, film.spacing, film.pixel_aspect)
    return replace(film, spacing=scale.spacing, notes=(*film.notes, *scale.notes))


def _is_array(source: Any) -> bool:
    return hasattr(source, "__array_interface__") or (hasattr(source, "dtype") and hasattr(source, "ndim"))


def _names(source: Any) -> tuple[Path | None, Path | str]:
    """The path of a file, or None; and what errors call the source."""
    if _is_array(source):
        return None, "the given array"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return None, "the given bytes"
    if hasattr(source, "read"):
        return None, "the given stream"
    try:
        path = Path(source)
    except TypeError:
        raise FilmError(
            f"{type(source).__name__} is no film: give a path, the file's bytes, or an array"
        ) from None
    return path, path


def _scale(
    picture: Picture | None, name: Path | str, mm_per_px: UserScale | None, of_dataset: Spacing | None
) -> tuple[Spacing | None, tuple[str, ...], float]:
    """The film's scale with notes on it, and its pixels' shape; says where the file contradicts the user."""
    stated = StatedScales() if picture is None else picture.stated
    size_px = (0, 0) if picture is None else (picture.pixels.shape[1], picture.pixels.shape[0])
    scale = decide_spacing(stated, size_px=size_px, mm_per_px=mm_per_px, of_dataset=of_dataset)
    if scale.disagreement is not None:
        say_once(printable(f"{name}: {scale.disagreement}", longest=500))
    return scale.spacing, scale.notes, pixel_aspect(stated)


@contextmanager
def _naming(name: Path | str) -> Iterator[None]:
    """Say in errors which file they are about."""
    try:
        yield
    except FilmError as error:
        raise FilmError(printable(error.what), where=name, remedy=error.remedy) from error.__cause__


def _content(source: Any, limits: ReadLimits) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        limits.check_file_size(len(source) if not isinstance(source, memoryview) else source.nbytes)
        return bytes(source)
    if hasattr(source, "read"):
        return _of_stream(source, limits)
    return _of_file(Path(source), limits)


def _of_stream(stream: Any, limits: ReadLimits) -> bytes:
    """Read a stream from where it stands to its end, or a little more than the limit."""
    pieces, size = [], 0
    try:
        while size <= limits.max_file_bytes and (piece := stream.read(2**20)):
            pieces.append(memoryview(piece).tobytes())
            size += len(piece)
    except TypeError:
        raise FilmError("the stream gives text, not bytes", remedy="open the file in binary mode") from None
    except (OSError, ValueError) as error:
        raise FilmError(f"the stream cannot be read: {error}") from error
    limits.check_file_size(size)
    return b"".join(pieces)


def _of_file(path: Path, limits: ReadLimits) -> bytes:
    try:
        status = path.stat()
        _check_regular(status.st_mode)
        limits.check_file_size(status.st_size)
        return path.read_bytes()
    except FilmError:
        raise
    except FileNotFoundError:
        raise FilmError("there is no such file") from None
    except PermissionError:
        raise FilmError("the file may not be read", remedy="look at its permissions") from None
    except OSError as error:
        raise FilmError(f"the file cannot be read: {error.strerror or error}") from error
    except ValueError:  # a name with a null character, which no system call takes, or that is not encodable
        raise FilmError("the file's name is not possible") from None


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise FilmError("this is a directory, not a film")
    if not stat.S_ISREG(mode):  # pipes and devices might never come to an end
        raise FilmError("this is not a regular file")


def _decode(data: bytes, limits: ReadLimits) -> Picture:
    """Decode, and turn whatever third parties raise on damaged content into one line."""
    kind = recognise(data)
    try:
        if kind is FilmKind.DICOM:
            from cephsure.films.dicom import read_dicom

            return read_dicom(data, limits)
        from cephsure.films.raster import read_raster

        return read_raster(data, kind, limits)
    except FilmError:
        raise
    except MemoryError as error:
        raise FilmError("the image does not fit into memory") from error
    except Exception as error:
        # Pillow, pydicom and the decoders raise nearly anything (struct.error, zlib.error, KeyError, ...).
        raise FilmError(
            f"{kind.value} file damaged or of an unsupported kind: {str(error) or type(error).__name__}"
        ) from error
