"""Opens a data set of any known layout."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from cephsure.datasets.coco import looks_like_coco, read_coco
from cephsure.datasets.csv_table import looks_like_csv, read_csv
from cephsure.datasets.isbi import looks_like_isbi, read_isbi
from cephsure.datasets.labelme import looks_like_labelme, read_labelme
from cephsure.errors import InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.landmarks import LandmarkSet, load_landmark_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.datasets.annotated_film import Dataset

DatasetFormat = Literal["auto", "isbi", "labelme", "coco", "csv"]
_FORMATS: dict[str, tuple[Callable[[Path], bool], Callable[..., Dataset]]] = {
    "isbi": (looks_like_isbi, read_isbi),
    "labelme": (looks_like_labelme, read_labelme),
    "coco": (looks_like_coco, read_coco),
    "csv": (looks_like_csv, read_csv),
}


def open_dataset(
    path: str | Path,
    *,
    format: DatasetFormat = "auto",  # noqa: A002 - named as the command's option is
    landmark_set: LandmarkSet | str | Path | None = None,
    mm_per_px: float | tuple[float, float] | None = None,
) -> Dataset:
    """Read a data set.

    Args:
        path: its folder, or for COCO and CSV its file.
        format: its layout; "auto" finds it out.
        landmark_set: a landmark set, the name of a shipped one or a TOML file; "isbi-19" if None.
        mm_per_px: the scale of all films, one number or one for x and one for y. It goes before what the data
            set states (0.1 for isbi).

    Raises:
        InputError: there is no such path, the layout is unknown, or the scale is not a positive number.
        AnnotationError: an annotation file is malformed; names file and line.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file or folder", where=path)
    if not isinstance(landmark_set, LandmarkSet):
        landmark_set = load_landmark_set(landmark_set or "isbi-19")
    spacing = None if mm_per_px is None else _spacing(mm_per_px)
    layout = find_format(path) if format == "auto" else format
    if layout not in _FORMATS:
        known = ", ".join(get_args(DatasetFormat))
        raise InputError(f"there is no data set format {layout!r}", remedy=f"known: {known}")
    _, reader = _FORMATS[layout]
    return reader(path, landmark_set=landmark_set, spacing=spacing)


def find_format(path: Path) -> str:
    """Find out a data set's layout, "isbi", "labelme", "coco" or "csv", from what lies in it.

    Raises:
        InputError: it is none of these, or both JSON and CSV tables.
    """
    if looks_like_isbi(path):
        return "isbi"
    found = [layout for layout, (looks_like_it, _) in _FORMATS.items() if looks_like_it(path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"could be {' or '.join(found)}", where=path, remedy="say which by the format, or give the file"
        )
    raise InputError(
        "is no data set of a known layout",
        where=path,
        remedy="known: RawImage and AnnotationsByMD (isbi), folders labelme_NAME (labelme), "
        "COCO key points (*.json), tables (*.csv)",
    )


def _spacing(mm_per_px: float | tuple[float, float]) -> Spacing:
    x, y = mm_per_px if isinstance(mm_per_px, tuple) else (mm_per_px, mm_per_px)
    if not (0.0 < x < math.inf and 0.0 < y < math.inf):
        raise InputError(f"mm per pixel must be a positive number, is {mm_per_px}")
    return Spacing(x_mm_per_px=float(x), y_mm_per_px=float(y), source=SpacingSource.USER)
