"""Shifted films: distortion and projections of head CTs."""

from cephsure.studies.shifts.cephalogram import CEPHALOGRAM_BONE_GAIN, TONE_CURVE, to_cephalogram
from cephsure.studies.shifts.ct_film import Look, cephalogram_view, ct_film
from cephsure.studies.shifts.head_alone import has_vertex, head_alone
from cephsure.studies.shifts.landmarks_3d import (
    CtLandmarks,
    CtPoint,
    landmarks_of,
    read_ct_landmarks,
    shipped_landmarks,
    voxel_sha256,
)
from cephsure.studies.shifts.levelling import LevelHead, Levelling, find_level, level_head
from cephsure.studies.shifts.nifti import read_nifti
from cephsure.studies.shifts.projection import Projection, attenuation_per_mm, project
from cephsure.studies.shifts.read_volume import read_volume
from cephsure.studies.shifts.scanned import cut_off
from cephsure.studies.shifts.view import Geometry, View, pose_matrix, project_points, view_of
from cephsure.studies.shifts.volume import Volume, head_centre_mm

__all__ = [
    "CEPHALOGRAM_BONE_GAIN",
    "TONE_CURVE",
    "CtLandmarks",
    "CtPoint",
    "Geometry",
    "LevelHead",
    "Levelling",
    "Look",
    "Projection",
    "View",
    "Volume",
    "attenuation_per_mm",
    "cephalogram_view",
    "ct_film",
    "cut_off",
    "find_level",
    "has_vertex",
    "head_alone",
    "head_centre_mm",
    "landmarks_of",
    "level_head",
    "pose_matrix",
    "project",
    "project_points",
    "read_ct_landmarks",
    "read_nifti",
    "read_volume",
    "shipped_landmarks",
    "to_cephalogram",
    "view_of",
    "voxel_sha256",
]
