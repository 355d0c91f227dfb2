"""Films in, cephalometric measurements out; or how often their classes are those of known points.

`analyze` finds the points with a model, `analyze_points` takes those that a person marked or corrected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, AnnotatedData, Batch, OnProgress, open_model, silent
from cephsure.workflows.dicom_objects import DICOM_FORMATS, wants_dicom, write_dicom_objects
from cephsure.workflows.predict import OVERLAY_SUFFIX, OutputFiles, PredictOptions, do_films

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from cephsure.cephalometry import Analysis, AnalysisDefinition
    from cephsure.cephalometry.class_agreement import ClassStudy
    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction

ANALYSIS_FORMATS = ("json", "csv")
"""Formats of measurements; those of a model's points also go into DICOM objects."""


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """What to measure and how.

    Attributes:
        analysis: names with commas between, or "all".
        norms: your own norms and classes, a TOML file.
        min_probability: a class is decided if it is at least this probable, above 0.5 to 1.
        uncalibrated: intervals from the samples' raw spread where the model is not calibrated.
        predict: how to find the landmarks.
    """

    analysis: str = "isbi"
    norms: Path | None = None
    min_probability: float = 0.8
    uncalibrated: bool = False
    predict: PredictOptions = field(default_factory=PredictOptions)

    def definitions(self) -> tuple[AnalysisDefinition, ...]:
        """The analyses; raise `InputError` if one is unknown, or the norms cannot be used."""
        from cephsure.cephalometry import load_analyses

        return load_analyses(self.analysis, norms=self.norms)


@dataclass(frozen=True, slots=True)
class AnalyzedFilm:
    """What was found, by a model if it was one, and what was measured on one film."""

    prediction: Prediction | None
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """How often a model's classes are those of the true points, and film -> why it could not be used."""

    study: ClassStudy
    dataset: str
    split: str
    errors: dict[Path, Exception]


