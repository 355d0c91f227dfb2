"""The formats a prediction can be written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.exports import coco_keypoints, landmark_csv, point_files, point_lists, prediction_json
from cephsure.exports.film_points import FilmPoints

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cephsure.uncertainty import Prediction


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format: what it is, what its files are called, and how they are written.

    ``render`` gives the text of one film's file for its prediction and the folder that it will lie in,
    ``render_many`` likewise of one file for a batch, where the format has such a form.
    """

    title: str  # what the format is, for help texts
    suffix: str  # what follows a film's stem in the file's name; no two formats share one
    render: Callable[[Prediction, Path], str]
    render_many: Callable[[Sequence[Prediction], Path], str] | None = None


def _of_points(title: str, suffix: str, write: Callable[[Sequence[FilmPoints], Path], str]) -> Exporter:
    """A format that holds points alone, nothing of how far to trust them."""

    def render(prediction: Prediction, out_dir: Path) -> str:
        return write([FilmPoints.of(prediction)], out_dir)

    def render_many(predictions: Sequence[Prediction], out_dir: Path) -> str:
        return write([FilmPoints.of(prediction) for prediction in predictions], out_dir)

    return Exporter(title, suffix, render, render_many)


EXPORTERS: dict[str, Exporter] = {
    "json": Exporter(
        "the whole prediction, cephsure.prediction/2",
        ".json",
        prediction_json.render,
        prediction_json.render_many,
    ),
    "csv": Exporter("a table, one row a landmark", ".csv", landmark_csv.render, landmark_csv.render_many),
    "slicer": Exporter("a 3D Slicer point list", ".mrk.json", point_lists.render_slicer),
    "coco": Exporter("COCO key points", ".coco.json", coco_keypoints.render, coco_keypoints.render_many),
    "labelme": Exporter("labelme points", ".labelme.json", point_lists.render_labelme),
    "cvat": _of_points("CVAT for images 1.1", ".cvat.xml", point_files.cvat),
    "label-studio": _of_points("Label Studio tasks", ".label-studio.json", point_files.label_studio),
    "tps": _of_points("tpsDig landmarks", ".tps", point_files.tps),
}


def exporter(fmt: str) -> Exporter:
    """The exporter called ``fmt``; `InputError` if there is none."""
    if fmt not in EXPORTERS:
        raise InputError(
            f"no export format is called {fmt!r}", remedy=f"known formats: {', '.join(EXPORTERS)}"
        )
    return EXPORTERS[fmt]


def export(prediction: Prediction, fmt: str, out_dir: Path, *, stem: str) -> Path:
    """Write one film's prediction.

    Args:
        prediction: one film's landmarks.
        fmt: a key of ``EXPORTERS``.
        out_dir: the folder to write into; made if absent.
        stem: the file's name before the format's suffix; for a batch see ``unique_stems``.

    Returns:
        The file written. A file of that name is replaced, at once and whole.

    Raises:
        InputError: the format is unknown, or the file cannot be written.
    """
    chosen = exporter(fmt)
    text = chosen.render(prediction, out_dir)
    return write_atomically(out_dir / f"{stem}{chosen.suffix}", text.encode("utf-8"))


def export_many(predictions: Sequence[Prediction], fmt: str, path: Path) -> Path:
    """Write the predictions of many films into one file at ``path``; ``fmt`` has such a form.

    ``json`` becomes JSON Lines: one document a line.

    Raises:
        InputError: the format is unknown or has one file a film only, or the file cannot be written.
    """
    return write_atomically(path, render_many(predictions, fmt, path.parent).encode("utf-8"))


def render_many(predictions: Sequence[Prediction], fmt: str, folder: Path) -> str:
    """The text of what `export_many` writes, for a file that is to lie in ``folder``; raises as it does."""
    chosen = exporter(fmt)
    if chosen.render_many is None:
        able = ", ".join(name for name, entry in EXPORTERS.items() if entry.render_many is not None)
        raise InputError(f"format {fmt!r} has one file a film only", remedy=f"for one file use: {able}")
    return chosen.render_many(predictions, folder)
