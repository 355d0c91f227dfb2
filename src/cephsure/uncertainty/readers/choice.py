"""Which reader is meant: by a name that the bundle knows, by a file, or by nothing said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.text_files import is_there
from cephsure.uncertainty.readers.cases import KNOWN_MEAN
from cephsure.uncertainty.readers.reader import (
    DEFINITION,
    MEAN,
    Reader,
    ReaderLandmark,
    plain_mean,
    profiled,
    read_reader,
    unknown_reader,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    known = () if calibration is None else tuple(annotator.name for annotator in calibration.annotators)
    asked, bundle = _meant(asked or DEFINITION, name, known, told_apart, calibration), (name, sha256)
    if asked == DEFINITION and calibration is not None:
        return unknown_reader(calibration.readers, model=name, model_sha256=sha256)
    if asked in known or (asked in told_apart and len(told_apart) == 2):
        return _annotator(str(asked), bundle, dict.fromkeys(numbers, str(asked)), told_apart, calibration)
    if asked == MEAN:
        pair = " and ".join(told_apart or known) or "the annotators"
        return plain_mean(numbers, name=pair, model=name, model_sha256=sha256)
    path = Path(asked)
    if not is_there(path):
        names = ", ".join(dict.fromkeys([DEFINITION, MEAN, *known, *told_apart]))
        raise InputError(f"there is no reader {str(asked)!r}", remedy=f"known: {names}, or a reader's file")
    return _checked(read_reader(path), name, sha256, path)


def _meant(
    asked: Path | str,
    name: str,
    known: Sequence[str],
    told_apart: Sequence[str],
    calibration: Calibration | None,
) -> Path | str:
    """What is asked, or the only annotator where nothing else is known."""
    if asked == DEFINITION:
        if calibration is None:
            raise InputError(
                f"{name} is not calibrated: it does not know where readers mark by definition",
                remedy="see: cephsure calibrate",
            )
        # Of one person alone it is not known how another reader would differ: the claim is for this one.
        return known[0] if known and calibration.readers.persons < 2 else asked
    if asked == MEAN and calibration is not None and KNOWN_MEAN not in calibration.bounds:
        if len(known) == 1 and len(told_apart) != 2:
            return known[0]
        raise InputError(
            f"{name} is not calibrated for the mean of its annotators",
            remedy="calibrate it on films that both marked, or choose another reader",
        )
    return asked


def _checked(reader: Reader, name: str, sha256: str, path: Path | None = None) -> Reader:
    if reader.model_sha256 != sha256:
        raise InputError(
            f"reader {reader.name} was learned with another bundle than {name}",
            where=path,
            remedy=f"use the bundle {reader.model} it was made with, or make it again",
        )
    return reader


def _annotator(
    asked: str,
    bundle: tuple[str, str],
    answers: Mapping[int, str],
    told_apart: Sequence[str],
    calibration: Calibration | None,
) -> Reader:
    """An annotator; one without a mark on the calibration films as somebody who says to mark as their map."""
    name, sha256 = bundle
    if calibration is None:
        nothing = (0.0, 0.0, 0.0)
        place = (-1.0 if asked == told_apart[0] else 1.0, 0.0, 0.0)
        marks = tuple(ReaderLandmark(number=n, mean=place, covariance=(nothing,) * 3) for n in answers)
    else:
        known = {annotator.name: annotator.landmarks for annotator in calibration.annotators}
        if asked not in known:
            return profiled(calibration.readers, answers, name=asked, model=name, model_sha256=sha256)
        marks = known[asked]
    return Reader(name=asked, kind="annotator", model=name, model_sha256=sha256, landmarks=marks)
