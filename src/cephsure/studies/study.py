"""A study: models, data and a folder, from which every experiment is made."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cephsure.datasets.splits import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.studies.study_model import StudyModel

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