def analyze(
    paths: Iterable[Path | str | Film],
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: AnalyzeOptions | None = None,
    files: OutputFiles | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Batch[AnalyzedFilm]:
    """Measure films: angles, distances and ratios with intervals and classes, as ``cephsure analyze`` does.

    ``files`` says what to write, in formats of ``ANALYSIS_FORMATS`` and ``DICOM_FORMATS``, None for nothing.

    Raises:
        InputError: what no film is at fault for: model, analyses, an option, the output folder.
    """
    from cephsure.films.spacing import check_mm_per_px

    options = options or AnalyzeOptions()
    definitions = options.definitions()
    check_mm_per_px(options.predict.mm_per_px)
    return do_films(
        lambda loaded: partial(_analyze_path, loaded, options, definitions, files),
        paths,
        files,
        (*ANALYSIS_FORMATS, *DICOM_FORMATS),
        lambda: open_model(model, device, executor, on_progress, samples=options.predict.samples),
    )


def compare_classes(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: AnalyzeOptions | None = None,
    json_file: Path | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> ClassComparison:
    """How often the classes are those of the true points, as ``cephsure analyze --data`` does.

    The figures also go to ``json_file``.

    Raises:
        InputError: model, data set or an option cannot be used, or not one film.
    """
    from cephsure.atomic import check_files, write_atomically
    from cephsure.cephalometry.class_agreement import class_study
    from cephsure.datasets import annotators
    from cephsure.datasets import truth as truth_of
    from cephsure.exports.output_files import readable_json
    from cephsure.workflows.assess import choose_films
    from cephsure.workflows.networks import Networks

    check_files(json_file)
    data, options = AnnotatedData.of(data), options or AnalyzeOptions()
    definitions, samples = options.definitions(), options.predict.samples
    loaded, at = open_model(model, device, executor, on_progress, samples=samples)
    dataset, split = choose_films(data.open(loaded.landmark_set, at.remark), data, Networks(loaded), at)
    measured = at.each_annotated(partial(_analyze_annotated, loaded, options, definitions), dataset)
    names = annotators(dataset.films)
    if not measured.results:
        raise InputError(f"no film of {dataset.name} can be used")
    study = class_study(
        [found.prediction for _, found in measured.results if found.prediction is not None],
        [found.analysis for _, found in measured.results],
        {
            name: [truth_of(film, name) for film, _ in measured.results]
            for name in dict.fromkeys([*names, data.truth])
        },
        definitions,
        truth=data.truth,
        observers=names,
    )
    if json_file is not None:
        document = {**study.document(), "dataset": dataset.name, "split": split}
        write_atomically(json_file, readable_json(document).encode("utf-8"))
    return ClassComparison(study, dataset.name, split, measured.errors)


def _analyze_path(
    model: Model,
    options: AnalyzeOptions,
    definitions: Sequence[AnalysisDefinition],
    files: OutputFiles | None,
    task: tuple[Path | Film, str],
) -> AnalyzedFilm:
    """Read and measure a film, and write its files, whose stem is known."""
    from cephsure.cephalometry.reviewed_film import ReviewedFilm

    given, stem = task
    film = options.predict.read(given)
    measured = _analyze(model, options, definitions, film)
    if files is not None:
        write_files(film, measured, files, stem=stem)
        if measured.prediction is not None and wants_dicom(files.formats):
            reviewed = ReviewedFilm.of(measured.prediction, model.landmark_set)
            write_dicom_objects(
                film, reviewed, files.formats, files.folder, stem=stem, analysis=measured.analysis
            )
    return measured


def _analyze_annotated(
    model: Model, options: AnalyzeOptions, definitions: Sequence[AnalysisDefinition], film: AnnotatedFilm
) -> tuple[AnnotatedFilm, AnalyzedFilm]:
    from cephsure.datasets import film_of

    return film, _analyze(model, options, definitions, film_of(film))


def _analyze(
    model: Model, options: AnalyzeOptions, definitions: Sequence[AnalysisDefinition], film: Film
) -> AnalyzedFilm:
    from cephsure.cephalometry import analyse, landmark_errors

    found = options.predict.predict(model, film)
    errors = landmark_errors(found, uncalibrated=options.uncalibrated)
    analysis = analyse(found, definitions, errors=errors, min_probability=options.min_probability)
    return AnalyzedFilm(found, analysis)


def render_analyses(analyses: Sequence[Analysis], fmt: str, folder: Path) -> str:
    """What was measured on films as one document, for a file that is to lie in ``folder``.

    Args:
        analyses: one a film.
        fmt: "csv", a line a measurement, or "json" for JSON Lines: each film's document, one a line.
        folder: from which the table's paths lead to the films.
    """
    from cephsure.exports.output_files import one_line_json, written_film
    from cephsure.workflows import analysis_csv

    if fmt == "csv":
        return analysis_csv.render(analyses, folder)
    return "".join(f"{one_line_json(written_film(each.document()))}\n" for each in analyses)


def write_files(film: Film | None, measured: AnalyzedFilm, files: OutputFiles, *, stem: str) -> None:
    """Write what was measured; a picture only where there is a film."""
    from cephsure.atomic import write_atomically
    from cephsure.exports.output_files import readable_json, written_film
    from cephsure.workflows import analysis_csv

    analysis = measured.analysis
    texts = {
        "json": lambda: readable_json(written_film(analysis.document())),
        "csv": lambda: analysis_csv.render([analysis], files.folder),
    }
    for name in files.formats:
        if name not in texts:
            continue
        write_atomically(files.folder / f"{stem}.analysis.{name}", texts[name]().encode("utf-8"))
    if files.overlay and film is not None:
        from cephsure.reports.measurement_overlay import write_measurement_overlay

        picture = files.folder / f"{stem}.analysis{OVERLAY_SUFFIX}"
        write_measurement_overlay(picture, film.pixels, analysis)
