"""Landmark sets: which points, in which order, and how they are defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tissue = Literal["bone", "soft", "tooth"]
Side = Literal["midline", "bilateral"]


@dataclass(frozen=True, slots=True)
class Landmark:
    """One landmark: its number (1-based), short code, name and anatomical definition."""

    number: int
    code: str
    name: str
    definition: str
    tissue: Tissue
    side: Side


@dataclass(frozen=True, slots=True)
class LandmarkSet:
    """An ordered set of landmarks; arrays of positions follow its order."""

    name: str
    title: str
    source: str
    landmarks: tuple[Landmark, ...]

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def codes(self) -> tuple[str, ...]:
        """The short codes, in order."""
        return tuple(landmark.code for landmark in self.landmarks)
