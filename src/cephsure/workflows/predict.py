"""Films in, landmarks with their uncertainty out, and the files that say so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from cephsure.atomic import check_folders
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL, Batch, OnProgress, goes_on, open_model, silent
from cephsure.workflows.dicom_objects import DICOM_FORMATS, check_dicom, wants_dicom, write_dicom_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from concurrent.futures import Executor

    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import RegionKind
    from cephsure.uncertainty.readers.cases import TruthOf
    from cephsure.uncertainty.readers.reader import Reader
    from cephsure.workflows.batch import Workplace

Result = TypeVar("Result")

_WITHOUT_FILE = "film"
OVERLAY_SUFFIX = ".overlay.png"
"""What follows the film's name in the name of its overlay."""


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How to predict.

    Attributes:
        mm_per_px: the user's scale; it goes before what the films state.
        samples: members or passes; None for the model's own number.
        seed: of MC-Dropout's passes.
        facing: where the face looks; "auto" finds out.
        polarity: whether bone is bright; "auto" finds out.
        level: probability with which each region holds the true point; None for the usual.
        region: kind of region; None for the model's own.
        reader: whose marks are foretold, as ``Model.reader`` takes it.
        truth_of: whether regions are to hold one reader's marks or the mean of two readers'.
        thorough: also the measures that take time of their own.
    """

    mm_per_px: float | None = None
    samples: int | None = None
    seed: int = 0
    facing: Literal["auto", "left", "right"] = "auto"
    polarity: Literal["auto", "positive", "negative"] = "auto"
    level: float | None = None
    region: RegionKind | None = None
    reader: Reader | Path | str | None = None
    truth_of: TruthOf | None = None
    thorough: bool = False

    def read(self, film: Path | Film) -> Film:
        """Read a film, if it is not there yet; raise `FilmError` if it cannot be read."""
        from cephsure import films

        return films.read(film, mm_per_px=self.mm_per_px) if isinstance(film, Path) else film

    def predict(self, model: Model, film: Film) -> Prediction:
        """Find a film's landmarks; raise `InputError` if the model cannot give what is asked of it."""
        return model.predict(
            film,
            samples=self.samples,
            seed=self.seed,
            facing=self.facing,
            polarity=self.polarity,
            level=self.level,
            region=self.region,
            reader=self.reader,
            truth_of=self.truth_of,
        )


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Which files to write of each film.

    Attributes:
        folder: where; made if absent. A file that is there is replaced.
        formats: one file each.
        overlay: also a PNG of the film with what was found.
    """

    folder: Path
    formats: tuple[str, ...] = ("json",)
    overlay: bool = False

    def check(self, known: Collection[str]) -> None:
        """Raise `InputError` if a format is not among those known."""
        unknown = [name for name in self.formats if name not in known]
        if unknown:
            raise InputError(f"no format is called {unknown[0]!r}; known: {', '.join(known)}")

    def make_folder(self, stems: Collection[str]) -> None:
        """Make the folder, if it is not there; `InputError` if files of these stems cannot be written."""
        longest = max(stems, key=lambda stem: len(stem.encode("utf-8")))
        check_folders(self.folder, name=longest + OVERLAY_SUFFIX)
        self.folder.mkdir(parents=True, exist_ok=True)


def predict_films(
    paths: Iterable[Path | str | Film],
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: PredictOptions | None = None,
    files: OutputFiles | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Batch[Prediction]:
    """Find the landmarks on films and say how far to trust each, as ``cephsure predict`` does.

    A film that cannot be used is told and named in the result; the others go on. Films may be files or read
    already; these keep the scale that they have. ``files`` says what to write, None for nothing.

    Raises:
        InputError: what no film is at fault for: the model (BundleError), an option, the output folder.
    """
    from cephsure.exports import EXPORTERS
    from cephsure.films.spacing import check_mm_per_px

    options = options or PredictOptions()

    def work(loaded: Model) -> Callable[[tuple[Path | Film, str]], Prediction]:
        return partial(_predict_film, loaded.thorough() if options.thorough else loaded, options, files)

    check_mm_per_px(options.mm_per_px)
    samples = options.samples
    return do_films(
        work,
        paths,
        files,
        (*EXPORTERS, *DICOM_FORMATS),
        lambda: open_model(model, device, executor, on_progress, samples=samples),
    )


def do_films(
    work: Callable[[Model], Callable[[tuple[Path | Film, str]], Result]],
    paths: Iterable[Path | str | Film],
    files: OutputFiles | None,
    formats: Collection[str],
    opened: Callable[[], tuple[Model, Workplace]],
) -> Batch[Result]:
    """Check what is to be written, load the model, do each film; ``work`` takes it and its files' stem.

    Raises:
        InputError: what no film is at fault for.
    """
    from cephsure.exports import unique_stems

    tasks = [Path(film) if isinstance(film, str) else film for film in paths]
    if files is not None:
        files.check(formats)
        check_dicom(files.formats)
    if not tasks:
        return Batch((), {})
    stems = unique_stems([_place(film) for film in tasks])
    if files is not None:
        files.make_folder(stems)
    model, at = opened()
    named = list(zip(tasks, stems, strict=True))
    return at.each_film(work(model), named, path=lambda task: _place(task[0]), is_films_own=goes_on)


def _place(film: Path | Film) -> Path:
    """The film's file, or what the files of a film without one are called."""
    return film if isinstance(film, Path) else film.path or Path(_WITHOUT_FILE)


def _predict_film(
    model: Model, options: PredictOptions, files: OutputFiles | None, task: tuple[Path | Film, str]
) -> Prediction:
    """Read a film, find its landmarks and write its files."""
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.exports import export

    given, stem = task
    film = options.read(given)
    prediction = options.predict(model, film)
    if files is not None:
        for name in files.formats:
            if name not in DICOM_FORMATS:
                export(prediction, name, files.folder, stem=stem)
        if wants_dicom(files.formats):
            reviewed = ReviewedFilm.of(prediction, model.landmark_set)
            write_dicom_objects(film, reviewed, files.formats, files.folder, stem=stem)
        if files.overlay:
            from cephsure.reports.overlay import write_overlay

            write_overlay(files.folder / f"{stem}{OVERLAY_SUFFIX}", film.pixels, prediction)
    return prediction
