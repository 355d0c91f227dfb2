"""Landmarks as lists of points for other programs: 3D Slicer (``.mrk.json``, markups schema 1.0), labelme.

Where a flat film lies in Slicer's space: Slicer reads a film through ITK with the identity as direction and
the origin in the first pixel's centre, so pixel (i, j) stands at L = i * (mm a pixel along x),
P = j * (mm a pixel along y), S = 0. A point's position in LPS is therefore (x_mm, y_mm, 0). These are the
film's own axes, not the patient's: on a lateral film the true left-right axis runs through the picture.

Without a scale ITK takes 1 mm a pixel, and the positions written are the pixels': the points stand right
on the film, but no length in Slicer is then a millimetre. The list's name and description say so.

Slicer shows a list's name and its points' descriptions; a list's description it neither shows nor keeps.
Hence the film's verdict stands in the name, and its reason with the points where the film is not fit. A list
has two colours, of points that are selected and of those that are not: selected are the accepted ones.

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


# Blue and orange, which people with any of the common colour-vision deficiencies tell apart.
ACCEPTED_COLOUR = (0.34, 0.71, 0.91)
OTHER_COLOUR = (0.9, 0.62, 0.0)


def render_slicer(prediction: Prediction, _out_dir: Path | None = None) -> str:
    """Write a prediction as a Slicer ``Fiducial`` markup; each point says how far to trust it."""
    film = prediction.film
    name = f"{film_stem(film.path)} ({_film_verdict(prediction)})"
    markup: dict[str, Any] = {
        "type": "Fiducial",
        "name": name if film.mm_per_px is not None else f"{name} (pixels, scale unknown)",
        "description": _slicer_description(prediction),
        "coordinateSystem": "LPS",
    }
    if film.mm_per_px is not None:
        markup["coordinateUnits"] = "mm"
    markup |= {
        "locked": True,
        "fixedNumberOfControlPoints": True,
        "labelFormat": "%N-%d",
        "controlPoints": [_slicer_point(prediction, landmark) for landmark in prediction.landmarks],
        "display": {
            "visibility": True,
            "color": OTHER_COLOUR,
            "selectedColor": ACCEPTED_COLOUR,
            "pointLabelsVisibility": True,
            "glyphType": "Cross2D",
        },
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
    said = f"{_film_line(prediction)}. {prediction.promise}"
    colours = "Accepted points are selected and blue, others orange"
    return f"{said}. {colours}. Predicted by {prediction.model.name}. {scale} {prediction.disclaimer}"


def _slicer_point(prediction: Prediction, landmark: LandmarkPrediction) -> dict[str, Any]:
    in_mm = landmark.x_mm is not None and landmark.y_mm is not None
    x, y = (landmark.x_mm, landmark.y_mm) if in_mm else (landmark.x_px, landmark.y_px)
    return {
        "id": str(landmark.number),
        "label": landmark.code,
        "description": describe_landmark(prediction, landmark),
        "associatedNodeID": "",
        "position": [x, y, 0.0],
        "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
        "selected": landmark.verdict == "accept",
        "locked": False,
        "visibility": True,
        "positionStatus": "defined",
    }


def render_labelme(prediction: Prediction, out_dir: Path) -> str:
    """Write a prediction as a labelme file that refers to the film instead of holding it.

    ``imagePath`` is relative to ``out_dir``, the folder it will lie in; each point's description has its name
    and how far to trust it. Verdicts are flags, true or false, as labelme shows them. What is said of the
    film stands under ``cephsure``: labelme keeps what it does not know when it saves a file.
    """
    film = prediction.film
    return readable_json(
        {
            "version": "5.0.1",
            "flags": _flags(prediction.verdict, ("fit", "review", "unfit")),
            "shapes": [
                {
                    "label": f"l{landmark.number}",
                    "points": [[landmark.x_px, landmark.y_px]],
                    "group_id": None,
                    "description": f"{landmark.code}: {describe_landmark(prediction, landmark)}",
                    "shape_type": "point",
                    "flags": _flags(landmark.verdict, ("accept", "review")),
                }
                for landmark in prediction.landmarks
            ],
            "imagePath": film_reference(film.path, out_dir),
            "imageData": None,
            "imageHeight": film.height_px,
            "imageWidth": film.width_px,
            "cephsure": {
                **prediction.in_words,
                "model": prediction.model.name,
                "disclaimer": prediction.disclaimer,
            },
        }
    )


def _flags(verdict: str | None, known: tuple[str, ...]) -> dict[str, bool]:
    """Of the verdicts that there are, which one it is."""
    return {"no verdict": True} if verdict is None else {name: name == verdict for name in known}


def describe_landmark(prediction: Prediction, landmark: LandmarkPrediction) -> str:
    """In one line the landmark's name, its calibrated expected error, its verdict and why.

    Where no error is promised, it says so instead; on a film that is not fit the film's reason follows. Raw
    measures are left to the formats that have a place to call them raw.
    """
    said = [landmark.name, _expected(prediction, landmark)]
    if landmark.verdict is not None:
        said.append(landmark.verdict if landmark.why is None else f"{landmark.verdict}: {landmark.why}")
    if landmark.note is not None:
        said.append(landmark.note)
    if prediction.verdict != "fit":
        said.append(_film_line(prediction))
    return "; ".join(said)


def _expected(prediction: Prediction, landmark: LandmarkPrediction) -> str:
    if landmark.expected_error_mm is None:
        return prediction.promise if prediction.level is None else "no expected error"
    expected = f"expected error {landmark.expected_error_mm:.2f} mm"
    return expected if prediction.for_whom is None else f"{expected} ({prediction.for_whom})"


def _film_verdict(prediction: Prediction) -> str:
    return "no verdict" if prediction.verdict is None else f"film {prediction.verdict}"


def _film_line(prediction: Prediction) -> str:
    """The film's verdict and why; a reason why there is none says so itself."""
    if prediction.why is None:
        return _film_verdict(prediction)
    return prediction.why if prediction.verdict is None else f"{_film_verdict(prediction)}: {prediction.why}"
