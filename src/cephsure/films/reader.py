"""`read`: a file in, a film out, or one clear line."""

from __future__ import annotations

import hashlib
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import FilmError
from cephsure.films.film import DEFAULT_LIMITS, Film, FilmFacts, ReadLimits
from cephsure.films.recognition import FilmKind, recognise
from cephsure.films.spacing import StatedScales, check_mm_per_px, decide_spacing, say_once
from cephsure.films.third_party import captured_warnings, printable

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from cephsure.films.film import Picture
    from cephsure.films.spacing import Spacing, UserScale

# What Pillow says in a warning when it leaves out metadata that it could not read to the end.
_DAMAGE = ("orrupt", "larger than file", "Truncated")


def read(
    path: str | os.PathLike[str],
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
        path: the file.
        mm_per_px: the user's scale, in millimetres a pixel: along x, or (x, y).
        of_dataset: the scale that the film's data set states.
        limits: limits on the size of file and image.

    Returns:
        The film, with notes on whatever was ignored, changed or is doubtful. A file that contradicts
        ``mm_per_px`` is logged as a warning too.

    Raises:
        FilmError: if the file cannot be read as a film; one line: the file, the reason and often the remedy.
        InputError: if ``mm_per_px`` is not a possible scale.
    """
    check_mm_per_px(mm_per_px)
    path = Path(path)
    with _naming(path):
        content = _content(path, limits)
        picture = _decode(content, limits)
    spacing, notes = _scale(picture, path, mm_per_px, of_dataset)
    return Film(picture.pixels, spacing, path, (*picture.notes, *notes), hashlib.sha256(content).hexdigest())


def read_facts(
    path: str | os.PathLike[str],
    *,
    mm_per_px: UserScale | None = None,
    of_dataset: Spacing | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> FilmFacts:
    """What `read` gives besides the pixels, which are decoded in DICOM files only: others state no scale.

    Takes what `read` takes, and raises what it raises.
    """
    check_mm_per_px(mm_per_px)
    path = Path(path)
    with _naming(path):
        content = _content(path, limits)
        picture = _decode(content, limits) if recognise(content) is FilmKind.DICOM else None
    spacing, _ = _scale(picture, path, mm_per_px, of_dataset)
    return FilmFacts(spacing, hashlib.sha256(content).hexdigest())


def _scale(
    picture: Picture | None, path: Path, mm_per_px: UserScale | None, of_dataset: Spacing | None
) -> tuple[Spacing | None, tuple[str, ...]]:
    """The film's scale with notes on it; says where the file contradicts the user."""
    stated = StatedScales() if picture is None else picture.stated
    size_px = (0, 0) if picture is None else (picture.pixels.shape[1], picture.pixels.shape[0])
    scale = decide_spacing(stated, size_px=size_px, mm_per_px=mm_per_px, of_dataset=of_dataset)
    if scale.disagreement is not None:
        say_once(f"{path}: {scale.disagreement}")
    return scale.spacing, scale.notes


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say in errors which file they are about."""
    try:
        yield
    except FilmError as error:
        raise FilmError(printable(error.what), where=path, remedy=error.remedy) from error.__cause__


def _content(path: Path, limits: ReadLimits) -> bytes:
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
    except ValueError:  # a name with a null character, which no system call takes
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
        with captured_warnings() as warnings:
            if kind is FilmKind.DICOM:
                from cephsure.films.dicom import read_dicom

                picture = read_dicom(data, limits)
            else:
                from cephsure.films.raster import read_raster

                picture = read_raster(data, kind, limits)
    except FilmError:
        raise
    except MemoryError as error:
        raise FilmError("the image does not fit into memory") from error
    except Exception as error:
        # Pillow, pydicom and the decoders raise nearly anything (struct.error, zlib.error, KeyError, ...).
        raise FilmError(
            f"{kind.value} file damaged or of an unsupported kind: {str(error) or type(error).__name__}"
        ) from error
    # Where metadata is cut off, the film's orientation, in a TIFF its very layout, would be lost.
    messages = [str(warning.message) for warning in warnings]
    if kind is not FilmKind.DICOM and any(part in message for message in messages for part in _DAMAGE):
        raise FilmError(f"the metadata of the {kind.value} file is damaged or cut off")
    return picture
