"""Predictions of a study, kept as files so that what is done is not done again."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import time
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.cases import PointTable
from cephsure.studies.study import FACTS_FILE
from cephsure.text_files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cephsure.studies.cases import Case
    from cephsure.studies.study import Study, StudyModel
    from cephsure.uncertainty import Prediction

logger = logging.getLogger(__name__)

_KEY_COLUMNS = ("film", "condition", "number")
_POINT_COLUMNS = ("x_px", "y_px", "mm_per_px_x", "mm_per_px_y")
# A thousandth of a pixel, where a film has thousands.
_DIGITS = ".7g"

# A save costs a share of the time since the last one that is not felt, however large the table has grown.
_SAVE_SECONDS = 15.0
_SAVE_SHARE = 0.05

# Version 0.1 called pictures that are no cephalograms so; its stored predictions go on being read.
_CONDITIONS_OF_0_1 = {"stranger": "no-cephalogram"}

# What a file cut short or overwritten makes gzip, csv and JSON raise.
_DAMAGE = (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError)

Key = tuple[str, str]


class PredictionStore:
    """One model's predictions of one part of a study: ``FOLDER/PART.csv.gz``, a line a film and landmark.

    The first line is a comment, ``# {"sha256": ..., "seed": ..., "measures": [...]}``: which bundle made the
    predictions, with which seed, and which measures it was asked for; ``"source"`` where the films depend on
    more than their names say, ``"reader"`` where they are of one reader's marks. Where the bundle is at hand
    and one of these has changed, the file is not used and is replaced. Where it is not, the file is taken as
    it is, but for another seed, which may mean other conditions, and for another source.

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
        self.path, self._model = folder / f"{part}.csv.gz", model
        self._made_by = {"sha256": model.sha256, "seed": seed, "measures": list(model.measures)}
        self._made_by |= {"source": source} if source else {}
        if model.marks_as is not None:
            # By its content too: a reader's file may be learned anew under the same name.
            marks = hashlib.sha256(model.marks_as.model_dump_json().encode("utf-8")).hexdigest()
            self._made_by |= {"reader": f"{model.reader} {marks}"}
        self._frame = pd.DataFrame(columns=list(_KEY_COLUMNS))
        self._added: list[dict[str, Any]] = []  # rows that are not in the frame yet
        self._keys: set[Key] = set()
        self._unsaved = False
        self._saved_at, self._save_cost = time.monotonic(), 0.0
        if self.path.is_file():
            self._read()

    def __contains__(self, key: Key) -> bool:
        """Whether a case's predictions are kept."""
        return key in self._keys

    def add(self, key: Key, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Keep a case's predictions: landmark number -> column -> value. Written by ``save``.

        Values are rounded as the file has them, so that a result does not depend on whether its predictions
        were just made or read.
        """
        names = dict(zip(_KEY_COLUMNS, key, strict=False))
        self._added += [
            {**names, "number": number} | {name: float(f"{value:{_DIGITS}}") for name, value in row.items()}
            for number, row in rows.items()
        ]
        self._keys.add(key)
        self._unsaved = True

    def save(self, *, when_due: bool = False) -> None:
        """Write the file in one step, and the model's facts beside it; nothing where nothing is new.

        Args:
            when_due: only if the last time is long enough ago that writing again costs little.
        """
        start = time.monotonic()
        due = start - self._saved_at >= max(_SAVE_SECONDS, self._save_cost / _SAVE_SHARE)
        if not self._unsaved or (when_due and not due):
            return
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
        frame = self._whole()
        places = frame.groupby(["film", "condition"], sort=False).indices
        numbers = frame["number"].to_numpy()
        landmarks = numbers[places[keys[0]]] if keys else numbers[:0]
        for key in keys:
            if not np.array_equal(numbers[places[key]], landmarks):
                raise self._damage(f"the landmarks of film {key[0]} {key[1]} are not those of the others")
        rows = np.array([places[key] for key in keys], dtype=np.intp).reshape(len(keys), len(landmarks))
        found = {name: frame[name].to_numpy(dtype=np.float64)[rows] for name in _value_columns(frame)}
        known = {name: values for name, values in found.items() if not np.isnan(values).all()}
        missing = np.full(rows.shape, np.nan)
        x_px, y_px, scale_x, scale_y = (known.pop(name, missing) for name in _POINT_COLUMNS)
        return PointTable(
            tuple(keys),
            tuple(landmarks.tolist()),
            np.stack([x_px, y_px], axis=-1),
            # One scale a film: it stands in each of its landmarks' lines.
            np.stack([scale_x[:, :1], scale_y[:, :1]], axis=-1).reshape(-1, 2),
            known,
        )

    def require(self, keys: Sequence[Key]) -> None:
        """Check that the predictions of ``keys`` are kept.

        Raises:
            InputError: one of them is not.
        """
        missing = [key for key in keys if key not in self._keys]
        if missing:
            film_id, condition = missing[0]
            others = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise self._error(
                f"no stored prediction of film {film_id}{f' ({condition})' if condition else ''}{others}",
                "give the model's bundle, so that it can be made, or the films it was made for",
            )

    def _whole(self) -> pd.DataFrame:
        """All rows that are kept, those of one film after the other."""
        if self._added:
            added = pd.DataFrame(self._added)
            self._frame = added if self._frame.empty else pd.concat([self._frame, added], ignore_index=True)
            self._added = []
        return self._frame

    def _text(self) -> str:
        frame = self._whole()
        # Sorted: the same predictions are the same file, in whatever order they were made.
        frame = frame.sort_values(["film", "condition"], kind="stable")
        columns = [name for name in _value_columns(frame) if frame[name].notna().any()]
        cells = frame[[*_KEY_COLUMNS, *columns]]
        table = cells.to_csv(index=False, float_format=f"%{_DIGITS}", lineterminator="\n")
        return f"# {json.dumps(self._made_by)}\n{table}"

    def _read(self) -> None:
        try:
            text = io.StringIO(gzip.decompress(read_bytes(self.path)).decode("utf-8"))
            if not self._usable(json.loads(text.readline().removeprefix("#"))):
                reason = "made by another bundle, seed, source or set of measures"
                logger.info("%s was %s: made anew", self.path, reason)
                return
            # As text first: film "001" keeps its name, and numbers are read to their last digit.
            frame = pd.read_csv(text, dtype=str, keep_default_na=False)
            for name in _value_columns(frame):
                frame[name] = frame[name].where(frame[name] != "", "nan").astype(float)
            frame = frame.astype({"number": int}).replace({"condition": _CONDITIONS_OF_0_1})
            self._frame = frame
            self._keys = set(zip(frame["film"], frame["condition"], strict=True))
        except InputError:
            raise
        except _DAMAGE as error:
            raise self._damage(" ".join(str(error).split())) from error

    def _usable(self, made_by: Mapping[str, Any]) -> bool:
        if self._model.model is not None:
            return dict(made_by) == self._made_by
        seed, mine = made_by["seed"], self._made_by
        if made_by["sha256"] != mine["sha256"]:
            wrong = f"made by another bundle than {FACTS_FILE} beside it names"
            raise self._error(wrong, "make it anew with the model's bundle")
        if seed != mine["seed"]:
            wrong = f"made with seed {seed}, not {mine['seed']}"
            raise self._error(wrong, f"give --seed {seed}, or the model's bundle")
        if made_by.get("source", "") not in ("", mine.get("source", "")):
            wrong = "made from another head CT, or from films of another scale"
            raise self._error(wrong, "give the CT and the scale that it was made with, or the model's bundle")
        return True

    def _damage(self, what: str) -> InputError:
        return self._error(f"not a table of predictions: {what}", "delete it to make it anew")

    def _error(self, wrong: str, remedy: str) -> InputError:
        return InputError(wrong, where=self.path, remedy=remedy)


def _value_columns(frame: pd.DataFrame) -> list[str]:
    """Every column but those of the key: positions and scale first, measures by name."""
    found = set(frame.columns) - set(_KEY_COLUMNS)
    return [*(name for name in _POINT_COLUMNS if name in found), *sorted(found - set(_POINT_COLUMNS))]


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
    ready = []
    for each in study.models:
        if each.model is None:  # what cannot be made is better said before the others' work than after it
            stores[each.label].require(keys)
        else:
            ready.append((each, stores[each.label]))
    todo = [case for case in cases if any(case.key not in store for _, store in ready)]
    try:
        with study.progress(part, len(todo)) as step:
            for case in todo:
                _predict(
                    case, [(model, store) for model, store in ready if case.key not in store], study.seed
                )
                step()
    finally:
        for store in stores.values():
            store.save()
    return {label: store.table(keys) for label, store in stores.items()}


def _predict(case: Case, models: Sequence[tuple[StudyModel, PredictionStore]], seed: int) -> None:
    film = case.film()
    for model, store in models:
        prediction = model.predict(film, seed=seed, facing=case.facing, polarity=case.polarity)
        store.add(case.key, _rows(prediction))
        store.save(when_due=True)


def _rows(prediction: Prediction) -> dict[int, dict[str, float]]:
    scale = prediction.film.mm_per_px
    where = {} if scale is None else {"mm_per_px_x": scale[0], "mm_per_px_y": scale[1]}
    return {
        landmark.number: {"x_px": landmark.x_px, "y_px": landmark.y_px}
        | where
        | {name: float(value) for name, value in landmark.measures.model_dump().items() if value is not None}
        for landmark in prediction.landmarks
    }
