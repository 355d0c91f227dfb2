"""Landmark sets as data, their reader, and which landmark a label means."""

from cephsure.landmarks.labels import LabelKind, match_labels
from cephsure.landmarks.landmark_set import (
    DEFAULT_LANDMARK_SET,
    Landmark,
    LandmarkSet,
    load_landmark_set,
    shipped_landmark_sets,
)

__all__ = [
    "DEFAULT_LANDMARK_SET",
    "LabelKind",
    "Landmark",
    "LandmarkSet",
    "load_landmark_set",
    "match_labels",
    "shipped_landmark_sets",
]
