"""Head CTs turned, tilted and nodded, projected, and predicted by every model."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.cases import Case
from cephsure.studies.predictions import predict_cases
from cephsure.studies.shifts.landmarks_3d import ENDING, CtLandmarks, cut_off, landmarks_of, landmarks_path
from cephsure.studies.shifts.nod import nod_to_standard
from cephsure.studies.shifts.pose import Levelling, find_level, level_head
from cephsure.studies.shifts.projection import cephalogram_view, ct_film
from cephsure.studies.shifts.read_volume import read_volume
from cephsure.studies.shifts.volume import CLOSE_MM, has_vertex, head_alone, near_head

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.studies.cases import PointTable
    from cephsure.studies.shifts.pose import Geometry, View
    from cephsure.studies.shifts.projection import Look
    from cephsure.studies.shifts.volume import Volume
    from cephsure.studies.study import Study, StudyModel

Axis = Literal["rotation", "tilt", "nod"]

FINEST_MM = 0.75
"""Finer CTs are resampled to this when they are levelled: the films have 0.4 mm a pixel."""


@dataclass(frozen=True, slots=True)
class PoseSeries:
    """A head moved about one axis."""

    name: str  # names the stored predictions
    title: str  # for tables and figures
    axis: Axis
    geometry: Geometry
    look: Look
    angles: tuple[float, ...]  # in degrees, rising
    nod_deg: float = 0.0  # how the head is held while it is moved about another axis, positive chin down


TURNS = tuple(float(angle) for angle in range(-45, 46))
FEW_TURNS = TURNS[::5]
LEANS = tuple(float(angle) for angle in range(-20, 21, 2))
CHIN_DEG = 15.0
"""Three standard deviations of the posture on the training films of ISBI 2015: hardly anyone is seen so."""
SERIES = (
    PoseSeries("parallel", "rotation, parallel sum", "rotation", "parallel", "sum", TURNS),
    PoseSeries("parallel-film", "rotation, parallel film", "rotation", "parallel", "cephalogram", TURNS),
    PoseSeries("chin-up", "rotation, chin up", "rotation", "cone", "cephalogram", FEW_TURNS, -CHIN_DEG),
    PoseSeries("chin-down", "rotation, chin down", "rotation", "cone", "cephalogram", FEW_TURNS, CHIN_DEG),
    PoseSeries("cone", "rotation, cone film", "rotation", "cone", "cephalogram", TURNS),
    PoseSeries("tilt", "tilt, cone film", "tilt", "cone", "cephalogram", LEANS),
    PoseSeries("nod", "nod, cone film", "nod", "cone", "cephalogram", LEANS),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A head CT, levelled.

    Attributes:
        name: of its file; names the stored predictions.
        volume: the levelled volume.
        levelling: how it was levelled.
        nod_from: by which landmarks it was told how far the chin is up or down, in words.
        view: the unturned head on the film, parallel.
        landmarks: in the levelled volume, or None where none are known.
        absent: codes of the landmarks that lie outside the scan.
        sha256: of the levelled voxels and the view.
    """

    name: str
    volume: Volume
    levelling: Levelling
    nod_from: str
    view: View
    landmarks: CtLandmarks | None
    absent: tuple[str, ...] = ()
    sha256: str = ""

    @property
    def over_which(self) -> str:
        """Over which landmarks means are taken, in words."""
        return f"the landmarks without {', '.join(self.absent)}" if self.absent else "the landmarks"

    @property
    def credit(self) -> str:
        """What must be said wherever a projection of it is shown; may be empty."""
        return "" if self.landmarks is None else self.landmarks.credit

    def posed(self, series: PoseSeries, angle: float) -> View:
        """The view of a series at an angle."""
        moved: dict[str, Any] = {"nod_deg": series.nod_deg, f"{series.axis}_deg": angle}
        return replace(self.view, geometry=series.geometry, **moved)

    def film(self, series: PoseSeries, angle: float) -> Film:
        """The film of a series at an angle."""
        return ct_film(self.volume, self.posed(series, angle), look=series.look)

    def truth_px(self, series: PoseSeries, angle: float, codes: Sequence[str]) -> NDArray[np.float64]:
        """(L, 2) where the landmarks are projected; NaN where one is not known or off the film."""
        if self.landmarks is None:
            return np.full((len(codes), 2), np.nan)
        view = self.posed(series, angle)
        points = self.landmarks.project(view, codes)
        with np.errstate(invalid="ignore"):
            off = (points < -0.5) | (points > np.array([view.width_px, view.height_px]) - 0.5)
        points[off.any(axis=1)] = np.nan
        return points


@dataclass(frozen=True, slots=True)
class Turned:
    """One head in one series, predicted.

    Attributes:
        head: the head.
        series: how it was moved.
        truth_px: (A, L, 2) projected landmarks, NaN where unknown.
        counted: (L,) which landmarks the CT holds.
        tables: by the model's label, a row an angle.
    """

    head: Head
    series: PoseSeries
    truth_px: NDArray[np.float64]
    counted: NDArray[np.bool_]
    tables: dict[str, PointTable]

    @property
    def angles(self) -> NDArray[np.float64]:
        """(A,) in degrees."""
        return np.array(self.series.angles, dtype=np.float64)


