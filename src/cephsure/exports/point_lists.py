"""Landmarks as lists of points for other programs: 3D Slicer (``.mrk.json``, markups schema 1.0), labelme.

Where a flat film lies in Slicer's space: Slicer reads a film through ITK with the identity as direction and
the origin in the first pixel's centre, so pixel (i, j) stands at L = i * (mm a pixel along x),
P = j * (mm a pixel along y), S = 0. A point's position in LPS is therefore (x_mm, y_mm, 0). These are the
film's own axes, not the patient's: on a lateral film the true left-right axis runs through the picture.

Without a scale ITK takes 1 mm a pixel, and the positions written are the pixels': the points stand right
on the film, but no length in Slicer is then a millimetre. The list's name and description say so.

A labelme file's points are labelled l1, l2, ..., as labelme and our labelme reader read them; positions are
written unchanged, the first pixel's centre being (0, 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.exports.output_files import film_reference, film_stem, readable_json

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction

# The name under which Slicer 5 writes and recognises the format; the address itself is no longer served.
SLICER_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def render_slicer(prediction: Prediction, _out_dir: Path | None = None) -> str:
    """Write a prediction as a Slicer ``Fiducial`` markup; each point's description has its measures."""
    film, stem = prediction.film, film_stem(prediction.film.path)
    markup: dict[str, Any] = {
        "type": "Fiducial",
        "name": stem if film.mm_per_px is not None else f"{stem} (pixels, scale unknown)",
        "description": _slicer_description(prediction),
        "coordinateSystem": "LPS",
    }
    if film.mm_per_px is not None:
        markup["coordinateUnits"] = "mm"
    markup |= {
        "locked": True,
        "fixedNumberOfControlPoints": True,
        "labelFormat": "%N-%d",
        "controlPoints": [_slicer_point(landmark) for landmark in prediction.landmarks],
        "display": {"visibility": True, "pointLabelsVisibility": True, "glyphType": "Cross2D"},
    }
    return readable_json({"@schema": SLICER_SCHEMA, "markups": [markup]})


def _slicer_description(prediction: Prediction) -> str:
    if prediction.film.mm_per_px is None:
        scale = (
            "The film's scale is unknown: positions are in pixels and fit a film loaded with an image "
            "spacing of 1; lengths measured in Slicer are pixels, not millimetres."
        )
    else:
        x_mm, y_mm = prediction.film.mm_per_px
        scale = (
            f"Positions are in mm from the first pixel's centre and fit a film with an image spacing of "
            f"{x_mm:g} x {y_mm:g} mm (source: {prediction.film.spacing_source}); set it in Slicer if the "
            "film's file does not."
        )
    return f"Predicted by {prediction.model.name}. {scale} {prediction.disclaimer}"


def _slicer_point(landmark: LandmarkPrediction) -> dict[str, Any]:
    in_mm = landmark.x_mm is not None and landmark.y_mm is not None
    x, y = (landmark.x_mm, landmark.y_mm) if in_mm else (landmark.x_px, landmark.y_px)
    return {
        "id": str(landmark.number),
        "label": landmark.code,
        "description": describe_landmark(landmark),
        "associatedNodeID": "",
        "position": [x, y, 0.0],
        "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
        "selected": True,
        "locked": False,
        "visibility": True,
        "positionStatus": "defined",
    }


def render_labelme(prediction: Prediction, out_dir: Path) -> str:
    """Write a prediction as a labelme file that refers to the film instead of holding it.

    ``imagePath`` is relative to ``out_dir``, the folder it will lie in; each point's description has its name
    and measures.
    """
    film = prediction.film
    return readable_json(
        {
            "version": "5.0.1",
            "flags": {},
            "shapes": [
                {
                    "label": f"l{landmark.number}",
                    "points": [[landmark.x_px, landmark.y_px]],
                    "group_id": None,
                    "description": f"{landmark.code}: {describe_landmark(landmark)}",
                    "shape_type": "point",
                    "flags": {},
                }
                for landmark in prediction.landmarks
            ],
            "imagePath": film_reference(film.path, out_dir),
            "imageData": None,
            "imageHeight": film.height_px,
            "imageWidth": film.width_px,
        }
    )


def describe_landmark(landmark: LandmarkPrediction) -> str:
    """The landmark's name and how far to trust it, in mm where the scale is known and in pixels otherwise."""
    measures = landmark.measures
    if measures.spread_mm is not None and measures.raw_expected_error_mm is not None:
        spread, expected = f"{measures.spread_mm:.2f} mm", f"{measures.raw_expected_error_mm:.2f} mm"
    else:
        spread, expected = f"{measures.spread_px:.1f} px", f"{measures.raw_expected_error_px:.1f} px"
    said = f"{landmark.name}; spread {spread}; expected error {expected}"
    if landmark.expected_error_mm is not None:
        said += f" (calibrated: {landmark.expected_error_mm:.2f} mm)"
    return said if landmark.verdict is None else f"{said}; {landmark.verdict}"
