"""A study: its models, its data and its folder, from which every experiment is made."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import TypeAdapter

from cephsure.bundles.bundle import FACTS_FILE as BUNDLE_FILE
from cephsure.datasets.splits import ALL
from cephsure.errors import InputError
from cephsure.model import load_model, shipped_models
from cephsure.text_files import read_json
from cephsure.training.recipe import STOPPED
from cephsure.uncertainty import ALWAYS, MEASURES
from cephsure.uncertainty.readers.reader import read_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from cephsure.datasets import Dataset
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.readers.reader import Reader

ModelKind = Literal["baseline", "ensemble", "mc-dropout"]

PREDICTIONS_FOLDER = "predictions"
FACTS_FILE = "model.json"
BUNDLE_FOLDER = "bundle"
PUBLISHED_MEASURE: dict[str, str] = {"baseline": "activation", "ensemble": "spread", "mc-dropout": "spread"}
"""The measure by which the reference judges each kind of model."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of a model of a study."""

    label: str  # unique in the study; names its stored predictions
    recipe: str  # "paper" or "default"
    kind: ModelKind
    truth: str  # the annotation it was trained on
    samples: int  # members, or stochastic passes a film
    changes: tuple[str, ...]  # what was changed of the recipe ("filters x 0.5", ...), in words
    sha256: str  # of its bundle as it was trained, before any calibration
    made: str = ""  # the day its bundle was made, as YYYY-MM-DD, if that is known
    reader: str = ""  # whose marks it foretells; "" for the annotators' mean, as it was trained


@dataclass(frozen=True, kw_only=True)
class StudyModel(ModelFacts):
    """A model of a study: a bundle that can predict, or predictions stored by an earlier study."""

    model: Model | None = None  # ready to predict, or None where only its stored predictions are at hand
    stored: Path | None = None  # folder with its predictions from an earlier study, or None
    measures: tuple[str, ...] = tuple(MEASURES)  # which its predictions are asked for
    marks_as: Reader | None = None  # that reader, where the model is at hand

    @property
    def own_measure(self) -> str:
        """The measure that the reference uses for this kind."""
        return PUBLISHED_MEASURE[self.kind]

    @property
    def under_trained(self) -> bool:
        """Whether training was stopped at a given validation error."""
        return any(change.startswith(STOPPED) for change in self.changes)

    @property
    def title(self) -> str:
        """What it is, for tables and legends: recipe, kind, samples, truth, changes."""
        several = f" ({self.samples})" if self.kind != "baseline" else ""
        reader = [f"for {self.reader}"] if self.reader else []
        return ", ".join([f"{self.recipe} {self.kind}{several}", self.truth, *self.changes, *reader])

    def predict(self, film: Film, **how: Any) -> Prediction:
        """What the model finds on a film, as ``Model.predict`` gives it, for the study's reader.

        Raises:
            InputError: only stored predictions are at hand.
        """
        if self.model is None:
            raise InputError(f"of {self.label} only stored predictions are at hand", remedy="give its bundle")
        if self.marks_as is not None:
            how["reader"] = self.marks_as
        return self.model.predict(film, **how)

    def facts(self) -> dict[str, Any]:
        """What is known of it, by the names of ``ModelFacts``."""
        return {known.name: getattr(self, known.name) for known in fields(ModelFacts)}


class Progress(Protocol):
    """Shows how far a long part is: ``with progress("distortion", 1200) as step: ... step()``."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[], None]]:
        """Begin a part of ``total`` steps."""


@contextmanager
def silent(_what: str, _total: int, /) -> Iterator[Callable[[], None]]:
    """Progress that shows nothing."""
    yield lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What the experiments are made from."""

    models: tuple[StudyModel, ...]  # at least one
    dataset: Dataset  # annotated films, such as those of ISBI 2015; of a split "train" shapes are learnt
    out: Path  # where predictions and results go
    split: str = "test1"  # the films that the experiments are made on, which no model was trained on
    cts: tuple[Path, ...] = ()  # head CTs: NIfTI files, folders of a DICOM series, InVesalius projects
    other_site: Dataset | None = None  # annotated films of another scanner
    seed: int = 0  # of random fields, stochastic passes and bootstraps
    shift_films: int = 10  # how many are distorted and corrupted; each is predicted under many conditions
    progress: Progress = field(default=silent)  # shows how far it is

    @property
    def test_name(self) -> str:
        """What texts call the films of the split: "Test1", or the data set's name where it has no splits."""
        return self.dataset.name if self.split == ALL else self.split.capitalize()

    def folder_of(self, model: StudyModel) -> Path:
        """Where a model's predictions lie: in the study's folder, or where they were stored before."""
        if model.model is None and model.stored is not None:
            return model.stored
        return self.out / PREDICTIONS_FOLDER / model.label


