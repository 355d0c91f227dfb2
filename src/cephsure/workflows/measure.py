"""Films in, cephalometric measurements out; or how often their classes are those of known points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cephsure.errors import FilmError, InputError
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    AnnotatedData,
    Batch,
    OnProgress,
    as_model,
    each_film,
    films_executor,
    silent,
)
from cephsure.workflows.predict import OVERLAY_SUFFIX, OutputFiles, PredictOptions, do_films

if TYPE_CHECKING:
    from collections.abc import Iterable
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
        """The analyses.

        Raises:
            InputError: an analysis is unknown, or the norms cannot be used.
        """
        from cephsure.cephalometry import load_analyses

        return load_analyses(self.analysis, norms=self.norms)


@dataclass(frozen=True, slots=True)
class AnalyzedFilm:
    """What was found and what was measured on one film."""

    prediction: Prediction
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """How often a model's classes are those of the true points.

    Attributes:
        study: the figures.
        dataset: the data set's name.
        split: which of its films, in words.
        errors: film -> why it could not be used.
    """

    study: ClassStudy
    dataset: str
    split: str
    errors: dict[Path, Exception]


def analyze(
    paths: Iterable[Path | str],
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: AnalyzeOptions | None = None,
    files: OutputFiles | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Batch[AnalyzedFilm]:
    """Measure films: angles, distances and ratios with intervals and classes, as ``cephsure analyze`` does.

    Args:
        paths: the films' files.
        model: a loaded model, a shipped one's name or a bundle's folder.
        options: what to measure and how.
        files: what to write, in formats of ``ANALYSIS_FORMATS``; None for nothing.
        device: where a model that is not loaded yet is computed; "auto" is a GPU where there is one.
        executor: does the films side by side, in processes or threads.
        on_progress: told after each film.

    Returns:
        The films in their order, and the errors of films that could not be used.

    Raises:
        InputError: what no film is at fault for: model, analyses, an option, the output folder.
    """
    options = options or AnalyzeOptions()
    definitions = options.definitions()
    return do_films(
        lambda loaded: _AnalyzeFilm(loaded, options, definitions, files),
        paths,
        model,
        mm_per_px=options.predict.mm_per_px,
        files=files,
        formats=ANALYSIS_FORMATS,
        device=device,
        executor=executor,
        on_progress=on_progress,
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

    Args:
        data: annotated films; test1 where there is one, else all, unless a split is named.
        model: a loaded model, a shipped one's name or a bundle's folder.
        options: what to measure and how.
        json_file: where the figures go.
        device: where a model that is not loaded yet is computed; "auto" is a GPU where there is one.
        executor: does the films side by side, in processes or threads.
        on_progress: told after each film.

    Returns:
        The figures, and the errors of films that could not be used.

    Raises:
        InputError: model, data set or an option cannot be used, or not one film.
    """
    from cephsure.atomic import write_atomically
    from cephsure.cephalometry.class_agreement import class_study
    from cephsure.datasets import annotators
    from cephsure.datasets import truth as truth_of
    from cephsure.exports.output_files import readable_json
    from cephsure.workflows.assess import choose_films

    data, options = AnnotatedData.of(data), options or AnalyzeOptions()
    definitions, loaded = options.definitions(), as_model(model, device, on_progress)
    dataset, split = choose_films(data.open(loaded.landmark_set), data, on_progress=on_progress)
    outcomes = each_film(
        _AnalyzeFilm(loaded, options, definitions),
        dataset.films,
        path=lambda film: film.path,
        is_films_own=lambda error: isinstance(error, FilmError),
        executor=films_executor(loaded, executor),
        on_progress=on_progress,
    )
    measured, names = Batch.of(outcomes), annotators(dataset.films)
    if not measured.results:
        raise InputError(f"no film of {dataset.name} can be used")
    used = [film for film, outcome in zip(dataset.films, outcomes, strict=True) if outcome.error is None]
    study = class_study(
        [film.prediction for film in measured.results],
        [film.analysis for film in measured.results],
        {name: [truth_of(film, name) for film in used] for name in dict.fromkeys([*names, data.truth])},
        definitions,
        truth=data.truth,
        observers=names,
    )
    if json_file is not None:
        document = {**study.document(), "dataset": dataset.name, "split": split}
        write_atomically(json_file, readable_json(document).encode("utf-8"))
    return ClassComparison(study, dataset.name, split, measured.errors)


@dataclass(frozen=True, slots=True)
class _AnalyzeFilm:
    """Reads a film, of which its files' stem is known or which is of a data set, measures and writes it."""

    model: Model
    options: AnalyzeOptions
    definitions: tuple[AnalysisDefinition, ...]
    files: OutputFiles | None = None

    def __call__(self, task: tuple[Path, str] | AnnotatedFilm) -> AnalyzedFilm:
        from cephsure.cephalometry import analyse, landmark_errors
        from cephsure.datasets import film_of

        predict = self.options.predict
        film = predict.read(task[0]) if isinstance(task, tuple) else film_of(task)
        prediction = predict.predict(self.model, film)
        analysis = analyse(
            prediction,
            self.definitions,
            errors=landmark_errors(prediction, uncalibrated=self.options.uncalibrated),
            min_probability=self.options.min_probability,
        )
        measured = AnalyzedFilm(prediction, analysis)
        if self.files is not None and isinstance(task, tuple):
            _write(film, measured, self.files, stem=task[1])
        return measured


def _write(film: Film, measured: AnalyzedFilm, files: OutputFiles, *, stem: str) -> None:
    from cephsure.atomic import write_atomically
    from cephsure.cephalometry.analysis import analyses_csv
    from cephsure.exports.output_files import readable_json

    analysis = measured.analysis
    texts = {"json": lambda: readable_json(analysis.document()), "csv": lambda: analyses_csv([analysis])}
    for name in files.formats:
        write_atomically(files.folder / f"{stem}.analysis.{name}", texts[name]().encode("utf-8"))
    if files.overlay:
        from cephsure.reports.measurement_overlay import write_measurement_overlay

        picture = files.folder / f"{stem}.analysis{OVERLAY_SUFFIX}"
        write_measurement_overlay(picture, film.pixels, measured.prediction, analysis)
