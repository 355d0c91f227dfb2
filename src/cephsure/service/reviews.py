"""A project that people review elsewhere, read by the service: what it says is as new as what they stored."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation

from cephsure.projects import Project
from cephsure.review.access import Session
from cephsure.review.desk import Desk
from cephsure.review.model_facts import ModelFacts

if TYPE_CHECKING:
    from pathlib import Path

READER = Session("", "service")
"""Who reads; it decides nothing."""


class Reviews:
    """An open project, and the desk whose routes the review page has too.

    Attributes:
        desk: is told when another process stored something.
    """

    def __init__(self, folder: Path, facts: ModelFacts) -> None:
        project = Project.open(folder, read_only=True)
        try:
            model = project.settings.get("model")
            self.desk = Desk(project, facts if model is None else ModelFacts.of(model))
        except BaseException:
            project.close()
            raise
        self._seen, self._lock = project.others_changes, threading.Lock()

    def freshen(self, request: Request) -> None:
        """Before each request: forget what was read before another process stored something."""
        request.scope["session"] = READER
        now = self.desk.project.others_changes
        with self._lock:
            if now == self._seen:
                return
            self._seen = now
        self.desk.bulletin.post(*(film.film_id for film in self.desk.project.films()))

    def close(self) -> None:
        """Close the project."""
        self.desk.close()
