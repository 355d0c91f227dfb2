"""Shifted films: distortion and projections of head CTs."""

from cephsure.shifts.cephalogram import CEPHALOGRAM_BONE_GAIN, TONE_CURVE, to_cephalogram
from cephsure.shifts.projection import Projection, attenuation_per_mm, project
from cephsure.shifts.view import Geometry, View, pose_matrix, project_points, view_of
from cephsure.shifts.volume import Volume, head_centre_mm, read_nifti

__all__ = [
    "CEPHALOGRAM_BONE_GAIN",
    "TONE_CURVE",
    "Geometry",
    "Projection",
    "View",
    "Volume",
    "attenuation_per_mm",
    "head_centre_mm",
    "pose_matrix",
    "project",
    "project_points",
    "read_nifti",
    "to_cephalogram",
    "view_of",
]
