"""Predictions of a study kept as files, so that what is done is not done again."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.experiments.case import PointTable
from cephsure.experiments.study_model import FACTS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cephsure.experiments.study_model import StudyModel

_POINT_COLUMNS = ("film", "condition", "number", "x_px", "y_px", "mm_per_px_x", "mm_per_px_y")

Key = tuple[str, str]
Row = dict[str, float]


class PredictionStore:
    """One model's predictions of one part of a study: ``FOLDER/PART.csv.gz``, a line a film and landmark.

    Rows of a case are kept together. A file made by another bundle is not used and is replaced.
    """

    def __init__(self, folder: Path, part: str, model: StudyModel) -> None:
        self.path = folder / f"{part}.csv.gz"
        self._model = model
        self._facts = folder / FACTS_FILE
        self._rows: dict[Key, dict[int, Row]] = {}
        if self._facts.is_file() and self.path.is_file() and self._same_bundle():
            self._read()

    def __contains__(self, key: Key) -> bool:
        """Whether a case's predictions are kept."""
        return key in self._rows

    def add(self, key: Key, rows: dict[int, Row]) -> None:
        """Keep a case's predictions: landmark number -> column -> value. Written by ``save``."""
        self._rows[key] = rows

    def save(self) -> None:
        """Write the file in one step, and the model's facts beside it."""
        columns = _columns(self._rows)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_POINT_COLUMNS[:3], *columns])
        for (film_id, condition), landmarks in self._rows.items():
            for number, row in landmarks.items():
                writer.writerow([film_id, condition, number, *(_cell(row.get(c)) for c in columns)])
        facts = json.dumps(self._model.facts(), indent=2) + "\n"
        write_atomically(self._facts, facts.encode("utf-8"))
        # mtime=0: the same predictions are the same file.
        write_atomically(self.path, gzip.compress(text.getvalue().encode("utf-8"), mtime=0))

    def table(self, keys: Sequence[Key]) -> PointTable:
        """The kept predictions of ``keys``, in that order.

        Raises:
            InputError: one of them is not there.
        """
        missing = [key for key in keys if key not in self._rows]
        if missing:
            film_id, condition = missing[0]
            raise InputError(
                f"no stored prediction of film {film_id}{f' ({condition})' if condition else ''}, and "
                f"{len(missing) - 1} more",
                where=self.path,
                remedy="give the model's bundle, so that it can be made",
            )
        numbers = tuple(self._rows[keys[0]]) if keys else ()
        names = [c for c in _columns({key: self._rows[key] for key in keys}) if c not in _POINT_COLUMNS]
        return PointTable(
            tuple(keys),
            numbers,
            np.stack([self._values(keys, numbers, "x_px"), self._values(keys, numbers, "y_px")], axis=-1),
            np.stack(
                [self._values(keys, numbers, f"mm_per_px_{axis}")[:, 0] for axis in "xy"], axis=-1
            ).reshape(-1, 2),
            {name: self._values(keys, numbers, name) for name in names},
        )

    def _values(self, keys: Sequence[Key], numbers: Sequence[int], column: str) -> Any:
        return np.array(
            [[self._rows[key][n].get(column, np.nan) for n in numbers] for key in keys], dtype=np.float64
        ).reshape(len(keys), len(numbers))

    def _same_bundle(self) -> bool:
        try:
            sha256 = json.loads(self._facts.read_text(encoding="utf-8"))["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(sha256 == self._model.sha256)

    def _read(self) -> None:
        try:
            text = gzip.decompress(self.path.read_bytes()).decode("utf-8")
            for line in csv.DictReader(io.StringIO(text)):
                key = (line.pop("film"), line.pop("condition"))
                number = int(line.pop("number"))
                row = {name: float(value) for name, value in line.items() if value}
                self._rows.setdefault(key, {})[number] = row
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"not a table of predictions: {error}", where=self.path, remedy="delete it to make it anew"
            ) from error


def _columns(rows: Mapping[Key, dict[int, Row]]) -> list[str]:
    """Every column that some row has: positions and scale first."""
    found = {name: None for landmarks in rows.values() for row in landmarks.values() for name in row}
    first = [name for name in _POINT_COLUMNS[3:] if name in found]
    return [*first, *(name for name in found if name not in first)]


def _cell(value: float | None) -> str:
    """Six significant digits: a ten-thousandth of a pixel is more than a position needs."""
    return "" if value is None or np.isnan(value) else f"{value:.7g}"
