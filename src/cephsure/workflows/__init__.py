"""What each command does, as functions: options in, files and results out; the command line shows them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cephsure.workflows.ask_reader import ReaderProfile, reader_profile
    from cephsure.workflows.assess import Assessment, evaluate
    from cephsure.workflows.batch import AnnotatedData, Batch, Progress
    from cephsure.workflows.calibrate_bundle import CalibrateOptions, CalibrationResult, calibrate
    from cephsure.workflows.compare import ComparedFilm, compare_annotated, compare_film
    from cephsure.workflows.data_check import DataCheck, check_data
    from cephsure.workflows.film_summary import write_summary
    from cephsure.workflows.measure import AnalyzeOptions, analyze, compare_classes
    from cephsure.workflows.measure_points import analyze_points
    from cephsure.workflows.predict import OutputFiles, PredictOptions, predict_films
    from cephsure.workflows.report import (
        ReportedFilm,
        ReportFiles,
        ReportOptions,
        report_films,
        report_project,
    )
    from cephsure.workflows.site_films import CoverageWatch, SiteCalibration, monitor, site_calibrate
    from cephsure.workflows.study import StudyOptions, run_study
    from cephsure.workflows.superimpose import SuperimposedFilms, SuperimposeOptions, superimpose_films
    from cephsure.workflows.train_bundle import TrainedModel, TrainOptions, train

_PLACES = {
    "assess": ("Assessment", "evaluate"),
    "batch": ("AnnotatedData", "Batch", "Progress"),
    "calibrate_bundle": ("CalibrateOptions", "CalibrationResult", "calibrate"),
    "data_check": ("DataCheck", "check_data"),
    "compare": ("ComparedFilm", "compare_annotated", "compare_film"),
    "measure": ("AnalyzeOptions", "analyze", "compare_classes"),
    "measure_points": ("analyze_points",),
    "report": ("ReportFiles", "ReportOptions", "ReportedFilm", "report_films", "report_project"),
    "film_summary": ("write_summary",),
    "predict": ("OutputFiles", "PredictOptions", "predict_films"),
    "ask_reader": ("ReaderProfile", "reader_profile"),
    "site_films": ("CoverageWatch", "SiteCalibration", "monitor", "site_calibrate"),
    "superimpose": ("SuperimposeOptions", "SuperimposedFilms", "superimpose_films"),
    "train_bundle": ("TrainOptions", "TrainedModel", "train"),
    "study": ("StudyOptions", "run_study"),
}
__all__ = [
    "AnalyzeOptions",
    "AnnotatedData",
    "Assessment",
    "Batch",
    "CalibrateOptions",
    "CalibrationResult",
    "ComparedFilm",
    "CoverageWatch",
    "DataCheck",
    "OutputFiles",
    "PredictOptions",
    "Progress",
    "ReaderProfile",
    "ReportFiles",
    "ReportOptions",
    "ReportedFilm",
    "SiteCalibration",
    "StudyOptions",
    "SuperimposeOptions",
    "SuperimposedFilms",
    "TrainOptions",
    "TrainedModel",
    "analyze",
    "analyze_points",
    "calibrate",
    "check_data",
    "compare_annotated",
    "compare_classes",
    "compare_film",
    "evaluate",
    "monitor",
    "predict_films",
    "reader_profile",
    "report_films",
    "report_project",
    "run_study",
    "site_calibrate",
    "superimpose_films",
    "train",
    "write_summary",
]


def __getattr__(name: str) -> Any:
    """Import a workflow on first use: some need torch or matplotlib, most only numpy."""
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"cephsure.workflows.{module}"), name)
    raise AttributeError(f"module 'cephsure.workflows' has no attribute {name!r}")
