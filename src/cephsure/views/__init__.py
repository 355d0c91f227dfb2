"""What a network sees of a film: one code for training and for prediction (numpy)."""

from cephsure.views.grey import standardise, stretch_grey
from cephsure.views.masks import channel_masks
from cephsure.views.orient import orient
from cephsure.views.patches import (
    PatchLayout,
    Pyramid,
    build_pyramid,
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)
from cephsure.views.squeezed import blur_maps, maximum_positions, squeezed_view
from cephsure.views.whole import WorkingFilm, thumbnail, whole_view, whole_warp, working_film

__all__ = [
    "PatchLayout",
    "Pyramid",
    "WorkingFilm",
    "blur_maps",
    "build_pyramid",
    "channel_masks",
    "frame_of",
    "frame_to_map",
    "grey_patches",
    "map_to_frame",
    "maximum_positions",
    "network_input",
    "orient",
    "squeezed_view",
    "standardise",
    "stretch_grey",
    "thumbnail",
    "whole_view",
    "whole_warp",
    "working_film",
]
