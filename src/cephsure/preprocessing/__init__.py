"""What a network sees of a film: one code for training and for prediction (numpy)."""

from cephsure.preprocessing.grey import orient, standardise, stretch_grey
from cephsure.preprocessing.whole import WorkingFilm, thumbnail, whole_view, whole_warp, working_film

__all__ = [
    "WorkingFilm",
    "orient",
    "standardise",
    "stretch_grey",
    "thumbnail",
    "whole_view",
    "whole_warp",
    "working_film",
]
