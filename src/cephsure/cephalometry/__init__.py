"""Cephalometric measurements as data, and how the landmarks' uncertainty carries over to them."""

from cephsure.cephalometry.analysis import Analysis, MeasuredValue, analyse
from cephsure.cephalometry.catalogue import load_analyses, shipped_analyses
from cephsure.cephalometry.landmark_errors import LandmarkErrors, landmark_errors, sample_points
from cephsure.cephalometry.measurement import AnalysisDefinition, Entry, Measurement, Norm

__all__ = [
    "Analysis",
    "AnalysisDefinition",
    "Entry",
    "LandmarkErrors",
    "MeasuredValue",
    "Measurement",
    "Norm",
    "analyse",
    "landmark_errors",
    "load_analyses",
    "sample_points",
    "shipped_analyses",
]
