"""What the server itself knows of the model, without its networks: names, readers, how large heads are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from cephsure.uncertainty.gate.signs import head_size
from cephsure.uncertainty.readers.choice import choose_reader

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.uncertainty.calibration.calibration import Calibration
    from cephsure.uncertainty.gate import Gate
    from cephsure.uncertainty.readers.reader import Reader

# Beyond the known heads by so much a head is no head of people, or the scale is wrong.
_BEYOND = 1.05
_SHORTEST_MM, _LONGEST_MM = 120.0, 420.0
_USUAL_SPAN_MM = 230.0


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A bundle as far as the server needs it.

    Attributes:
        given: the name or folder by which it was asked for.
    """

    given: str
    bundle: Bundle
    calibration: Calibration | None
    gate: Gate | None

    @classmethod
    def of(cls, given: str) -> Self:
        """Read a shipped model's or a folder's facts.

        Raises:
            BundleError: there is no such bundle, or it is damaged.
        """
        from pathlib import Path

        from cephsure.bundles.bundle import read_bundle
        from cephsure.model import shipped_models
        from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE, read_calibration
        from cephsure.uncertainty.gate import read_gate

        bundle = read_bundle(shipped_models().get(given, Path(given)))
        calibration = None
        if (path := bundle.folder / CALIBRATION_FILE).is_file():
            numbers = tuple(mark.number for mark in bundle.landmark_set.landmarks)
            calibration = read_calibration(path, numbers=numbers)
        return cls(given, bundle, calibration, read_gate(bundle.folder))

    def reader(self, asked: Path | str | None) -> Reader | None:
        """The reader whose marks are foretold, as ``Model.reader`` chooses.

        Raises:
            InputError: there is no such reader, or it is of another bundle.
        """
        calibration = self.calibration
        known = self.bundle.provenance.annotators
        return choose_reader(
            asked,
            name=self.bundle.name,
            sha256=self.bundle.sha256,
            numbers=[mark.number for mark in self.bundle.landmark_set.landmarks],
            told_apart=known if calibration is None else calibration.readers.annotators,
            calibration=calibration,
        )

    @property
    def can_ask(self) -> bool:
        """Whether there is anything to ask a reader about how they mark."""
        from cephsure.reports.reader_questions import APART_MM

        if self.calibration is None or len(self.calibration.readers.annotators) != 2:
            return False
        return any(habits.apart_mm > APART_MM for habits in self.calibration.readers.landmarks)

    def about_scale(
        self, points_px: NDArray[np.float64], mm_per_px: tuple[float, float] | None
    ) -> str | None:
        """Why a scale cannot be right by the size of the head; None where the head does not object.

        Args:
            points_px: (L, 2), NaN where missing.
            mm_per_px: along x and y.
        """
        if mm_per_px is None or not np.isfinite(points_px).all():
            return None
        size_mm = head_size(points_px * np.asarray(mm_per_px))
        if self.gate is None:
            span = float(np.ptp(points_px * np.asarray(mm_per_px), axis=0).max())
            if _SHORTEST_MM / 2 <= span <= _LONGEST_MM / 2:
                return None
            return _objection(2 * span / _USUAL_SPAN_MM)
        known = self.gate.reference.column("size")
        usual = head_size(self.gate.head.shape.mean)
        sizes = known if len(known) else np.zeros(1)
        factor = size_mm / (usual * float(np.exp(np.median(sizes))))
        low, high = np.exp([sizes.min() - np.median(sizes), sizes.max() - np.median(sizes)])
        return None if low / _BEYOND <= factor <= high * _BEYOND else _objection(factor)


def _objection(factor: float) -> str:
    return f"by this scale the head is {factor:.2g} times the usual size"
