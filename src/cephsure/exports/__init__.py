"""Predictions and points to the formats of other programs."""

from cephsure.exports.film_points import FilmPoints
from cephsure.exports.output_files import film_stem, unique_stems
from cephsure.exports.point_files import write_points
from cephsure.exports.registry import EXPORTERS, Exporter, export, export_many

__all__ = [
    "EXPORTERS",
    "Exporter",
    "FilmPoints",
    "export",
    "export_many",
    "film_stem",
    "unique_stems",
    "write_points",
]
