"""Landmarks of a head CT in three dimensions: the truth for every projection of it, and what a scan lacks.

They stand in a file beside the CT (``head.nii.gz`` and ``head.landmarks.json``) or are shipped. Many scans of
heads end above the chin, others begin below the vertex; where no file says so, `cut_off` estimates it.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cephsure.errors import AnnotationError
from cephsure.studies.shifts.pose import project_points
from cephsure.studies.shifts.volume import CLOSE_MM, near_head
from cephsure.text_files import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from cephsure.studies.shifts.pose import View
    from cephsure.studies.shifts.volume import Volume

SCHEMA = "cephsure.ct_landmarks/1"
ENDING = ".landmarks.json"

Side = Literal["midline", "right", "left"]

_SPACING_TOLERANCE = 1e-3
_TISSUE_MM2 = 100.0
_COMPLAINTS = {
    "model_type": "must be an object",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "missing": "must be given",
    "greater_than_equal": "must not be negative",
}

# fmt: off
PLACES_MM = {
    "S": (80.7, 103.8), "N": (139.0, 96.9), "Or": (127.8, 121.9), "Po": (60.0, 121.2), "A": (138.4, 151.3),
    "B": (135.7, 185.1), "Pog": (135.2, 198.0), "Me": (129.2, 204.1), "Gn": (133.4, 202.1),
    "Go": (73.3, 173.5), "LIT": (142.0, 168.9), "UIT": (143.7, 170.1), "UL": (155.6, 160.9),
    "LL": (153.3, 181.0), "Sn": (149.7, 149.0), "Pog'": (144.5, 201.2), "PNS": (97.4, 142.8),
    "ANS": (140.1, 144.5), "Ar": (67.0, 132.7),
}
# fmt: on
"""How far to the right and below a film's upper left corner the landmarks lie on the mean, in mm: the
training films of ISBI 2015, both annotators, at the films' 0.1 mm a pixel."""

