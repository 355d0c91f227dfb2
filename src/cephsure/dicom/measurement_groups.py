"""The parts of a structured report that are about the film as a whole and about its measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from highdicom.sr import MeasurementsAndQualitativeEvaluations, TrackingIdentifier
from pydicom.sr.codedict import codes as standard

from cephsure.dicom import codes
from cephsure.dicom.content_items import (
    concept,
    evaluation,
    number,
    number_property,
    text,
    text_property,
)
from cephsure.dicom.source import derived_uid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from highdicom.sr import AlgorithmIdentification, ContentItem, Measurement

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.measured import MeasuredValue
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.dicom.source import SourceObject


def film_group(
    film: ReviewedFilm, source: SourceObject, algorithm: AlgorithmIdentification
) -> MeasurementsAndQualitativeEvaluations:
    """What is said of the film: verdict, promise, for whom it holds, scale, notice on use."""
    prediction = film.prediction
    verdicts = []
    if prediction.verdict is not None:
        verdicts.append(evaluation(codes.FILM_VERDICT, codes.FILM_VERDICTS[prediction.verdict]))
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(derived_uid(source.sop_instance_uid, "film"), "film"),
        finding_type=concept(codes.FILM),
        algorithm_id=algorithm,
        measurements=list(_scale(film)),
        qualitative_evaluations=verdicts or None,
    )
    words = [
        (codes.REASON, prediction.why),
        (codes.PROMISE, prediction.promise),
        (codes.FOR_WHOM, prediction.for_whom),
        (codes.LANDMARK_SET, film.landmark_set.name),
        (codes.SCALE_SOURCE, film.spacing_source),
        *((codes.NOTE, note) for note in film.film.notes),
        (codes.NOTICE, prediction.disclaimer),
    ]
    group[0].ContentSequence.extend(text(name, said) for name, said in words if said)
    return group


def _scale(film: ReviewedFilm) -> Iterator[Measurement]:
    if film.mm_per_px is not None:
        names = standard.DCM.HorizontalPixelSpacing, standard.DCM.VerticalPixelSpacing
        for name, length in zip(names, film.mm_per_px, strict=True):
            yield number(name, length, codes.UNITS["mm"])


def measurement_groups(
    analysis: Analysis, source: SourceObject
) -> Iterator[MeasurementsAndQualitativeEvaluations]:
    """One for each measurement, with its interval and class; without a value it says why there is none."""
    for measured in analysis.measurements:
        name = f"{measured.analysis} {measured.code}"
        what = concept(codes.measurement_code(measured.code, measured.name))
        group = MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(
                derived_uid(source.sop_instance_uid, "measurement", name), name
            ),
            finding_type=what,
            measurements=None if measured.value is None else [_value(measured, measured.value)],
        )
        group[0].ContentSequence.extend(_words(measured))
        yield group


def _value(measured: MeasuredValue, value: float) -> Measurement:
    """The value, with all that is known of it under it."""
    unit = codes.UNITS[measured.unit]
    name = codes.measurement_code(measured.code, measured.name)
    return number(name, value, unit, properties=_properties(measured))


def _properties(measured: MeasuredValue) -> Iterator[ContentItem]:
    unit = codes.UNITS[measured.unit]
    if measured.sd is not None:
        yield number_property(codes.MEASURED_SD, measured.sd, unit)
    if measured.interval_90 is not None:
        for name, end in zip((codes.INTERVAL_LOW, codes.INTERVAL_HIGH), measured.interval_90, strict=True):
            yield number_property(name, end, unit)
    for named in measured.class_probabilities or ():
        item = number_property(codes.CLASS_PROBABILITY, 100 * named.probability, codes.PERCENT)
        item.ContentSequence = [text_property(codes.CLASS_OF_VALUE, named.name)]
        yield item


def _words(measured: MeasuredValue) -> Iterator[ContentItem]:
    for name, said in (
        (codes.ANALYSIS, measured.analysis),
        (codes.CLASS_OF_VALUE, measured.class_of_value),
        (codes.DECISION, measured.decision),
        (codes.NOT_DECIDED, measured.not_decided),
        (codes.NO_VALUE, measured.missing),
        (codes.NO_INTERVAL, measured.no_interval),
    ):
        if said:
            yield text(name, said)
