"""The loop: corrected films teach how a person marks; what that gains, and what to correct next."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cephsure.errors import InputError
from cephsure.review.jobs import CalibrateSite
from cephsure.review.label_next import label_next
from cephsure.review.reader_profile import in_project, reader_path
from cephsure.review.watching import monitor_document

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from cephsure.review.desk import Desk
    from cephsure.review.reader_profile import ReaderCard

OFFERS = (1, 5, 10, 20)
"""Numbers of reviewed films after which a site calibration is offered."""
CALIBRATING_SECONDS = 600.0
_NEW = ".new.json"


@dataclass(slots=True)
class _Job:
    kind: str = "calibrate"
    who: str = ""
    state: str = "running"
    done: int = 0
    total: int = 0
    error: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "who": self.who,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "error": self.error,
        }


class Loop:
    """Calibrates by a person's corrections, one calibration at a time."""

    def __init__(self, desk: Desk, card: ReaderCard) -> None:
        self._desk, self._card = desk, card
        self._job: _Job | None = None
        self._lock = threading.Lock()

    def document(self, who: str) -> dict[str, Any]:
        """What the page shows of the loop, for one person."""
        settings, annotated = self._desk.project.settings, self._desk.project.annotations()
        marked = Counter(film.who for film in annotated if film.marks_px)
        corrected = marked[who]
        reviewed = sum(film.reviewed for film in annotated if film.who == who and film.marks_px)
        result = settings.get("calibrations", {}).get(who)
        used = 0 if result is None else result["films"]
        reached = [offer for offer in OFFERS if used < offer <= reviewed]
        return {
            "corrected": corrected,
            "reviewed": reviewed,
            "readers": dict(marked),
            "offers": list(OFFERS),
            "offer": max(reached, default=None),
            "job": None if self._job is None else self._job.document(),
            "result": result,
            "applied": settings.get("applied"),
            "monitor": monitor_document(self._desk, [film for film in annotated if film.who == who]),
            "next": label_next(self._desk),
        }

    def calibrate(self, who: str) -> None:
        """Begin to learn how a person marks.

        Raises:
            InputError: there is nothing to learn from, or a calibration is running.
        """
        marked = [film.film for film in self._desk.project.annotations(who) if film.marks_px]
        if not marked:
            raise InputError(
                f"{who} has corrected no film yet", remedy="correct one, and accept what is right"
            )
        if all(self._desk.film(film.film_id).mm_per_px is None for film in marked):
            raise InputError(
                "none of the corrected films has a scale",
                remedy="choose Ruler and measure a known length on each of them",
            )
        with self._lock:
            if self._job is not None and self._job.state == "running":
                raise InputError("a calibration is running already", remedy="wait for its result")
            job = self._job = _Job(who=who)
        out = reader_path(self._desk.folder, f"site-{who}")

        def on_progress(_: str, done: int, total: int) -> None:
            job.done, job.total = done, total
            self._desk.bulletin.post()

        asked = CalibrateSite(
            self._desk.folder,
            who,
            out.with_suffix(_NEW),
            profile=self._card.file,
            mm_per_px=self._desk.predictor.mm_per_px,
        )
        answer = self._desk.predictor.do(asked, seconds=CALIBRATING_SECONDS, on_progress=on_progress)
        answer.add_done_callback(lambda done: self._finish(job, out, done))
        self._desk.bulletin.post()

    def apply(self, who: str) -> None:
        """Foretell the marks of the person whose films were learned from, on all films nobody worked on.

        Raises:
            InputError: nothing was learned yet.
        """
        settings = self._desk.project.settings
        result = settings.get("calibrations", {}).get(who)
        if result is None:
            raise InputError("there is no calibration to apply", remedy="calibrate first")
        applied = {
            "who": who,
            "films": result["films"],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "promise": result["promise"],
        }
        self._desk.project.change_settings(applied=applied)
        self._desk.use_reader(result["file"])

    def _finish(self, job: _Job, out: Path, answer: Future[Any]) -> None:
        """Keep what came of a calibration; in the predictor's thread."""
        try:
            found = answer.result()
            kept = out.with_name(f"{out.stem}-{found['films']}-films.json")
            out.with_suffix(_NEW).replace(kept)
            result = {**_summary(found), "file": in_project(kept)}
            known = self._desk.project.settings.get("calibrations", {})
            self._desk.project.change_settings(calibrations={**known, job.who: result})
        except (Exception, CancelledError) as error:  # noqa: BLE001 - the page is told
            job.error, job.state = str(error) or type(error).__name__, "failed"
        else:
            job.state = "done"
        self._desk.bulletin.post()


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """What a calibration gains: figures without corrected films and with the most, cross-validated."""
    gains = found["gains"]
    return {
        "films": found["films"],
        "before": _figures(gains[0]) if len(gains) > 1 else None,
        "after": _figures(gains[-1]) if len(gains) > 1 else None,
        "promise": found["promise"],
        "about": found["about"],
        "withdrawn": found["withdrawn"],
        "gains": gains,
        "left_out": found["errors"],
    }


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "films": row["films"],
        "error_mm": row["mre_mm"],
        "coverage": row["coverage"],
        "area_mm2": row["area_mm2"],
        "accepted": row["accepted"],
    }
