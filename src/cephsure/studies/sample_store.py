"""Samples of a study kept as files: what single members and passes found, film by film, and what it cost."""

from __future__ import annotations

import io
import json
import logging
import time
import zipfile
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.inference.samples import Samples
from cephsure.studies.study import FACTS_FILE
from cephsure.uncertainty.prediction import in_millimetres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.studies.study import StudyModel

    Arrays = dict[str, NDArray[Any]]

logger = logging.getLogger(__name__)

_SAVE_SECONDS = 30.0
_PARTS = ("positions_px", "activations", "expected_errors_px", "entropies")
_DAMAGE = (OSError, EOFError, zipfile.BadZipFile, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class FilmSamples:
    """T samples of L landmarks on one film, in single precision: 0.0001 px where a film has thousands.

    Attributes:
        positions_px: (T, L, 2) in px of the film as given.
        activations: (T, L).
        expected_errors_px: (T, L).
        entropies: (T, L) in nats.
        mm_per_px: (2,) scale, NaN where unknown.
    """

    positions_px: NDArray[np.float32]
    activations: NDArray[np.float32]
    expected_errors_px: NDArray[np.float32]
    entropies: NDArray[np.float32]
    mm_per_px: NDArray[np.float64]

    @staticmethod
    def of(samples: Samples, film: Film) -> FilmSamples:
        """What is kept of a film's samples."""
        scale = film.spacing
        mm_per_px = (np.nan, np.nan) if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px)
        kept = {name: np.asarray(getattr(samples, name), dtype=np.float32) for name in _PARTS}
        return FilmSamples(**kept, mm_per_px=np.array(mm_per_px))

    def in_mm(self, chosen: NDArray[np.intp]) -> Samples:
        """Some of the samples, every length in mm."""
        some = Samples(**{name: getattr(self, name)[chosen].astype(np.float64) for name in _PARTS})
        x, y = map(float, self.mm_per_px)
        return in_millimetres(some, mm_per_px=(x, y))


@dataclass(frozen=True, slots=True)
class Cost:
    """What drawing took on one machine.

    Attributes:
        counts: (C,) numbers of samples.
        ms: (F, C) milliseconds for that many on each of F films.
        machine: where it was measured.
    """

    counts: NDArray[np.int64]
    ms: NDArray[np.float64]
    machine: str

    def median_ms(self, count: int) -> float:
        """Median over the films for ``count`` samples; NaN if it was not measured."""
        timed = self.ms[:, self.counts == count]
        return float(np.median(timed)) if timed.size else float("nan")


class SampleStore:
    """One model's samples of one part of a study: ``FOLDER/PART.npz``, readable without pickle.

    ``made_by`` in it says which bundle drew them, with which seed and how many. Where the bundle is at hand
    and one of these has changed, the file is not used and is replaced; where it is not, that is an error.

    Args:
        folder: the model's.
        part: names the file.
        model: whose samples these are.
        seed: of the study.
        count: samples a film.

    Raises:
        InputError: the file is damaged, or was made otherwise and cannot be made anew.
    """

    def __init__(self, folder: Path, part: str, model: StudyModel, *, seed: int, count: int) -> None:
        self.path = folder / f"{part}.npz"
        self.films: dict[str, FilmSamples] = {}
        self.cost: Cost | None = None
        self._model = model
        self._made_by = {"sha256": model.sha256, "seed": seed, "count": count}
        self._unsaved, self._saved_at = False, time.monotonic()
        if self.path.is_file():
            self._read()

    def missing(self, film_ids: Sequence[str]) -> list[str]:
        """Those of the films whose samples are not kept."""
        return [film_id for film_id in film_ids if film_id not in self.films]

    def add(self, film_id: str, samples: FilmSamples) -> None:
        """Keep a film's samples; written now and then, and by ``save``."""
        self.films[film_id] = samples
        self._unsaved = True
        if time.monotonic() - self._saved_at > _SAVE_SECONDS:
            self.save()

    def add_cost(self, cost: Cost) -> None:
        """Keep what drawing took; written by ``save``."""
        self.cost = cost
        self._unsaved = True

    def save(self) -> None:
        """Write the file in one step, and the model's facts beside it; nothing where nothing is new."""
        if not self._unsaved:
            return
        ids = sorted(self.films)
        arrays: Arrays = {"made_by": np.array(json.dumps(self._made_by)), "films": np.array(ids)}
        for field in fields(FilmSamples):
            arrays[field.name] = np.stack([getattr(self.films[name], field.name) for name in ids])
        if self.cost is not None:
            arrays |= {"cost_counts": self.cost.counts, "cost_ms": self.cost.ms}
            arrays["machine"] = np.array(self.cost.machine)
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_atomically(self.path, stream.getvalue())
        facts = (json.dumps(self._model.facts(), indent=2) + "\n").encode("utf-8")
        write_atomically(self.path.with_name(FACTS_FILE), facts)
        self._unsaved, self._saved_at = False, time.monotonic()

    def _read(self) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if not self._usable(json.loads(str(arrays["made_by"]))):
                logger.info("%s was drawn by another bundle, seed or number: drawn anew", self.path)
                return
            names = [field.name for field in fields(FilmSamples)]
            for index, film_id in enumerate(arrays["films"]):
                self.films[str(film_id)] = FilmSamples(**{name: arrays[name][index] for name in names})
            if "cost_ms" in arrays:
                self.cost = Cost(arrays["cost_counts"], arrays["cost_ms"], str(arrays["machine"]))
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(
                f"not a file of samples: {error}", where=self.path, remedy="delete it to draw them anew"
            ) from error

    def _usable(self, made_by: Mapping[str, Any]) -> bool:
        if dict(made_by) == self._made_by:
            return True
        if self._model.model is not None:
            return False
        raise InputError(
            f"drawn as {dict(made_by)}, not as {self._made_by}",
            where=self.path,
            remedy="give the model's bundle, or the seed they were drawn with",
        )
