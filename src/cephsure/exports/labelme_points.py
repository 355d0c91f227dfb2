"""Landmarks as a labelme file: points labelled l1, l2, ..., as labelme and our labelme reader read them.

Positions are written unchanged, the first pixel's centre being (0, 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.exports.json_text import readable_json
from cephsure.exports.names import film_reference
from cephsure.exports.slicer_markups import describe_landmark

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction


def render(prediction: Prediction, out_dir: Path) -> str:
    """Write a prediction as a labelme file that refers to the film instead of holding it.

    Args:
        prediction: one film's landmarks.
        out_dir: the folder the file will lie in; ``imagePath`` is relative to it.

    Returns:
        JSON text; each point's description has its name and measures.
    """
    film = prediction.film
    return readable_json(
        {
            "version": "5.0.1",
            "flags": {},
            "shapes": [_shape(landmark) for landmark in prediction.landmarks],
            "imagePath": film_reference(film.path, out_dir),
            "imageData": None,
            "imageHeight": film.height_px,
            "imageWidth": film.width_px,
        }
    )


def _shape(landmark: LandmarkPrediction) -> dict[str, Any]:
    return {
        "label": f"l{landmark.number}",
        "points": [[landmark.x_px, landmark.y_px]],
        "group_id": None,
        "description": f"{landmark.code}: {describe_landmark(landmark)}",
        "shape_type": "point",
        "flags": {},
    }
