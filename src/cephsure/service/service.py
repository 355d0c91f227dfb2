"""What the service works with: the model's facts, the queue, what is remembered and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.service.idempotency import Remembered
from cephsure.service.uploads import UploadLimits

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.review.model_facts import ModelFacts
    from cephsure.service.film_queue import FilmQueue
    from cephsure.service.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Service:
    """All that routes need.

    Attributes:
        roots: folders whose films a request may name.
        reader: whose marks are foretold if a request does not say.
    """

    facts: ModelFacts
    queue: FilmQueue
    metrics: Metrics
    roots: tuple[Path, ...] = ()
    reader: str | None = None
    limits: UploadLimits = field(default_factory=UploadLimits)
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of readers that a request may give: no files, which only who starts the service names."""
        calibration, known = self.facts.calibration, self.facts.bundle.provenance.annotators
        if calibration is not None:
            known = (*calibration.readers.annotators, *(each.name for each in calibration.annotators))
        usable = []
        for name in dict.fromkeys(("definition", "mean", *known)):
            try:
                self.facts.reader(name)
            except InputError:
                continue
            usable.append(name)
        return tuple(usable)

    def reader_of(self, asked: str | None) -> str | None:
        """The reader that a request means.

        Raises:
            InputError: there is none of this name.
        """
        if asked is None:
            return self.reader
        if asked not in self.readers:
            raise InputError(f"there is no reader {asked!r}", remedy=f"known: {', '.join(self.readers)}")
        return asked
