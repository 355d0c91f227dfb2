"""Coordinates, affine maps, displacement fields, resampling and heat-map readings over image and points."""

from cephsure.geometry.affine import Affine, fit_similarity, letterbox, linear
from cephsure.geometry.fields import Warp, WaveField
from cephsure.geometry.heatmaps import MapReadings, local_centroids, read_maps, softmax_maps
from cephsure.geometry.resample import grid_points, resize, sample_bilinear, sample_lattices

__all__ = [
    "Affine",
    "MapReadings",
    "Warp",
    "WaveField",
    "fit_similarity",
    "grid_points",
    "letterbox",
    "linear",
    "local_centroids",
    "read_maps",
    "resize",
    "sample_bilinear",
    "sample_lattices",
    "softmax_maps",
]
