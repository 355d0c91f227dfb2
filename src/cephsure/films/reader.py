"""`read`: a file in, a film out, or one clear line."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import FilmError
from cephsure.films.film import DEFAULT_LIMITS, Film, ReadLimits
from cephsure.films.recognition import FilmKind, recognise
from cephsure.films.spacing import StatedScales, check_mm_per_px, decide_spacing, say_once
from cephsure.films.third_party import captured_warnings, printable

if TYPE_CHECKING:
    import os

    from cephsure.films.film import Picture
    from cephsure.films.spacing import Spacing, UserScale

# What Pillow says in a warning when it leaves out metadata that it could not read to the end.
_DAMAGE = ("orrupt", "larger than file", "Truncated")
_HEAD_BYTES = 1024


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
    stands in `cephsure.films.grey`.

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
    try:
        picture = _decode(_content(path, limits), limits)
    except FilmError as error:
        raise FilmError(printable(error.what), where=path, remedy=error.remedy) from error.__cause__
    size_px = (picture.pixels.shape[1], picture.pixels.shape[0])
    scale = decide_spacing(picture.stated, size_px=size_px, mm_per_px=mm_per_px, of_dataset=of_dataset)
    if scale.disagreement is not None:
        say_once(f"{path}: {scale.disagreement}")
    return Film(picture.pixels, scale.spacing, path, (*picture.notes, *scale.notes))


def read_spacing(
    path: str | os.PathLike[str],
    *,
    mm_per_px: UserScale | None = None,
    of_dataset: Spacing | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Spacing | None:
    """The scale that `read` gives a film; only DICOM files are decoded for it, others state none.

    Raises:
        FilmError: as `read`.
        InputError: as `read`.
    """
    try:
        with Path(path).open("rb") as stream:
            is_dicom = recognise(stream.read(_HEAD_BYTES)) is FilmKind.DICOM
    except (OSError, ValueError, FilmError):
        is_dicom = True  # `read` says what is wrong
    if is_dicom:
        return read(path, mm_per_px=mm_per_px, of_dataset=of_dataset, limits=limits).spacing
    return decide_spacing(StatedScales(), size_px=(0, 0), mm_per_px=mm_per_px, of_dataset=of_dataset).spacing


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
