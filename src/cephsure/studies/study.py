"""A study: its models, its data and its folder, from which every experiment is made."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cephsure.bundles.bundle import FACTS_FILE as BUNDLE_FILE
from cephsure.datasets.splits import ALL
from cephsure.errors import InputError
from cephsure.model import load_model, shipped_models
from cephsure.training.recipe import STOPPED
from cephsure.uncertainty import ALWAYS, MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from cephsure.datasets import Dataset
    from cephsure.model import Model

PREDICTIONS_FOLDER = "predictions"


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
    """What the experiments are made from.

    Attributes:
        models: at least one.
        dataset: annotated films, such as those of ISBI 2015; of a split "train" shapes are learnt.
        split: the films that the experiments are made on, which no model was trained on.
        cts: head CTs: NIfTI files, folders of a DICOM series, InVesalius projects.
        other_site: annotated films of another scanner, or None.
        out: where predictions and results go.
        seed: of random fields, stochastic passes and bootstraps.
        shift_films: how many films the shifts (distortion, detection) are applied to; each is
            predicted under many conditions.
        progress: shows how far it is.
    """

    models: tuple[StudyModel, ...]
    dataset: Dataset
    out: Path
    split: str = "test1"
    cts: tuple[Path, ...] = ()
    other_site: Dataset | None = None
    seed: int = 0
    shift_films: int = 10
    progress: Progress = field(default=silent)

    @property
    def test_name(self) -> str:
        """What texts call the films of the split: "Test1", or the data set's name where it has no splits."""
        return self.dataset.name if self.split == ALL else self.split.capitalize()

    def folder_of(self, model: StudyModel) -> Path:
        """Where a model's predictions lie: in the study's folder, or where they were stored before."""
        if model.model is None and model.stored is not None:
            return model.stored
        return self.out / PREDICTIONS_FOLDER / model.label


ModelKind = Literal["baseline", "ensemble", "mc-dropout"]

FACTS_FILE = "model.json"
BUNDLE_FOLDER = "bundle"
PUBLISHED_MEASURE: dict[str, str] = {"baseline": "activation", "ensemble": "spread", "mc-dropout": "spread"}
"""The measure by which the reference judges each kind of model."""


@dataclass(frozen=True, slots=True)
class StudyModel:
    """One model of a study.

    Attributes:
        label: unique in the study; names its stored predictions.
        recipe: "paper" or "default".
        kind: "baseline", "ensemble" or "mc-dropout".
        truth: the annotation it was trained on.
        samples: members, or stochastic passes a film.
        changes: what was changed of the recipe ("filters x 0.5", ...), in words.
        sha256: of its bundle as it was trained, before any calibration.
        model: ready to predict, or None where only its stored predictions are at hand.
        stored: folder with its predictions from an earlier study, or None.
        made: the day its bundle was made, as YYYY-MM-DD; "" if that is not known.
        measures: which measures its predictions are asked for.
    """

    label: str
    recipe: str
    kind: ModelKind
    truth: str
    samples: int
    changes: tuple[str, ...]
    sha256: str
    model: Model | None
    stored: Path | None
    made: str = ""
    measures: tuple[str, ...] = tuple(MEASURES)

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
        changed = f", {', '.join(self.changes)}" if self.changes else ""
        return f"{self.recipe} {self.kind}{several}, {self.truth}{changed}"

    def facts(self) -> dict[str, Any]:
        """What is known of it, as JSON data."""
        return {
            "label": self.label,
            "recipe": self.recipe,
            "kind": self.kind,
            "truth": self.truth,
            "samples": self.samples,
            "changes": list(self.changes),
            "sha256": self.sha256,
            "made": self.made,
        }


def open_models(names: list[str], *, quick: bool = False) -> tuple[StudyModel, ...]:
    """Open the models of a study.

    Args:
        names: each the name of a shipped model, a bundle's folder, a training run's folder, a folder of
            predictions that an earlier study stored, or a folder that holds several of the last three.
        quick: leave out the measures that take time of their own.

    Returns:
        The models in their order; those of one folder by name.

    Raises:
        InputError: no model there, or two that would share a label.
    """
    models = tuple(_open(place, quick=quick) for name in names for place in _places(name))
    labels = [model.label for model in models]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(
                f"two models of the study are called {label}", remedy="rename one of the folders"
            )
    return models


def _places(name: str) -> list[str | Path]:
    """The name itself, or what a folder of several models holds."""
    folder = Path(name)
    if name in shipped_models() or not folder.is_dir() or _is_model(folder):
        return [name]
    several = [inner for inner in sorted(folder.iterdir()) if inner.is_dir() and _is_model(inner)]
    return [*several] or [name]


def _is_model(folder: Path) -> bool:
    """Whether it is a bundle, a run or a folder of stored predictions."""
    return any((folder / part).exists() for part in (BUNDLE_FILE, BUNDLE_FOLDER, FACTS_FILE))


def _open(name: str | Path, *, quick: bool) -> StudyModel:
    if str(name) in shipped_models():
        return _of_bundle(str(name), name, quick=quick)
    folder = Path(name)
    if (folder / FACTS_FILE).is_file():
        return _stored(folder)
    if (folder / BUNDLE_FOLDER).is_dir():
        return _of_bundle(folder.resolve().name, folder / BUNDLE_FOLDER, quick=quick)
    inside = folder.resolve()
    label = inside.parent.name if inside.name == BUNDLE_FOLDER else inside.name
    return _of_bundle(label, folder, quick=quick)


def _of_bundle(label: str, name_or_path: str | Path, *, quick: bool) -> StudyModel:
    model = load_model(name_or_path).uncalibrated()
    bundle = model.bundle
    return StudyModel(
        label=label,
        recipe=bundle.recipe.name,
        kind=bundle.kind,
        truth=bundle.provenance.truth,
        samples=model.default_samples,
        changes=bundle.recipe.changes,
        # A calibration changes neither points nor measures: what the networks gave before stays good.
        sha256=model.networks_sha256,
        # Regions and verdicts would cost time and are not kept.
        model=model if quick else model.thorough(),
        stored=None,
        made=bundle.provenance.made,
        measures=tuple(measure.name for measure in ALWAYS) if quick else tuple(MEASURES),
    )


def _stored(folder: Path) -> StudyModel:
    path = folder / FACTS_FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        PUBLISHED_MEASURE[facts["kind"]]  # a KeyError for a kind there is not
        return StudyModel(
            label=str(facts["label"]),
            recipe=str(facts["recipe"]),
            kind=facts["kind"],
            truth=str(facts["truth"]),
            samples=int(facts["samples"]),
            changes=tuple(map(str, facts["changes"])),
            sha256=str(facts["sha256"]),
            model=None,
            stored=folder,
            made=str(facts.get("made", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a stored model's facts: {error}", where=path) from error
