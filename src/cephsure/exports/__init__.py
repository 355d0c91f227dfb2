"""Predictions to JSON, CSV, 3D Slicer, COCO and labelme."""
