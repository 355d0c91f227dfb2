"""What a network sees of a film: one code for training and for prediction (numpy)."""

from cephsure.preprocessing.views import (
    WorkingFilm,
    orient,
    standardise,
    stretch_grey,
    thumbnail,
    whole_view,
    whole_warp,
    working_film,
)

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
