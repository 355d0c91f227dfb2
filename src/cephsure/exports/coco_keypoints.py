"""Landmarks as COCO key points, one file a film or many films in one file.

COCO's key points are indices of pixels counted from 0, so that (0, 0) is the first pixel's centre: the rule
of this package, and positions are written unchanged, with their fractions. (COCO measures boxes and masks
from the pixel's corner instead; the box here is only the key points' extent and follows them.) Visibility is
2, labelled and visible, for every landmark.

COCO has no place for verdicts: they stand under names of our own, which its readers ignore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.exports.output_files import film_reference, readable_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.uncertainty import Prediction

LABELLED_AND_VISIBLE = 2
_HEAD = {"name": "head", "supercategory": "cephalogram"}


def render(prediction: Prediction, out_dir: Path) -> str:
    """Write one film's landmarks as a COCO key-point file: `render_many` of one."""
    return render_many([prediction], out_dir)


def render_many(predictions: Sequence[Prediction], out_dir: Path) -> str:
    """Write the landmarks of many films into one COCO key-point file, JSON text.

    Image and annotation number n are those of the n-th prediction, counted from 1; predictions of another
    landmark set get a category of their own. ``file_name`` is relative to ``out_dir``.
    """
    codes = [tuple(landmark.code for landmark in prediction.landmarks) for prediction in predictions]
    disclaimers = dict.fromkeys(prediction.disclaimer for prediction in predictions)
    categories = {code_set: index for index, code_set in enumerate(dict.fromkeys(codes), start=1)}
    document = {
        "info": {
            "description": f"Landmarks predicted by cephsure. {' '.join(disclaimers)}",
            "version": "1",
            "pixel_convention": "x, y in pixels; the first pixel's centre is (0, 0)",
        },
        "images": [
            {
                "id": number,
                "file_name": film_reference(prediction.film.path, out_dir),
                "width": prediction.film.width_px,
                "height": prediction.film.height_px,
                **prediction.in_words,
            }
            for number, prediction in enumerate(predictions, start=1)
        ],
        "annotations": [
            _annotation(prediction, number=number, category=categories[code_set])
            for number, (prediction, code_set) in enumerate(zip(predictions, codes, strict=True), start=1)
        ],
        "categories": [
            {"id": index, **_HEAD, "keypoints": code_set, "skeleton": []}
            for code_set, index in categories.items()
        ],
    }
    return readable_json(document)


def _annotation(prediction: Prediction, *, number: int, category: int) -> dict[str, Any]:
    marks = prediction.landmarks
    measures = [landmark.measures.model_dump() for landmark in marks]
    xs = [landmark.x_px for landmark in marks]
    ys = [landmark.y_px for landmark in marks]
    left, top, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    return {
        "id": number,
        "image_id": number,
        "category_id": category,
        "iscrowd": 0,
        "bbox": [left, top, width, height],
        "area": width * height,
        "num_keypoints": len(marks),
        "keypoints": [v for x, y in zip(xs, ys, strict=True) for v in (x, y, LABELLED_AND_VISIBLE)],
        # Not COCO's, and ignored by its readers: in the order of the key points, null where there is none.
        "verdicts": [landmark.verdict for landmark in marks],
        "whys": [landmark.why for landmark in marks],
        "notes": [landmark.note for landmark in marks],
        "expected_errors_mm": [landmark.expected_error_mm for landmark in marks],
        "measures": {name: [measure[name] for measure in measures] for name in measures[0]},
        "model": prediction.model.name,
    }