def open_models(
    names: Sequence[str],
    *,
    quick: bool = False,
    device: Device = "cpu",
    reader: str | None = None,
) -> tuple[StudyModel, ...]:
    """Open the models of a study, in their order; those of one folder by name.

    Args:
        names: each the name of a shipped model, a bundle's folder, a training run's folder, a folder of
            predictions that an earlier study stored, or a folder that holds several of the last three.
        quick: leave out the measures that take time of their own.
        device: where their networks are computed.
        reader: whose marks they are to foretell, as ``Model.reader`` takes it; None for the annotators' mean.

    Raises:
        InputError: no model there, or two that would share a label; one does not know the reader, or its
            stored predictions are of another.
    """
    places = (place for name in names for place in _places(Path(name)))
    models = tuple(_open(place, quick=quick, device=device, reader=reader) for place in places)
    label, count = Counter(model.label for model in models).most_common(1)[0] if models else ("", 0)
    if count > 1:
        raise InputError(f"two models of the study are called {label}", remedy="rename one of the folders")
    return models


def _places(place: Path) -> list[Path]:
    """The place itself, or the models that a folder of several holds."""
    if str(place) in shipped_models() or not place.is_dir() or _is_model(place):
        return [place]
    return [inner for inner in sorted(place.iterdir()) if inner.is_dir() and _is_model(inner)] or [place]


def _is_model(folder: Path) -> bool:
    """Whether it is a bundle, a run or a folder of stored predictions."""
    return any((folder / part).exists() for part in (BUNDLE_FILE, BUNDLE_FOLDER, FACTS_FILE))


def _reader_name(reader: str | None) -> str:
    """What a reader is called: a file says its own name."""
    if reader is None:
        return ""
    return read_reader(Path(reader)).name if Path(reader).is_file() else reader


def _open(place: Path, *, quick: bool, device: Device, reader: str | None) -> StudyModel:
    name = _reader_name(reader)
    if str(place) not in shipped_models():
        path = place / FACTS_FILE
        if path.is_file():
            try:
                facts = TypeAdapter(ModelFacts).validate_python(read_json(path))
            except (OSError, ValueError) as error:
                wrong = f"not a stored model's facts: {' '.join(str(error).split())}"
                raise InputError(wrong, where=path) from error
            if name and facts.reader != name:
                whose = facts.reader or "the annotators' mean"
                what = f"these stored predictions are of {whose}, not of the reader {name}"
                raise InputError(what, where=place, remedy="give the model's bundle, or leave out --reader")
            return StudyModel(**vars(facts), stored=place)
        if (place / BUNDLE_FOLDER).is_dir():
            place /= BUNDLE_FOLDER
    inside = place.resolve()
    whole = load_model(place, device=device)
    model, bundle = whole.uncalibrated(), whole.bundle
    return StudyModel(
        label=inside.parent.name if inside.name == BUNDLE_FOLDER else inside.name,
        recipe=bundle.recipe.name,
        kind=bundle.kind,
        truth=bundle.provenance.truth,
        samples=model.default_samples,
        changes=bundle.recipe.changes,
        # A calibration changes neither points nor measures: what the networks gave before stays good.
        sha256=model.networks_sha256,
        made=bundle.provenance.made,
        # Regions and verdicts would cost time and are not kept.
        model=model if quick else model.thorough(),
        measures=tuple(measure.name for measure in ALWAYS) if quick else tuple(MEASURES),
        reader=name,
        marks_as=None if reader is None else whole.reader(reader),
    )