SURE_MM = 10.0
"""A landmark counts as cut off when the scan ends this far above its mean place: the standard deviation of
the lowest ones' places is 9 to 10 mm."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _three_numbers(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 3 or not all(map(_is_number, value)):
        raise ValueError("must be three numbers")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must be a text")
    return value


def _each_once(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


Three = Annotated[tuple[float, float, float], BeforeValidator(_three_numbers)]
Text = Annotated[str, AfterValidator(_text)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CtPoint(_Record):
    """One point in a head CT.

    Attributes:
        code: of the landmark ("S", "Go").
        side: of a pair, or "midline".
        position_mm: (x, y, z) as `Volume` counts them.
        uncertainty_mm: the reader's estimate of one standard deviation, or None.
        how: how it was placed, in words.
    """

    code: Text
    side: Side
    position_mm: Three
    uncertainty_mm: Annotated[float, Field(ge=0, lt=1e9, strict=True)] | None = None
    how: str = ""


class PlacedIn(_Record):
    """The volume that landmarks were placed in, as far as it is stated.

    Attributes:
        shape: in voxels.
        spacing_mm: of its voxels.
        sha256: of its voxels (`voxel_sha256`).
    """

    shape: Annotated[tuple[int, int, int], BeforeValidator(_three_numbers)] | None = None
    spacing_mm: Three | None = None
    sha256: str | None = None


class CtLandmarks(_Record):
    """The landmarks of one head CT.

    Attributes:
        name: of the head.
        points: a code stands once at the midline, or once for each side.
        volume: that they were placed in.
        credit: line to show wherever the CT or a projection of it appears; may be empty.
        placed: who placed them and how, in words.
        convention: how positions are counted, for readers of the file.
        absent: codes of the landmarks that lie outside the scan, or None if that is not stated.
    """

    name: Text
    points: tuple[CtPoint, ...]
    volume: PlacedIn = PlacedIn()
    credit: str = ""
    placed: str = ""
    convention: str = ""
    absent: Annotated[tuple[str, ...], AfterValidator(_each_once)] | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The landmarks' codes, each once."""
        return _each_once(point.code for point in self.points)

    def project(self, view: View, codes: Sequence[str]) -> NDArray[np.float64]:
        """Where L landmarks fall on a film, (L, 2) in px: for a pair the mean of its two projections.

        A point may lie off the film; it is NaN for a landmark that the CT lacks.
        """
        projected = project_points(np.array([point.position_mm for point in self.points]), view)
        found = np.full((len(codes), 2), np.nan)
        for row, code in enumerate(codes):
            own = [place for place, point in enumerate(self.points) if point.code == code]
            if own:
                found[row] = projected[own].mean(axis=0)
        return found

    def carried(self, carry: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> CtLandmarks:
        """The same landmarks in a resampled volume, ``carry`` from (n, 3) mm in the old one to the new."""
        positions = carry(np.array([point.position_mm for point in self.points], dtype=np.float64))
        points = tuple(
            point.model_copy(update={"position_mm": tuple(position)})
            for point, position in zip(self.points, positions.tolist(), strict=True)
        )
        return self.model_copy(update={"points": points, "volume": PlacedIn()})


def voxel_sha256(volume: Volume) -> str:
    """What a volume is known by, whatever file it comes from: its HU, rounded to 16-bit whole numbers."""
    limits = np.iinfo(np.int16)
    whole = np.clip(np.round(volume.values), limits.min, limits.max).astype("<i2")
    return hashlib.sha256(np.ascontiguousarray(whole).tobytes()).hexdigest()


def landmarks_of(path: Path, volume: Volume) -> CtLandmarks | None:
    """The landmarks of a CT: from the file beside it, or shipped for it; None where there are none.

    Raises:
        AnnotationError: the file is malformed, or was made for another volume.
    """
    beside = landmarks_path(path)
    if beside.is_file():
        found = read_ct_landmarks(beside)
        _check_belongs(found, volume, where=beside)
        return found
    sha256 = voxel_sha256(volume)
    return next((head for head in shipped_landmarks() if head.volume.sha256 == sha256), None)


def landmarks_path(path: Path) -> Path:
    """Where a CT's own landmarks are looked for.

    Examples:
        >>> landmarks_path(Path("scans/head.nii.gz")).name, landmarks_path(Path("scans/series")).name
        ('head.landmarks.json', 'series.landmarks.json')
    """
    path = path.resolve() if path.name in {"", ".", ".."} else path
    return path.with_name(re.sub(r"(\.nii(\.gz)?|\.inv3)$", "", path.name, flags=re.IGNORECASE) + ENDING)


def shipped_landmarks() -> tuple[CtLandmarks, ...]:
    """The landmarks that the package ships, for CTs that anyone can get."""
    folder = Path(str(resources.files("cephsure.studies.shifts") / "data"))
    return tuple(read_ct_landmarks(path) for path in sorted(folder.glob("*_landmarks.json")))


def _check_belongs(landmarks: CtLandmarks, volume: Volume, *, where: Path) -> None:
    """Refuse landmarks placed in another volume, by what they state of it, or outside this one."""
    stated, shape, spacing_mm = landmarks.volume, volume.values.shape, volume.spacing_mm
    if stated.shape not in (None, shape):
        raise AnnotationError(
            f"placed in a volume of {stated.shape} voxels, this CT has {shape}", where=where
        )
    if stated.spacing_mm and not np.allclose(stated.spacing_mm, spacing_mm, rtol=_SPACING_TOLERANCE):
        ours = tuple(round(float(step), 4) for step in spacing_mm)
        raise AnnotationError(
            f"placed in a volume of spacing {stated.spacing_mm} mm, this CT has {ours}", where=where
        )
    if stated.sha256 is not None and stated.sha256 != voxel_sha256(volume):
        raise AnnotationError(
            "placed in a volume of other voxels than this CT's",
            where=where,
            remedy="leave volume.sha256 out if the CT was only stored anew",
        )
    for point in landmarks.points:
        outside = np.maximum(np.negative(point.position_mm), np.subtract(point.position_mm, volume.size_mm))
        if (outside > spacing_mm).any():
            raise AnnotationError(
                f"{point.code} ({point.side}) at {point.position_mm} mm lies outside the CT", where=where
            )


def cut_off(
    volume: Volume, view: View, codes: Sequence[str], *, tissue: NDArray[np.bool_] | None = None
) -> tuple[str, ...]:
    """The landmarks that most likely lie below the end of a scan, or above its beginning.

    Heads are placed on the film as they lie on the films of ISBI 2015 (`cephalogram_view`); so the depths at
    which the scan begins and ends can be compared with the depths at which the landmarks of a head lie there.
    What is cut off at the sides is not noticed, nor what a long face loses at the chin.

    Args:
        volume: the head, levelled.
        view: the unturned head on its film.
        codes: landmarks that are predicted; those that the scan lacks come back in their order.
        tissue: (n_x, n_y, n_z) where the head is; by default what `near_head` finds.
    """
    dx, dy, dz = volume.spacing_mm
    tissue = near_head(volume, CLOSE_MM) if tissue is None else tissue
    (there,) = np.nonzero(tissue.sum(axis=(0, 1)) * dx * dy > _TISSUE_MM2)
    if not there.size:
        return ()
    upper_mm = view.pivot_px[1] * view.mm_per_px + view.pivot_mm[2]
    begin_mm, end_mm = upper_mm - there[-1] * dz, upper_mm - there[0] * dz
    known = [code for code in codes if code in PLACES_MM]
    return tuple(code for code in known if not begin_mm - SURE_MM <= PLACES_MM[code][1] <= end_mm + SURE_MM)


def read_ct_landmarks(path: Path) -> CtLandmarks:
    """Read a JSON file of landmarks in a head CT.

    Its keys are ``schema`` ("cephsure.ct_landmarks/1") and the attributes of `CtLandmarks`, `CtPoint` and
    `PlacedIn`; those with a default may be left out.

    Raises:
        AnnotationError: it cannot be read, is not of this form, or gives a landmark twice, a pair half, or
            the place of one that it calls absent.
    """
    document = read_json(path, kind=AnnotationError)
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise AnnotationError(f'not landmarks of a CT: its "schema" is not {SCHEMA!r}', where=path)
    try:
        found = CtLandmarks.model_validate(document)
    except ValidationError as error:
        raise AnnotationError(_complaint(error), where=path) from error
    _check_points(found, path)
    return found


def _complaint(error: ValidationError) -> str:
    """The first thing that is wrong, and at which key."""
    first = error.errors()[0]
    location = list(first["loc"])
    message = _COMPLAINTS.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "extra_forbidden":
        message = f"unknown key {location.pop()!r}"
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{place}: {message}".removeprefix(".").removeprefix(": ")


def _check_points(found: CtLandmarks, path: Path) -> None:
    """Each code once at the midline, or once right and once left; and none that is called absent."""
    if not found.points:
        raise AnnotationError("points: must be a list with at least one point", where=path)
    for code in found.codes:
        sides = sorted(point.side for point in found.points if point.code == code)
        if sides not in (["midline"], ["left", "right"]):
            raise AnnotationError(
                f"{code} is given for {', '.join(sides)}",
                where=path,
                remedy="give it once for the midline, or once for the right and once for the left",
            )
    both = set(found.codes) & set(found.absent or ())
    if both:
        raise AnnotationError(f"{min(both)} is absent and has a place", where=path)
