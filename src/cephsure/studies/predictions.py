"""Predictions of a study, kept as files so that what is done is not done again."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import math
import time
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.cases import PointTable
from cephsure.studies.study import FACTS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.studies.cases import Case
    from cephsure.studies.study import Study, StudyModel
    from cephsure.uncertainty import Prediction

logger = logging.getLogger(__name__)

_KEY_COLUMNS = ("film", "condition", "number")
_POINT_COLUMNS = ("x_px", "y_px", "mm_per_px_x", "mm_per_px_y")

# A save costs a share of the time since the last one that is not felt, however large the table has grown.
_SAVE_SECONDS = 15.0
_SAVE_SHARE = 0.05

# What a file cut short or overwritten makes gzip, csv and JSON raise.
_DAMAGE = (OSError, EOFError, zlib.error, csv.Error, ValueError, LookupError, TypeError, AttributeError)

Key = tuple[str, str]
Row = dict[str, float]


class PredictionStore:
    """One model's predictions of one part of a study: ``FOLDER/PART.csv.gz``, a line a film and landmark.

    The first line is a comment, ``# {"sha256": ..., "seed": ..., "measures": [...]}``: which bundle made the
    predictions, with which seed, and which measures it was asked for; ``"source"`` where the films depend on
    more than their names say. Where the bundle is at hand and one of these has changed, the file is not used
    and is replaced. Where it is not, the file is taken as it is, but for another seed, which may mean other
    conditions, and for another source.

    Args:
        folder: the model's.
        part: names the file.
        model: whose predictions these are.
        seed: of the study.
        source: a checksum of what the films are made from, or "".

    Raises:
        InputError: the file is damaged, or is of another seed or source and cannot be made anew.
    """

    def __init__(
        self, folder: Path, part: str, model: StudyModel, *, seed: int = 0, source: str = ""
    ) -> None:
        self.path = folder / f"{part}.csv.gz"
        self._model = model
        self._made_by = {"sha256": model.sha256, "seed": seed, "measures": list(model.measures)}
        if source:
            self._made_by["source"] = source
        self._rows: dict[Key, dict[int, Row]] = {}
        self._unsaved = False
        self._saved_at, self._save_cost = time.monotonic(), 0.0
        if self.path.is_file():
            self._read()

    def __contains__(self, key: Key) -> bool:
        """Whether a case's predictions are kept."""
        return key in self._rows

    def add(self, key: Key, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Keep a case's predictions: landmark number -> column -> value. Written by ``save``.

        Values are rounded as the file has them, so that a result does not depend on whether its predictions
        were just made or read.
        """
        self._rows[key] = {
            number: {name: float(_cell(value)) for name, value in row.items() if not math.isnan(value)}
            for number, row in rows.items()
        }
        self._unsaved = True

    def save(self, *, when_due: bool = False) -> None:
        """Write the file in one step, and the model's facts beside it; nothing where nothing is new.

        Args:
            when_due: only if the last time is long enough ago that writing again costs little.
        """
        if not self._unsaved or (when_due and not self._due()):
            return
        start = time.monotonic()
        # mtime=0: the same predictions are the same file.
        write_atomically(self.path, gzip.compress(self._text().encode("utf-8"), compresslevel=6, mtime=0))
        facts = (json.dumps(self._model.facts(), indent=2) + "\n").encode("utf-8")
        write_atomically(self.path.with_name(FACTS_FILE), facts)
        self._unsaved = False
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - start

    def table(self, keys: Sequence[Key]) -> PointTable:
        """The kept predictions of ``keys``, in that order.

        Raises:
            InputError: one of them is not there.
        """
        self.require(keys)
        rows = {key: self._rows[key] for key in keys}
        numbers = tuple(rows[keys[0]]) if keys else ()
        for key, landmarks in rows.items():
            if tuple(landmarks) != numbers:
                raise self._damage(f"the landmarks of film {key[0]} {key[1]} are not those of the others")
        columns = {name: _values(rows.values(), numbers, name) for name in _columns(rows.values())}
        points = [columns.pop(name, np.full((len(rows), len(numbers)), np.nan)) for name in _POINT_COLUMNS]
        x_px, y_px, scale_x, scale_y = points
        return PointTable(
            tuple(keys),
            numbers,
            np.stack([x_px, y_px], axis=-1),
            # One scale a film: it stands in each of its landmarks' lines.
            np.stack([scale_x[:, :1], scale_y[:, :1]], axis=-1).reshape(-1, 2),
            columns,
        )

    def require(self, keys: Sequence[Key]) -> None:
        """Check that the predictions of ``keys`` are kept.

        Raises:
            InputError: one of them is not.
        """
        missing = [key for key in keys if key not in self._rows]
        if missing:
            film_id, condition = missing[0]
            others = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InputError(
                f"no stored prediction of film {film_id}{f' ({condition})' if condition else ''}{others}",
                where=self.path,
                remedy="give the model's bundle, so that it can be made, or the films it was made for",
            )

    def _due(self) -> bool:
        since = time.monotonic() - self._saved_at
        return since >= max(_SAVE_SECONDS, self._save_cost / _SAVE_SHARE)

    def _text(self) -> str:
        columns = _columns(self._rows.values())
        text = io.StringIO()
        text.write(f"# {json.dumps(self._made_by)}\n")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_KEY_COLUMNS, *columns])
        # Sorted: the same predictions are the same file, in whatever order they were made.
        for film_id, condition in sorted(self._rows):
            for number, row in self._rows[film_id, condition].items():
                cells = (_cell(row[name]) if name in row else "" for name in columns)
                writer.writerow([film_id, condition, number, *cells])
        return text.getvalue()

    def _read(self) -> None:
        try:
            text = io.StringIO(gzip.decompress(self.path.read_bytes()).decode("utf-8"))
            if not self._usable(json.loads(text.readline().removeprefix("#"))):
                logger.info(
                    "%s was made by another bundle, seed, source or set of measures: made anew", self.path
                )
                return
            for line in csv.DictReader(text):
                film_id, condition, number = (line.pop(name) for name in _KEY_COLUMNS)
                row = {name: float(value) for name, value in line.items() if value}
                self._rows.setdefault((film_id, condition), {})[int(number)] = row
        except InputError:
            raise
        except _DAMAGE as error:
            raise self._damage(str(error)) from error

    def _usable(self, made_by: Mapping[str, Any]) -> bool:
        if self._model.model is not None:
            return dict(made_by) == self._made_by
        if made_by["sha256"] != self._made_by["sha256"]:
            raise InputError(
                f"made by another bundle than {FACTS_FILE} beside it names",
                where=self.path,
                remedy="make it anew with the model's bundle",
            )
        if made_by["seed"] != self._made_by["seed"]:
            raise InputError(
                f"made with seed {made_by['seed']}, not {self._made_by['seed']}",
                where=self.path,
                remedy=f"give --seed {made_by['seed']}, or the model's bundle",
            )
        if made_by.get("source", "") not in ("", self._made_by.get("source", "")):
            raise InputError(
                "made from another head CT, or from films of another scale",
                where=self.path,
                remedy="give the CT and the scale that it was made with, or the model's bundle",
            )
        return True

    def _damage(self, what: str) -> InputError:
        return InputError(
            f"not a table of predictions: {what}", where=self.path, remedy="delete it to make it anew"
        )


def _columns(cases: Iterable[Mapping[int, Row]]) -> list[str]:
    """Every column that some row has: positions and scale first, measures by name."""
    found = {name for landmarks in cases for row in landmarks.values() for name in row}
    return [*(name for name in _POINT_COLUMNS if name in found), *sorted(found - set(_POINT_COLUMNS))]


def _values(cases: Iterable[Mapping[int, Row]], numbers: Sequence[int], column: str) -> NDArray[np.float64]:
    """(N, L), NaN where there is none."""
    values = [[landmarks[number].get(column, np.nan) for number in numbers] for landmarks in cases]
    return np.array(values, dtype=np.float64).reshape(-1, len(numbers))


def _cell(value: float) -> str:
    """Seven significant digits: a thousandth of a pixel, where a film has thousands."""
    return f"{value:.7g}"


def predict_cases(
    study: Study, part: str, cases: Sequence[Case], *, source: str = ""
) -> dict[str, PointTable]:
    """What each model of the study finds in each case.

    A case's film is made once, for all models that have not seen it yet. What is predicted is written now
    and then, and when the study is interrupted, so that it goes on where it was.

    Args:
        study: models, folder, seed and progress.
        part: names the files; the same name must always mean the same films and conditions.
        cases: what to predict; their keys must differ.
        source: a checksum of what the films are made from, where their names do not say it.

    Returns:
        By the model's label, one row a case in the cases' order.

    Raises:
        InputError: a film cannot be read, or a model without its bundle has no stored prediction of a case.
        ValueError: two cases have the same key.
    """
    keys = [case.key for case in cases]
    doubled = [key for key, count in Counter(keys).items() if count > 1]
    if doubled:
        raise ValueError(f"two cases of {part} are called {doubled[0]}")
    stores = {
        model.label: PredictionStore(study.folder_of(model), part, model, seed=study.seed, source=source)
        for model in study.models
    }
    for model in study.models:
        if model.model is None:  # what cannot be made is better said before the others' work than after it
            stores[model.label].require(keys)
    try:
        _predict_missing(study, part, cases, stores)
    finally:
        for store in stores.values():
            store.save()
    return {label: store.table(keys) for label, store in stores.items()}


def _predict_missing(
    study: Study, part: str, cases: Sequence[Case], stores: Mapping[str, PredictionStore]
) -> None:
    """Let each model that is at hand predict the cases its store lacks."""
    ready = [(model.model, stores[model.label]) for model in study.models if model.model is not None]
    todo = [case for case in cases if any(case.key not in store for _, store in ready)]
    with study.progress(part, len(todo)) as step:
        for case in todo:
            film = case.film()
            for model, store in ready:
                if case.key in store:
                    continue
                prediction = model.predict(film, seed=study.seed, facing=case.facing, polarity=case.polarity)
                store.add(case.key, _rows(prediction))
                store.save(when_due=True)
            step()


def _rows(prediction: Prediction) -> dict[int, Row]:
    scale = prediction.film.mm_per_px
    where = {} if scale is None else {"mm_per_px_x": scale[0], "mm_per_px_y": scale[1]}
    return {
        landmark.number: {"x_px": landmark.x_px, "y_px": landmark.y_px}
        | where
        | {name: float(value) for name, value in landmark.measures.model_dump().items() if value is not None}
        for landmark in prediction.landmarks
    }
