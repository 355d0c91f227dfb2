"""VGG Image Annotator: project, exported JSON and CSV of VIA 1 and 2; of VIA 3 the project.

Pixel convention: VIA rounds what its window shows, which counts from the first pixel's corner; half a pixel
is taken off. A region's only attribute, or the one called label, name or landmark, is the landmark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.datasets.json_files import JsonObject, parse_json
from cephsure.datasets.label_file import HALF_A_PIXEL, LabelFile, LabelFormat
from cephsure.datasets.table_file import table_rows
from cephsure.datasets.via_project import add_via_3
from cephsure.errors import AnnotationError
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from cephsure.datasets.builder import DatasetBuilder

_LABELS = ("label", "name", "landmark", "point", "class", "type", "id")
_VIA_3 = {"project", "attribute", "file", "metadata", "view"}
_VIA_3_COLUMNS = "metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata"
_CSV_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")


def looks_like_via(file: LabelFile) -> bool:
    """Whether a file is a project of VIA or one of its exports."""
    if file.suffix == ".csv":
        head = file.text[:1000].lstrip("#")
        return all(column in head for column in _CSV_COLUMNS) or _VIA_3_COLUMNS in file.text[:20_000]
    if "_via_img_metadata" in file.keys or file.keys >= _VIA_3:
        return True
    first = next(iter(file.value.values()), None) if isinstance(file.value, dict) else None
    return isinstance(first, dict) and {"filename", "regions"} <= set(first)


def add_via(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add one file's points; `AnnotationError` if it is malformed."""
    if file.suffix == ".csv":
        _add_csv(file, builder)
        return
    if file.keys >= _VIA_3:
        add_via_3(file, builder)
        return
    films = file.value.get("_via_img_metadata", file.value) if isinstance(file.value, dict) else None
    if not isinstance(films, dict):
        raise file.error("_via_img_metadata: must be an object")
    document = JsonObject(file.path, "", {"films": list(films.values())})

    def add(film: JsonObject) -> None:
        regions = film.content.get("regions")
        if isinstance(regions, dict):  # VIA 1
            regions = list(regions.values())
        holder = JsonObject(film.path, film.place, {"regions": regions or []})
        _add_film(file, builder, _name(film.text("filename"), file, builder), holder)

    builder.each("film", document, "films", add)


def _name(name: str, file: LabelFile, builder: DatasetBuilder) -> str:
    """A film's name, from the folder that the project says its films lie in."""
    settings = file.value.get("_via_settings")
    core = settings.get("core") if isinstance(settings, dict) else None
    folder = core.get("default_filepath") if isinstance(core, dict) else None
    if not isinstance(folder, str) or is_file(builder.film(name, file.path.parent)):
        return name
    inside = f"{folder}/{name}"
    return inside if is_file(builder.film(inside, file.path.parent)) else name


def _add_csv(file: LabelFile, builder: DatasetBuilder) -> None:
    if _VIA_3_COLUMNS in file.text[:20_000]:
        raise file.error(
            "is a table of VIA 3, which does not say what its labels are called: save the project"
        )
    rows = table_rows(file)
    header = [cell.lstrip("#").strip() for cell in rows[0][1]] if rows else []
    if not all(column in header for column in _CSV_COLUMNS):
        raise file.error("the header names no known columns")
    places = [header.index(column) for column in _CSV_COLUMNS]
    for line, row in rows[1:]:
        with builder.entry("row"):
            where = f"{file.path}:{line}"
            if len(row) != len(header):
                raise AnnotationError(f"has {len(row)} cells, the header has {len(header)}", where=where)
            name, shape, attributes = (row[place] for place in places)
            if not name:
                raise AnnotationError("no image is given", where=where)
            region = {
                "shape_attributes": parse_json(shape, where=where),
                "region_attributes": parse_json(attributes, where=where),
            }
            # A film without regions has a row of its own.
            found = [region] if region["shape_attributes"] else []
            _add_film(file, builder, name, JsonObject(file.path, f"line {line}", {"regions": found}))


def _add_film(file: LabelFile, builder: DatasetBuilder, name: str, holder: JsonObject) -> None:
    path, annotator = builder.film(name, file.path.parent), file.stem
    builder.add_film(path, annotator=annotator, where=file.path)
    others = []

    def add(region: JsonObject) -> None:
        shape = region.member("shape_attributes")
        kind = shape.content.get("name", "point")
        if kind != "point":
            others.append(str(kind)[:20])
            return
        at = shape.position(shape.content.get("cx"), shape.content.get("cy"), keys=("cx", "cy"))
        label = _label(region.content.get("region_attributes"))
        if label is None:
            raise region.error("region_attributes", "names no landmark")
        if at is not None:
            builder.add_mark(path, annotator, label, at[0] - HALF_A_PIXEL, at[1] - HALF_A_PIXEL)

    builder.each("region", holder, "regions", add)
    if others:
        builder.problems.append(f"film {path.stem}: no points, left out: {', '.join(others[:5])}")


def _label(attributes: Any) -> str | None:
    """The landmark among a region's attributes."""
    if not isinstance(attributes, dict):
        return None
    lower = {str(key).strip().casefold(): value for key, value in attributes.items()}
    # A tick box has the names that were ticked.
    for key, value in lower.items():
        if isinstance(value, dict):
            ticked = [name for name, is_ticked in value.items() if is_ticked is True]
            lower[key] = ticked[0] if len(ticked) == 1 else None
    values = [lower[key] for key in _LABELS if key in lower] or list(lower.values())[: len(lower) == 1]
    texts = [str(value).strip() for value in values if isinstance(value, str | int) and str(value).strip()]
    return texts[0] if texts else None


VIA = LabelFormat(
    name="via",
    title="VIA file",
    suffixes=(".json", ".csv"),
    looks_like=looks_like_via,
    add=add_via,
)
