"""Landmark sets as data, and their reader."""

from cephsure.landmarks.landmark_set import (
    DEFAULT_LANDMARK_SET,
    Landmark,
    LandmarkSet,
    load_landmark_set,
    shipped_landmark_sets,
)

__all__ = ["DEFAULT_LANDMARK_SET", "Landmark", "LandmarkSet", "load_landmark_set", "shipped_landmark_sets"]
