"""Landmarks of a head CT in three dimensions: the truth for every projection of it.

A file beside the CT (``head.nii.gz`` and ``head.landmarks.json``) or one of those the package ships.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from cephsure.errors import AnnotationError
from cephsure.studies.shifts.view import project_points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.studies.shifts.view import View
    from cephsure.studies.shifts.volume import Volume

SCHEMA = "cephsure.ct_landmarks/1"
ENDING = ".landmarks.json"

Side = Literal["midline", "right", "left"]

_KEYS = {"schema", "name", "credit", "volume", "convention", "placed", "absent", "points"}
_POINT_KEYS = {"code", "side", "position_mm", "uncertainty_mm", "how"}
_SPACING_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class CtPoint:
    """One point in a head CT.

    Attributes:
        code: of the landmark ("S", "Go").
        side: "midline", or which of a pair the point is.
        position_mm: (x, y, z) as `Volume` counts them.
        uncertainty_mm: the reader's estimate of one standard deviation, or None.
        how: how it was placed, in words.
    """

    code: str
    side: Side
    position_mm: tuple[float, float, float]
    uncertainty_mm: float | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class CtLandmarks:
    """The landmarks of one head CT.

    Attributes:
        name: of the head.
        points: a code stands once at the midline, or once for each side.
        shape: of the volume they were placed in, in voxels, or None if not stated.
        spacing_mm: of that volume, or None if not stated.
        sha256: of its voxels (`voxel_sha256`), or None if not stated.
        credit: line to show wherever the CT or a projection of it appears; may be empty.
        placed: who placed them and how, in words.
        absent: codes of the landmarks that lie outside the scan, or None if that is not stated.
    """

    name: str
    points: tuple[CtPoint, ...]
    shape: tuple[int, ...] | None = None
    spacing_mm: tuple[float, ...] | None = None
    sha256: str | None = None
    credit: str = field(default="")
    placed: str = field(default="")
    absent: tuple[str, ...] | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The landmarks' codes, each once."""
        return tuple(dict.fromkeys(point.code for point in self.points))

    def project(self, view: View, codes: Sequence[str]) -> NDArray[np.float64]:
        """Where landmarks fall on a film: for a pair the mean of its two projections.

        Args:
            view: pose, geometry and film.
            codes: the L landmarks, in the order wanted.

        Returns:
            (L, 2) positions (x, y) in px; NaN for a landmark that the CT lacks. It may lie off the film.
        """
        projected = project_points(np.array([point.position_mm for point in self.points]), view)
        found = np.full((len(codes), 2), np.nan)
        for row, code in enumerate(codes):
            own = [place for place, point in enumerate(self.points) if point.code == code]
            if own:
                found[row] = projected[own].mean(axis=0)
        return found

    def carried(self, carry: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> CtLandmarks:
        """The same landmarks after their volume was resampled.

        Args:
            carry: from (n, 3) mm in the old volume to (n, 3) mm in the new one.
        """
        positions = carry(np.array([point.position_mm for point in self.points], dtype=np.float64))
        points = tuple(
            replace(point, position_mm=(float(x), float(y), float(z)))
            for point, (x, y, z) in zip(self.points, positions, strict=True)
        )
        return replace(self, points=points, shape=None, spacing_mm=None, sha256=None)


def voxel_sha256(volume: Volume) -> str:
    """What a volume is known by, whatever file it comes from: its HU, rounded to 16-bit whole numbers."""
    limits = np.iinfo(np.int16)
    whole = np.clip(np.round(volume.values), limits.min, limits.max).astype("<i2")
    return hashlib.sha256(np.ascontiguousarray(whole).tobytes()).hexdigest()


def landmarks_of(path: Path, volume: Volume) -> CtLandmarks | None:
    """The landmarks of a CT: from the file beside it, or shipped for it.

    Args:
        path: the CT's file or folder; ``a/head.nii.gz`` has its landmarks in ``a/head.landmarks.json``.
        volume: what was read from it.

    Returns:
        The landmarks, or None where there are none.

    Raises:
        AnnotationError: the file is malformed, or was made for another volume.
    """
    beside = landmarks_path(path)
    if beside.is_file():
        found = read_ct_landmarks(beside)
        check_belongs(found, volume, where=beside)
        return found
    sha256 = voxel_sha256(volume)
    return next((one for one in shipped_landmarks() if one.sha256 == sha256), None)


def landmarks_path(path: Path) -> Path:
    """Where a CT's own landmarks are looked for.

    Example:
        >>> landmarks_path(Path("scans/head.nii.gz")).name, landmarks_path(Path("scans/series")).name
        ('head.landmarks.json', 'series.landmarks.json')
    """
    path = path.resolve() if path.name in {"", ".", ".."} else path
    name = path.name
    for ending in (".nii.gz", ".nii", ".inv3"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return path.with_name(name + ENDING)


def shipped_landmarks() -> tuple[CtLandmarks, ...]:
    """The landmarks that the package ships, for CTs that anyone can get."""
    folder = Path(str(resources.files("cephsure.studies.shifts") / "data"))
    return tuple(read_ct_landmarks(path) for path in sorted(folder.glob("*_landmarks.json")))


def check_belongs(landmarks: CtLandmarks, volume: Volume, *, where: Path) -> None:
    """Refuse landmarks that were placed in another volume.

    Args:
        landmarks: what was read; only what it states of its volume can be checked.
        volume: the CT.
        where: the landmarks' file, for the message.

    Raises:
        AnnotationError: shape, spacing or voxels differ, or a point lies outside the volume.
    """
    if landmarks.shape is not None and landmarks.shape != volume.values.shape:
        raise AnnotationError(
            f"placed in a volume of {landmarks.shape} voxels, this CT has {volume.values.shape}", where=where
        )
    if landmarks.spacing_mm is not None and not np.allclose(
        landmarks.spacing_mm, volume.spacing_mm, rtol=_SPACING_TOLERANCE
    ):
        ours = tuple(round(float(step), 4) for step in volume.spacing_mm)
        raise AnnotationError(
            f"placed in a volume of spacing {landmarks.spacing_mm} mm, this CT has {ours}", where=where
        )
    if landmarks.sha256 is not None and landmarks.sha256 != voxel_sha256(volume):
        raise AnnotationError(
            "placed in a volume of other voxels than this CT's",
            where=where,
            remedy="leave volume.sha256 out if the CT was only stored anew",
        )
    margin = np.asarray(volume.spacing_mm)
    for point in landmarks.points:
        position = np.asarray(point.position_mm)
        if ((position < -margin) | (position > np.asarray(volume.size_mm) + margin)).any():
            raise AnnotationError(
                f"{point.code} ({point.side}) at {point.position_mm} mm lies outside the CT", where=where
            )


def read_ct_landmarks(path: Path) -> CtLandmarks:
    """Read a JSON file of landmarks in a head CT.

    Keys: ``schema`` ("cephsure.ct_landmarks/1"), ``name``, ``points``; ``volume`` (with ``shape``,
    ``spacing_mm``, ``sha256``, each optional), ``credit``, ``placed``, ``convention`` and ``absent`` (codes
    of landmarks outside the scan) may be left out. A point has ``code``, ``side`` ("midline", "right" or
    "left") and ``position_mm`` [x, y, z]; ``uncertainty_mm`` and ``how`` may be left out.

    Args:
        path: the file.

    Returns:
        The landmarks.

    Raises:
        AnnotationError: it cannot be read, is not of this form, or gives a landmark twice, a pair half, or
            the place of one that it calls absent.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(f"cannot be read as JSON: {error}", where=path) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise AnnotationError(f'not landmarks of a CT: its "schema" is not {SCHEMA!r}', where=path)
    unknown = set(document) - _KEYS
    if unknown:
        raise AnnotationError(f"unknown key {min(unknown)!r}", where=path)
    entries = document.get("points")
    if not isinstance(entries, list) or not entries:
        raise AnnotationError("points: must be a list with at least one point", where=path)
    points = tuple(_point(entry, f"points[{number}]", path) for number, entry in enumerate(entries))
    _check_sides(points, path)
    return CtLandmarks(
        name=_text(document, "name", "", path),
        points=points,
        **_volume(document.get("volume", {}), path),
        credit=_text(document, "credit", "", path, default=""),
        placed=_text(document, "placed", "", path, default=""),
        absent=_absent(document.get("absent"), points, path),
    )


def _absent(stated: Any, points: Sequence[CtPoint], path: Path) -> tuple[str, ...] | None:
    """The codes of the landmarks outside the scan, or None where the file says nothing of them."""
    if stated is None:
        return None
    if not isinstance(stated, list) or not all(isinstance(code, str) for code in stated):
        raise AnnotationError("absent: must be a list of landmarks' codes", where=path)
    both = {point.code for point in points} & set(stated)
    if both:
        raise AnnotationError(f"{min(both)} is absent and has a place", where=path)
    return tuple(dict.fromkeys(stated))


def _volume(stated: Any, path: Path) -> dict[str, Any]:
    """What a file says of its volume, checked."""
    if not isinstance(stated, dict) or set(stated) - {"shape", "spacing_mm", "sha256"}:
        raise AnnotationError("volume: must be an object with shape, spacing_mm and sha256", where=path)
    shape, spacing, sha256 = (stated.get(key) for key in ("shape", "spacing_mm", "sha256"))
    if sha256 is not None and not isinstance(sha256, str):
        raise AnnotationError("volume.sha256: must be a text", where=path)
    return {
        "shape": None if shape is None else tuple(map(int, _three(shape, "volume.shape", path))),
        "spacing_mm": None if spacing is None else _three(spacing, "volume.spacing_mm", path),
        "sha256": sha256,
    }


def _point(entry: Any, place: str, path: Path) -> CtPoint:
    """Read one entry of ``points``."""
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: must be an object", where=path)
    unknown = set(entry) - _POINT_KEYS
    if unknown:
        raise AnnotationError(f"{place}: unknown key {min(unknown)!r}", where=path)
    if entry.get("side") not in get_args(Side):
        raise AnnotationError(f"{place}.side: must be one of {', '.join(get_args(Side))}", where=path)
    uncertainty = entry.get("uncertainty_mm")
    if uncertainty is not None and not (_is_number(uncertainty) and uncertainty >= 0):
        raise AnnotationError(f"{place}.uncertainty_mm: must not be negative", where=path)
    return CtPoint(
        code=_text(entry, "code", f"{place}.", path),
        side=entry["side"],
        position_mm=_three(entry.get("position_mm"), f"{place}.position_mm", path),
        uncertainty_mm=None if uncertainty is None else float(uncertainty),
        how=_text(entry, "how", f"{place}.", path, default=""),
    )


def _check_sides(points: Sequence[CtPoint], path: Path) -> None:
    """Each code once at the midline, or once right and once left."""
    for code in dict.fromkeys(point.code for point in points):
        sides = sorted(point.side for point in points if point.code == code)
        if sides not in (["midline"], ["left", "right"]):
            raise AnnotationError(
                f"{code} is given for {', '.join(sides)}",
                where=path,
                remedy="give it once for the midline, or once for the right and once for the left",
            )


def _three(value: Any, place: str, path: Path) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
        raise AnnotationError(f"{place}: must be three numbers", where=path)
    return (float(value[0]), float(value[1]), float(value[2]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _text(parent: dict[str, Any], key: str, prefix: str, path: Path, *, default: str | None = None) -> str:
    value = parent.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise AnnotationError(f"{prefix}{key}: must be a text", where=path)
    return value
