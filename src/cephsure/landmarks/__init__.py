"""Landmark sets as data, and their reader."""
from cephsure.landmarks.landmark_set import Landmark, LandmarkSet

__all__ = ["Landmark", "LandmarkSet"]
