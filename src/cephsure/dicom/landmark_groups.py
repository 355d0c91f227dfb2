"""The part of a structured report that is about points: a measurement group for each landmark."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes as standard

from cephsure.dicom import codes
from cephsure.dicom.content_items import (
    concept,
    evaluation,
    image,
    number,
    number_property,
    outline,
    person,
    text,
)
from cephsure.dicom.pixel_positions import ellipse_ends, principal_axes, region_outlines, to_dicom, within
from cephsure.dicom.source import derived_uid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from highdicom.sr import ContentItem, Measurement
    from numpy.typing import NDArray

    from cephsure.cephalometry.reviewed_film import ReviewedFilm, SettledPoint
    from cephsure.dicom.source import SourceObject
    from cephsure.landmarks.landmark_set import Landmark
    from cephsure.uncertainty.prediction import LandmarkPrediction, ModelInfo, Region


@dataclass(frozen=True)
class LandmarkGroups:
    """The measurement groups of one film's landmarks."""

    film: ReviewedFilm
    source: SourceObject
    algorithm: AlgorithmIdentification

    def groups(self) -> Iterator[MeasurementsAndQualitativeEvaluations]:
        """One for each landmark, in the set's order; that of a missing one has no position."""
        marks = self.film.prediction.landmarks
        for landmark, point, mark in zip(
            self.film.landmark_set.landmarks, self.film.points, marks, strict=True
        ):
            yield self._group(landmark, point, mark)

    def _group(
        self, landmark: Landmark, point: SettledPoint, mark: LandmarkPrediction
    ) -> MeasurementsAndQualitativeEvaluations:
        """A landmark's group: TID 1410 with its position, TID 1501 without one."""
        what = {
            "tracking_identifier": TrackingIdentifier(
                derived_uid(self.source.sop_instance_uid, self.film.landmark_set.name, landmark.code),
                landmark.code,
            ),
            "finding_type": concept(codes.landmark_code(landmark, self.film.landmark_set)),
            "finding_sites": [FindingSite(concept(codes.finding_site(landmark)))],
            "algorithm_id": None if point.is_by_hand or point.origin == "missing" else self.algorithm,
            "qualitative_evaluations": [evaluation(codes.ORIGIN, codes.ORIGINS[point.origin])],
        }
        if point.x_px is None or point.y_px is None:
            group = MeasurementsAndQualitativeEvaluations(**what)
        else:
            at = to_dicom([[point.x_px, point.y_px]])
            region = ImageRegion(GraphicTypeValues.POINT, at, image(self.source))
            group = PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **what)
            if not point.is_by_hand:
                group[0].ContentSequence.extend(self._of_the_model(mark))
        if point.who is not None:
            group[0].ContentSequence.extend(person(point.who))
        return group

    def _of_the_model(self, mark: LandmarkPrediction) -> Iterator[ContentItem]:
        """What the model says of its point: verdict, reason, errors and region."""
        if mark.verdict is not None:
            yield from evaluation(codes.VERDICT, codes.VERDICTS[mark.verdict])
        for name, words in ((codes.REASON, mark.why), (codes.NOTE, mark.note)):
            if words:
                yield text(name, words)
        # highdicom lets no number of such a group have an outline of its own: the region's area has one.
        yield from chain.from_iterable(self._errors(mark))

    def _errors(self, mark: LandmarkPrediction) -> Iterator[Measurement]:
        """The expected error, its standard deviations and the region, in mm of the scale that holds now."""
        ratio = self._scale_ratio()
        if ratio is None:
            return
        if mark.expected_error_mm is not None:
            expected = mark.expected_error_mm * sqrt(float(ratio.prod()))
            yield number(codes.EXPECTED_ERROR, expected, codes.UNITS["mm"])
        if mark.error_covariance_mm2 is not None:
            (xx, xy), (_, yy) = mark.error_covariance_mm2
            yield number(codes.ERROR_SD_X, sqrt(xx) * ratio[0], codes.UNITS["mm"])
            yield number(codes.ERROR_SD_Y, sqrt(yy) * ratio[1], codes.UNITS["mm"])
            if xx > 0 and yy > 0:
                yield number(codes.ERROR_CORRELATION, xy / sqrt(xx * yy), codes.NO_UNIT)
        if mark.region is not None:
            yield from self._region(mark.region, ratio)

    def _region(self, region: Region, ratio: NDArray[np.float64]) -> Iterator[Measurement]:
        """A region's area, with its level and outline under it, and an ellipse's half axes."""
        level = number_property(codes.REGION_LEVEL, 100 * region.level, codes.PERCENT)
        width, height = self.film.film.width_px, self.film.film.height_px
        scale = np.array(self.film.mm_per_px or (np.nan, np.nan))
        area = (region.area_mm2 or 0.0) * float(ratio.prod())
        if region.whole_film or region.area_mm2 is None:
            area = width * height * float(scale.prod())
        yield number(codes.REGION_AREA, area, codes.SQUARE_MM, properties=[level, *self._outlines(region)])
        if region.half_axes_px is not None:
            lengths = np.hypot(*principal_axes(np.array(region.half_axes_px) * scale).T)
            yield number(codes.HALF_AXIS_1, lengths[0], codes.UNITS["mm"])
            yield number(codes.HALF_AXIS_2, lengths[1], codes.UNITS["mm"])

    def _outlines(self, region: Region) -> Iterator[ContentItem]:
        """A region as an ellipse, or as closed polylines where it is none or reaches beyond the film."""
        size = self.film.film.width_px, self.film.film.height_px
        ends = ellipse_ends(region)
        outlines = region_outlines(region)
        if ends is not None and all((within(each, *size) == each).all() for each in (ends, *outlines)):
            yield outline(codes.REGION_OUTLINE, GraphicTypeValues.ELLIPSE, ends, self.source)
            return
        for each in outlines:
            chain = within(each, *size)
            yield outline(codes.REGION_OUTLINE, GraphicTypeValues.POLYLINE, chain, self.source)

    def _scale_ratio(self) -> NDArray[np.float64] | None:
        """(2,) by what a person's ruler changed the scale since the prediction; None without either scale."""
        before, now = self.film.prediction.film.mm_per_px, self.film.mm_per_px
        if before is None or now is None:
            return None
        return np.array(now, dtype=np.float64) / np.array(before, dtype=np.float64)


def algorithm_of(model: ModelInfo, version: str) -> AlgorithmIdentification:
    """What found the points: program, version, model and its checksum (TID 4019)."""
    return AlgorithmIdentification(
        name=f"cephsure, model {model.name}",
        version=version,
        parameters=[
            f"model sha256 {model.sha256}",
            f"recipe {model.recipe}, {model.kind}, {model.samples} samples, seed {model.seed}",
        ],
        family=standard.DCM.ArtificialIntelligence,
        manufacturer="cephsure",
    )
