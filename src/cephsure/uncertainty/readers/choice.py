"""Which reader is meant: by a name that the bundle knows, by a file, or by nothing said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.uncertainty.readers.reader import (
    DEFINITION,
    MEAN,
    Reader,
    ReaderLandmark,
    plain_mean,
    read_reader,
    unknown_reader,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.uncertainty.calibration.calibration import Calibration


def choose_reader(
    asked: Reader | Path | str | None,
    *,
    name: str,
    sha256: str,
    numbers: Sequence[int],
    told_apart: Sequence[str],
    calibration: Calibration | None,
) -> Reader | None:
    """The reader that is meant, or None if nothing is asked of a bundle that is not calibrated.

    Args:
        asked: a reader, its file, "definition", "mean", or an annotator's name; None for the usual one.
        name: the bundle's.
        sha256: the bundle's.
        numbers: the landmarks'.
        told_apart: the two annotators of the networks' maps.
        calibration: the bundle's, or None.

    Raises:
        InputError: no such reader or file, or one that is of another bundle.
    """
    if isinstance(asked, Reader):
        return _checked(asked, name, sha256)
    if asked is None and calibration is None:
        return None
    asked = asked or DEFINITION
    known = {} if calibration is None else {annotator.name: annotator for annotator in calibration.annotators}
    if asked == MEAN:
        pair = " and ".join(told_apart or known) or "the annotators"
        return plain_mean(numbers, name=pair, model=name, model_sha256=sha256)
    if asked == DEFINITION:
        if calibration is None:
            raise InputError(
                f"{name} is not calibrated: it does not know where readers mark by definition",
                remedy="see: cephsure calibrate",
            )
        if calibration.readers.persons > 1 or not known:
            return unknown_reader(calibration.readers, model=name, model_sha256=sha256)
        asked = next(iter(known))  # how another reader would differ is not known: the claim is for this one
    if asked in known or (asked in told_apart and len(told_apart) == 2):
        annotator = known.get(str(asked))
        marks = annotator.landmarks if annotator else _end_of_line(str(asked), numbers, told_apart)
        return Reader(name=str(asked), kind="annotator", model=name, model_sha256=sha256, landmarks=marks)
    path = Path(asked)
    if not path.exists():
        names = ", ".join(dict.fromkeys([DEFINITION, MEAN, *known, *told_apart]))
        raise InputError(f"there is no reader {str(asked)!r}", remedy=f"known: {names}, or a reader's file")
    return _checked(read_reader(path), name, sha256, path)


def _checked(reader: Reader, name: str, sha256: str, path: Path | None = None) -> Reader:
    if reader.model_sha256 != sha256:
        raise InputError(
            f"reader {reader.name} was learned with another bundle than {name}",
            where=path,
            remedy=f"use the bundle {reader.model} it was made with, or make it again",
        )
    return reader


def _end_of_line(asked: str, numbers: Sequence[int], told_apart: Sequence[str]) -> tuple[ReaderLandmark, ...]:
    """One of the annotators of a bundle that is not calibrated: the own mark of the networks."""
    nothing = (0.0, 0.0, 0.0)
    place = (-1.0 if asked == told_apart[0] else 1.0, 0.0, 0.0)
    return tuple(ReaderLandmark(number=number, mean=place, covariance=(nothing,) * 3) for number in numbers)