def turned_heads(study: Study, series: Sequence[PoseSeries] = SERIES) -> list[Turned]:
    """Move and project every head CT of a study, head by head in every series, and predict the films.

    Raises:
        InputError: a CT or its landmarks cannot be read, or two CTs share a name.
    """
    names = Counter(head_name(path) for path in study.cts)
    for name, count in names.items():
        if count > 1:
            raise InputError(f"two CTs of the study are called {name}", remedy="rename one of them")
    codes = study.dataset.landmark_set.codes
    finder = next((model for model in study.models if model.model is not None), None)
    done = []
    for path in study.cts:
        head = open_head(path, codes, finder)
        counted = np.array([code not in head.absent for code in codes])
        for poses in series:
            # Facing and polarity are known: a head that is taken for its mirror image is another subject.
            known = partial(Case, head.name, facing="right", polarity="positive")
            cases = [known(f"{angle:g}", film=partial(head.film, poses, angle)) for angle in poses.angles]
            tables = predict_cases(study, f"rotation-{head.name}-{poses.name}", cases, source=head.sha256)
            truth = np.stack([head.truth_px(poses, angle, codes) for angle in poses.angles])
            done.append(Turned(head, poses, truth, counted, tables))
    return done


def open_head(path: Path, codes: Sequence[str], finder: StudyModel | None = None) -> Head:
    """Read a CT, find its landmarks, of which ``codes`` are predicted, and level it.

    How far its chin is up or down is told by its landmarks; where none are known, by what ``finder`` finds on
    the film of the head as it lies; without either it is left as it is.

    Raises:
        InputError: it cannot be read, or its landmarks have codes that the set lacks.
    """
    volume = read_volume(path)
    landmarks = landmarks_of(path, volume)
    for code in () if landmarks is None else landmarks.codes:
        if code not in codes:
            raise InputError(
                f"its landmark {code!r} is none of the set that is predicted",
                where=landmarks_path(path),
                remedy=f"known: {', '.join(codes)}",
            )
    alone = head_alone(volume)
    head = _levelled(path, alone, find_level(alone), landmarks, codes)
    points, nod_from = _points_for_nod(head, codes, finder)
    nod = nod_to_standard(points, codes)
    if nod is None:
        return replace(head, nod_from="not known")
    if nod:
        head = _levelled(path, alone, replace(head.levelling, nod_deg=nod), landmarks, codes)
    return replace(head, nod_from=nod_from)


def _levelled(
    path: Path, alone: Volume, levelling: Levelling, landmarks: CtLandmarks | None, codes: Sequence[str]
) -> Head:
    """The head turned as ``levelling`` says, on its film."""
    level = level_head(alone, levelling, finest_mm=FINEST_MM)
    tissue = near_head(level.volume, CLOSE_MM)
    view = cephalogram_view(level.volume, has_vertex=has_vertex(alone), tissue=tissue)
    cut = cut_off(level.volume, view, codes, tissue=tissue)
    return Head(
        name=head_name(path),
        volume=level.volume,
        levelling=levelling,
        nod_from="",
        view=view,
        landmarks=None if landmarks is None else landmarks.carried(level.carry),
        absent=_absent(landmarks, cut, codes, path),
        sha256=hashlib.sha256(level.volume.values.tobytes() + repr(view).encode("utf-8")).hexdigest(),
    )


def _points_for_nod(
    head: Head, codes: Sequence[str], finder: StudyModel | None
) -> tuple[NDArray[np.float64], str]:
    """(L, 2) landmarks on the film of the head as it lies, NaN where unknown, and where they are from."""
    if head.landmarks is not None:
        return head.landmarks.project(head.view, codes), "landmarks in the CT"
    points = np.full((len(codes), 2), np.nan)
    if finder is None or finder.model is None:
        return points, ""
    film = ct_film(head.volume, replace(head.view, geometry="cone"))
    found = finder.model.predict(film, facing="right", polarity="positive")
    for row, mark in enumerate(found.landmarks):
        if codes[row] not in head.absent:
            points[row] = mark.x_px, mark.y_px
    return points, f"landmarks found by {finder.label}"


def _absent(
    landmarks: CtLandmarks | None, cut: tuple[str, ...], codes: Sequence[str], path: Path
) -> tuple[str, ...]:
    """What lies outside the scan: as the landmarks' file says, else what is cut off and has no place."""
    stated = () if landmarks is None else landmarks.codes
    absent = cut if landmarks is None or landmarks.absent is None else landmarks.absent
    absent = tuple(code for code in absent if code in codes and code not in stated)
    if len(absent) == len(codes):
        remedy = "give a CT of a head with its face"
        raise InputError("the scan ends above all landmarks", where=path, remedy=remedy)
    return absent


def head_name(path: Path) -> str:
    """What a CT is called in files: its file's name without ending, in plain letters.

    Examples:
        >>> from pathlib import Path
        >>> head_name(Path("scans/Head 2.nii.gz"))
        'head-2'
    """
    stem = landmarks_path(path).name.removesuffix(ENDING).lower()
    return re.sub(r"[^a-z0-9_]+", "-", stem).strip("-") or "ct"
