"""Landmark sets as data, and their reader."""

from cephsure.landmarks.landmark_set import Landmark, LandmarkSet
from cephsure.landmarks.set_reader import DEFAULT_LANDMARK_SET, load_landmark_set, shipped_landmark_sets

__all__ = ["DEFAULT_LANDMARK_SET", "Landmark", "LandmarkSet", "load_landmark_set", "shipped_landmark_sets"]
