"""A film's points, regions and names for viewers that show no foreign report: a presentation state.

It says how the film's own object is shown (PS3.3 A.33.1) and holds the marks as graphics upon it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage

from cephsure.dicom.content_items import person_name
from cephsure.dicom.discretion import discreetly
from cephsure.dicom.instances import own_object
from cephsure.dicom.pixel_positions import ellipse_ends, region_outlines, to_dicom, within
from cephsure.dicom.structured_report import content_digest, decided_at
from cephsure.errors import FilmError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from cephsure.cephalometry.reviewed_film import ReviewedFilm, SettledPoint
    from cephsure.dicom.source import SourceObject
    from cephsure.uncertainty.prediction import Region

_LAYERS = ("REGIONS", "LANDMARKS", "NAMES")  # drawn in this order
_LETTER = 1 / 60  # height of a letter in heights of the film
_LETTERS_WIDE, _ROUND = 0.7, 0.3  # a letter's width, a mark's radius, in heights of a letter


def make_gsps(film: ReviewedFilm, source: SourceObject, *, made_at: datetime | None = None) -> Dataset:
    """Make the presentation state of one film.

    A point that a model has doubts of has a question mark after its name; a missing one is not drawn.

    Args:
        film: the points as they stand.
        source: the object that they are on.
        made_at: its date; by default when the film was decided last, else now.

    Raises:
        FilmError: there is no grey DICOM image that it could be of.
    """
    if not source.is_dicom:
        raise FilmError(
            "a presentation state says how a DICOM image is shown, and this film is none",
            remedy="--format dicom-sc makes a picture of the film with its points",
        )
    if source.header.get("SamplesPerPixel", 1) != 1:
        raise FilmError("a grey-scale presentation state needs a grey film, this one is coloured")
    made_at = made_at or decided_at(film)
    with discreetly():
        written = own_object(
            source,
            sop_class=GrayscaleSoftcopyPresentationStateStorage,
            modality="PR",
            content=content_digest(film, None),
            title="Cephalometric landmarks",
            made_at=made_at,
        )
        written.PresentationCreationDate = written.InstanceCreationDate
        written.PresentationCreationTime = written.InstanceCreationTime
        written.ContentLabel = "LANDMARKS"
        written.ContentDescription = "Not a medical device. Research use only."
        written.ContentCreatorName = None if film.observer is None else person_name(film.observer)
        _refer(written, source)
        _show(written, film, source)
        _draw(written, film, source)
        source.set_characters(written)
    return written


def _refer(written: Dataset, source: SourceObject) -> None:
    series = Dataset()
    series.SeriesInstanceUID = source.header.SeriesInstanceUID
    series.ReferencedImageSequence = [_image(source)]
    written.ReferencedSeriesSequence = [series]


def _image(source: SourceObject) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = source.sop_class_uid
    image.ReferencedSOPInstanceUID = source.sop_instance_uid
    if source.frames is not None:
        image.ReferencedFrameNumber = source.frames[0]
    return image


def _show(written: Dataset, film: ReviewedFilm, source: SourceObject) -> None:
    """The whole film, in the greys that its object states."""
    header, area = source.header, Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [film.film.width_px, film.film.height_px]
    area.PresentationSizeMode = "SCALE TO FIT"
    if film.mm_per_px is not None:
        area.PresentationPixelSpacing = [f"{length:.10g}" for length in film.mm_per_px[::-1]]
    else:
        area.PresentationPixelAspectRatio = header.get("PixelAspectRatio", [1, 1])
    written.DisplayedAreaSelectionSequence = [area]
    if "RescaleSlope" in header and "RescaleIntercept" in header:
        written.RescaleSlope, written.RescaleIntercept = header.RescaleSlope, header.RescaleIntercept
        written.RescaleType = header.get("RescaleType", "US")
    window = Dataset()
    if "WindowCenter" in header and "WindowWidth" in header:
        window.WindowCenter, window.WindowWidth = header.WindowCenter, header.WindowWidth
        if "VOILUTFunction" in header:
            window.VOILUTFunction = header.VOILUTFunction
    elif "VOILUTSequence" in header:
        window.VOILUTSequence = header.VOILUTSequence
    if window:
        written.SoftcopyVOILUTSequence = [window]
    is_inverse = header.get("PhotometricInterpretation") == "MONOCHROME1"
    written.PresentationLUTShape = "INVERSE" if is_inverse else "IDENTITY"


def _draw(written: Dataset, film: ReviewedFilm, source: SourceObject) -> None:
    drawn: dict[str, list[Dataset]] = {layer: [] for layer in _LAYERS}
    marks = film.prediction.landmarks
    letter = film.film.height_px * _LETTER
    for point, mark in zip(film.points, marks, strict=True):
        if point.x_px is None or point.y_px is None:
            continue
        at = within(np.array([[point.x_px, point.y_px]]), film.film.width_px, film.film.height_px)
        if not point.is_by_hand and mark.region is not None:
            drawn["REGIONS"] += _region(mark.region, film)
        drawn["LANDMARKS"] += _cross(at, letter, film)
        is_doubted = mark.verdict == "review" and not point.is_settled
        drawn["NAMES"].append(_name(point, at, letter, film, is_doubted=is_doubted))
    drawn["NAMES"].append(_notice())
    written.GraphicAnnotationSequence = [
        _annotation(layer, objects, source) for layer, objects in drawn.items() if objects
    ]
    written.GraphicLayerSequence = [
        _layer(name, order) for order, name in enumerate(_LAYERS, start=1) if drawn[name]
    ]


def _annotation(layer: str, objects: list[Dataset], source: SourceObject) -> Dataset:
    annotation = Dataset()
    annotation.ReferencedImageSequence = [_image(source)]
    annotation.GraphicLayer = layer
    if layer == "NAMES":
        annotation.TextObjectSequence = objects
    else:
        annotation.GraphicObjectSequence = objects
    return annotation


def _layer(name: str, order: int) -> Dataset:
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = name, order
    return layer


def _region(region: Region, film: ReviewedFilm) -> Iterator[Dataset]:
    """A region as an ellipse, or as its outlines as far as they lie on the film."""
    size = film.film.width_px, film.film.height_px
    ends, outlines = ellipse_ends(region), region_outlines(region)
    if ends is not None and all((within(each, *size) == each).all() for each in outlines):
        yield _graphic("ELLIPSE", ends)
        return
    for outline in outlines:
        yield _graphic("POLYLINE", within(outline, *size))


def _cross(at: NDArray[np.float64], letter: float, film: ReviewedFilm) -> Iterator[Dataset]:
    """A point, and a cross through it, since some viewers draw a point as one pixel."""
    yield _graphic("POINT", at)
    for away in ((_ROUND * letter, 0.0), (0.0, _ROUND * letter)):
        ends = at + np.array([away, away]) * [[1], [-1]]
        yield _graphic("POLYLINE", within(ends, film.film.width_px, film.film.height_px))


def _graphic(kind: str, points_px: NDArray[np.float64]) -> Dataset:
    """A graphic object of positions (N, 2) in px of ours."""
    graphic = Dataset()
    graphic.GraphicAnnotationUnits, graphic.GraphicDimensions = "PIXEL", 2
    graphic.NumberOfGraphicPoints = len(points_px)
    graphic.GraphicData = to_dicom(points_px).ravel().tolist()
    graphic.GraphicType = kind
    if kind == "ELLIPSE" or (kind == "POLYLINE" and (points_px[0] == points_px[-1]).all()):
        graphic.GraphicFilled = "N"
    return graphic


def _name(
    point: SettledPoint, at: NDArray[np.float64], letter: float, film: ReviewedFilm, *, is_doubted: bool
) -> Dataset:
    """A landmark's code beside its point, on the side where there is room for it."""
    words = f"{point.code}?" if is_doubted else point.code
    column, row = to_dicom(at)[0]
    width = letter * (_LETTERS_WIDE * len(words) + 0.5)
    left = column + letter * _ROUND
    if left + width > film.film.width_px:
        left = column - letter * _ROUND - width
    top = min(max(row - letter / 2, 0.0), film.film.height_px - letter)
    named = _text(words, [left, top], [left + width, top + letter], "PIXEL")
    named.AnchorPoint, named.AnchorPointAnnotationUnits = [column, row], "PIXEL"
    named.AnchorPointVisibility = "N"
    return named


def _notice() -> Dataset:
    return _text("Research use only. Not a medical device.", [0.02, 0.95], [0.98, 0.99], "DISPLAY")


def _text(words: str, corner: list[float], other: list[float], units: str) -> Dataset:
    named = Dataset()
    named.BoundingBoxAnnotationUnits = units
    named.UnformattedTextValue = words
    named.BoundingBoxTopLeftHandCorner, named.BoundingBoxBottomRightHandCorner = corner, other
    named.BoundingBoxTextHorizontalJustification = "LEFT"
    return named
