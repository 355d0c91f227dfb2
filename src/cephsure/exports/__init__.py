"""Predictions to JSON, CSV, 3D Slicer, COCO and labelme."""

from cephsure.exports.output_files import film_stem, unique_stems
from cephsure.exports.registry import EXPORTERS, Exporter, export, export_many

__all__ = ["EXPORTERS", "Exporter", "export", "export_many", "film_stem", "unique_stems"]
