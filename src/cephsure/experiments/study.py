"""A study: models, data and a folder, from which every experiment is made."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.experiments.study_model import StudyModel

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
        dataset: annotated films with the splits "train" and "test1" (ISBI 2015).
        cts: head CTs: NIfTI files, folders of a DICOM series, InVesalius projects.
        other_site: annotated films of another scanner, or None.
        out: where predictions and results go.
        seed: of random fields, stochastic passes and bootstraps.
        shift_films: how many films of Test1 the shifts (distortion, detection) are applied to; each is
            predicted under many conditions.
        progress: shows how far it is.
    """

    models: tuple[StudyModel, ...]
    dataset: Dataset
    out: Path
    cts: tuple[Path, ...] = ()
    other_site: Dataset | None = None
    seed: int = 0
    shift_films: int = 10
    progress: Progress = field(default=silent)

    def folder_of(self, model: StudyModel) -> Path:
        """Where a model's predictions lie: in the study's folder, or where they were stored before."""
        if model.model is None and model.stored is not None:
            return model.stored
        return self.out / PREDICTIONS_FOLDER / model.label
