"""Cephalometric measurements as data, and how the landmarks' uncertainty carries over to them."""

from cephsure.cephalometry.analysis import Analysis, analyse
from cephsure.cephalometry.catalogue import load_analyses, shipped_analyses
from cephsure.cephalometry.landmark_errors import LandmarkErrors, landmark_errors, sample_points
from cephsure.cephalometry.measured import FilmOfPoints, MeasuredPoint, MeasuredValue
from cephsure.cephalometry.measurement import AnalysisDefinition, Entry, Measurement, Norm
from cephsure.cephalometry.own_points import analyse_points

__all__ = [
    "Analysis",
    "AnalysisDefinition",
    "Entry",
    "FilmOfPoints",
    "LandmarkErrors",
    "MeasuredPoint",
    "MeasuredValue",
    "Measurement",
    "Norm",
    "analyse",
    "analyse_points",
    "landmark_errors",
    "load_analyses",
    "sample_points",
    "shipped_analyses",
]
