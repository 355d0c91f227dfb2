"""Projects: films, predictions and people's edits in one SQLite file; nothing acknowledged is lost."""

from cephsure.projects.database import FILE_NAME, is_project, project_file
from cephsure.projects.project import Project
from cephsure.projects.records import (
    Added,
    Conflict,
    Event,
    FilmRecord,
    FilmView,
    NewFilm,
    NoSuchFilm,
    PersonsFilm,
    Point,
    PointEdit,
    QueueFilter,
    QueueRow,
    Recorded,
    Review,
    Ruler,
    StoredPrediction,
    Value,
)

__all__ = [
    "FILE_NAME",
    "Added",
    "Conflict",
    "Event",
    "FilmRecord",
    "FilmView",
    "NewFilm",
    "NoSuchFilm",
    "PersonsFilm",
    "Point",
    "PointEdit",
    "Project",
    "QueueFilter",
    "QueueRow",
    "Recorded",
    "Review",
    "Ruler",
    "StoredPrediction",
    "Value",
    "is_project",
    "project_file",
]
