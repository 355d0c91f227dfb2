"""Rotation: do the measures rise as a head turns away, and do they rise where the error does?"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.rotation_figures import (
    all_measures_figure,
    lean_figure,
    own_measure_figure,
    rotation_picture,
)
from cephsure.studies.rotation_pooled import pooled_sentences, pooled_table
from cephsure.studies.rotation_results import (
    BLOCK_DEG,
    STRAIGHT_DEG,
    TURNED_DEG,
    best_of,
    models_along,
    steadiest,
)
from cephsure.studies.shifts.landmarks_3d import SURE_MM
from cephsure.studies.shifts.pose import MIDPLANE_TO_FILM_MM, SOURCE_TO_MIDPLANE_MM
from cephsure.studies.shifts.projection import HEIGHT_MM, MM_PER_PX, WIDTH_MM
from cephsure.studies.turned import SERIES, turned_heads
from cephsure.studies.wording import ends, listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.rotation_results import MeasureAlong, ModelAlong
    from cephsure.studies.study import Study
    from cephsure.studies.turned import Head, Series


def rotation(study: Study, *, series: Sequence[Series] | None = None) -> ExperimentResult:
    """Turn head CTs, project them, and set the measures and the error beside the angle.

    Source: Drevický & Kodým 2020, their third experiment; the cone, the films' look, tilt and nod, and the
    error against landmarks placed in the CT are ours.

    Args:
        study: models, CTs and folder.
        series: how the heads are moved; by default ``SERIES``.

    Returns:
        Coefficients, means at each angle, errors of the unturned head; figures.

    Raises:
        InputError: a CT or its landmarks cannot be read.
    """
    moved = SERIES if series is None else tuple(series)
    heads: dict[str, Head] = {}
    along: dict[str, dict[str, list[ModelAlong]]] = {}
    for turned in turned_heads(study, moved):
        heads[turned.head.name] = turned.head
        along.setdefault(turned.head.name, {})[turned.series.name] = models_along(study, turned)
    everything = [one for results in along.values() for models in results.values() for one in models]
    pooled = pooled_table(along)
    figures: dict[str, Figure | DrawnFigure] = {}
    for name, head in heads.items():
        figures |= _figures(study, head, along[name])
    return ExperimentResult(
        name="rotation",
        title="Turned heads",
        method=_method(moved, list(heads.values())),
        findings=(*_findings(along), *pooled_sentences(pooled)),
        tables={
            "rotation": _coefficients(everything),
            "rotation-by-angle": _by_angle(everything),
            "rotation-straight": _straight(study, everything),
            "rotation-heads": _heads(list(heads.values())),
            **({} if pooled is None else {"rotation-all-heads": pooled}),
        },
        figures=figures,
    )


def _figures(
    study: Study, head: Head, results: dict[str, list[ModelAlong]]
) -> dict[str, Figure | DrawnFigure]:
    """One head's figures by file name."""
    moved = {name: models[0].turned.series for name, models in results.items()}
    turns = {name: models for name, models in results.items() if moved[name].axis == "rotation"}
    leans = {name: models for name, models in results.items() if moved[name].axis != "rotation"}
    figures: dict[str, Figure | DrawnFigure] = {}
    if turns:
        last = list(turns)[-1]
        figures[f"rotation-{head.name}-own-measure"] = own_measure_figure(head, turns)
        for name, models in turns.items():
            figures[f"rotation-{head.name}-measures-{name}"] = all_measures_figure(head, models)
        picture = rotation_picture(study, head, moved[last])
        if picture is not None:
            figures[f"rotation-{head.name}-samples"] = picture
    if leans:
        figures[f"rotation-{head.name}-lean"] = lean_figure(head, leans)
    return figures


def _method(moved: Sequence[Series], heads: Sequence[Head]) -> tuple[str, ...]:
    series = "; ".join(
        f"{one.title}: {len(one.angles)} films from {one.angles[0]:g}° to {one.angles[-1]:g}°"
        for one in moved
    )
    posing = (
        "What lies far from the head in a CT (table, headrest) is taken out. The head is then levelled: "
        "turned so that the plane in which its bone mirrors itself best faces "
        "the beam (the table of the heads says by how much). It is then turned about the vertical axis "
        "(positive: face to the patient's left, towards the film), tilted about the antero-posterior one "
        "(positive: to the left shoulder) or nodded about the transverse one (positive: chin down), about "
        f"the centroid of its bone, and projected on a film of {WIDTH_MM:g} x {HEIGHT_MM:g} mm at "
        f"{MM_PER_PX:g} mm a pixel, placed by vertex and nose as heads lie on the ISBI films (by the "
        f"nose alone where the scan lacks the vertex). {series}."
    )
    looks = (
        "Parallel sum is the reference's: attenuation (none below −800 HU) summed along parallel rays and "
        "divided by the film's maximum. A parallel film is the same beam with the weight that bone has for "
        "a cephalogram's softer rays and with the greys of a scanned film. A cone film is made so too, "
        f"with the source {SOURCE_TO_MIDPLANE_MM:g} mm from the midsagittal plane, the detector "
        f"{MIDPLANE_TO_FILM_MM:g} mm behind it, and Beer and Lambert's law along each ray. The scale is "
        "that of the plane through the pivot. The models are told which way the head faces and that bone "
        "is bright."
    )
    truth = (
        "Where landmarks placed in the CT are known they are projected with the same geometry, of a pair "
        "the mean of both sides, and errors are against that; points off the film have none. Landmarks that "
        "lie outside the scan, as the file of its landmarks says or else because the scan ends "
        f"{SURE_MM:g} mm above their mean place on the ISBI films, count in no mean, no coefficient and no "
        "picture: whatever a model says of them is made up. Landmarks "
        "that are defined by an outline seen from the side (articulare, the foremost points) are projected "
        "as the points they are: in a turned head an observer would draw some of them elsewhere."
    )
    statistics = (
        "Pearson and Spearman of the angle's size are those of the means over the landmarks, as published; "
        "the point-wise Spearman of measure and error takes every landmark at every angle, unbinned. "
        "Rising: share of the steps to the next larger angle, each side by itself, in which the mean grows "
        "more uncertain; fall: mean size of a step the other way over the range of the means. AUC: films "
        f"of {TURNED_DEG:g}° and more against those of up to {STRAIGHT_DEG:g}°, by the mean."
    )
    intervals = (
        f"Intervals: 95 % percentile bootstrap over moving blocks of angles ({BLOCK_DEG:g}°; neighbours "
        "resemble each other). The films are not resampled as in the other experiments: there "
        f"{'is one head' if len(heads) == 1 else f'are {len(heads)} heads'}. So an interval says how much "
        "a coefficient hangs on single stretches of angles, not how it would differ in other heads."
    )
    return (posing, looks, truth, statistics, intervals)


def _coefficients(along: Sequence[ModelAlong]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = [
        (
            *(one.turned.head.name, one.turned.series.title, one.model.title, measure.title),
            *(measure.point_spearman, *ends(measure.point_spearman_ci95), measure.points),
            *(measure.pearson, *ends(measure.pearson_ci95)),
            one.published if measure is one.own and one.turned.series.axis == "rotation" else None,
            *(measure.spearman, *ends(measure.spearman_ci95)),
            *(100.0 * measure.rising, 100.0 * measure.fall, measure.auc, len(one.turned.angles)),
        )
        for one in along
        for measure in one.measures
    ]
    columns = (
        *("head", "series", "model", "measure"),
        *("error_spearman", "error_spearman_low", "error_spearman_high", "n_points"),
        *("angle_pearson", "angle_pearson_low", "angle_pearson_high", "published_pearson"),
        *("angle_spearman", "angle_spearman_low", "angle_spearman_high"),
        *("rising_percent", "fall_percent_of_range", "auc", "n_angles"),
    )
    note = (
        "error_spearman: point by point, unbinned, over all angles of the series. angle_pearson and "
        "angle_spearman: of the angle's size and the mean over the landmarks. auc: films of "
        f"{TURNED_DEG:g}° and more against those of up to {STRAIGHT_DEG:g}°. A measure that does not vary "
        "is left out. published_pearson: of the reference, for a parallel sum of another head."
    )
    return ResultTable.from_rows("Measures of turned heads", columns, tuple(rows), note)


def _by_angle(along: Sequence[ModelAlong]) -> ResultTable:
    keys = list(dict.fromkeys(measure.measured.key for one in along for measure in one.measures))
    rows: list[tuple[Cell, ...]] = []
    for one in along:
        by_key = {measure.measured.key: measure.means for measure in one.measures}
        for index, angle in enumerate(one.turned.angles):
            means = [float(by_key[key][index]) if key in by_key else None for key in keys]
            error = float(one.error_means[index])
            known = int(np.isfinite(one.errors_mm[index]).sum())
            what = (one.turned.head.name, one.turned.series.title, one.model.title, float(angle))
            rows.append((*what, error, known, *means))
    columns = ("head", "series", "model", "angle_deg", "error_mm", "n_truth", *keys)
    note = "Means over the landmarks that the scan holds; error_mm over the n_truth whose place is known."
    return ResultTable.from_rows("Means at each angle", columns, tuple(rows), note)


def _straight(study: Study, along: Sequence[ModelAlong]) -> ResultTable:
    """The errors of the head as it should be, landmark by landmark, beside how surely each was placed."""
    codes = study.dataset.landmark_set.codes
    rows: list[tuple[Cell, ...]] = []
    for one in along:
        landmarks = one.turned.head.landmarks
        (places,) = np.nonzero(one.turned.angles == 0)
        if landmarks is None or not places.size or one.turned.series.axis != "rotation":
            continue
        unsure = {point.code: point.uncertainty_mm for point in landmarks.points}
        table = one.turned.tables[one.model.label]
        away = (table.points_px[places[0]] - one.turned.truth_px[places[0]]) * table.mm_per_px[places[0]]
        for row, code in enumerate(codes):
            error = float(one.errors_mm[places[0], row])
            what = (one.turned.head.name, one.turned.series.title, one.model.title, code)
            rows.append((*what, error, float(away[row, 0]), float(away[row, 1]), unsure.get(code)))
    columns = ("head", "series", "model", "landmark", "error_mm", "forward_mm", "down_mm", "placed_within_mm")
    note = (
        "The unturned head. forward_mm and down_mm: from the true point to the predicted one. "
        "placed_within_mm: the reader's estimate of how surely the landmark was placed in the CT, one "
        "standard deviation."
    )
    return ResultTable.from_rows("Errors of the unturned head", columns, tuple(rows), note)


def _heads(heads: Sequence[Head]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = [
        (
            head.name,
            head.levelling.tilt_deg,
            head.levelling.rotation_deg,
            head.levelling.symmetry,
            len(head.landmarks.codes) if head.landmarks else 0,
            " ".join(head.absent) or None,
            head.credit,
        )
        for head in heads
    ]
    columns = (
        *("head", "levelled_by_tilt_deg", "levelled_by_rotation_deg", "symmetry"),
        *("n_landmarks", "outside_scan", "credit"),
    )
    note = (
        "symmetry: correlation of the levelled bone with its mirror image. n_landmarks: placed in the CT. "
        "outside_scan: landmarks that count nowhere."
    )
    return ResultTable.from_rows("The heads", columns, tuple(rows), note)


def _findings(along: dict[str, dict[str, list[ModelAlong]]]) -> tuple[str, ...]:
    sentences: list[str] = []
    for name, results in along.items():
        absent = next(iter(results.values()))[0].turned.head.absent
        if absent:
            sentences.append(
                f"{name}: the scan does not hold {listed(absent)}; these count in no figure of this head."
            )
        for models in results.values():
            series = models[0].turned.series
            place = f"{name}, {series.title}"
            sentences += [_own_sentence(place, one, one.own) for one in models]
            steady = steadiest(models)
            if (
                series.axis == "rotation"
                and steady is not None
                and steady.own is not None
                and len(models) > 1
            ):
                sentences.append(
                    f"{place}: the steadiest own measure is that of {steady.model.title}, which rises in "
                    f"{100 * steady.own.rising:.0f} % of the steps."
                )
            best = best_of(models)
            if best is not None and best.best is not None:
                sentences.append(
                    f"{place}: films from {TURNED_DEG:g}° on are told from those up to {STRAIGHT_DEG:g}° "
                    f"best by {best.best.title} of {best.model.title}, AUC {best.best.auc:.3f}."
                )
    return tuple(sentences)


def _own_sentence(place: str, one: ModelAlong, own: MeasureAlong | None) -> str:
    if own is None:
        text = f"{place}, {one.model.title}: its {one.model.own_measure} does not vary"
    else:
        published = (
            f", published {with_interval(one.published, None)}"
            if one.turned.series.axis == "rotation"
            else ""
        )
        text = (
            f"{place}, {one.model.title}: Pearson of the angle's size and mean {own.title} "
            f"{with_interval(own.pearson, own.pearson_ci95)}{published}"
        )
        if isfinite(own.rising):
            text += f"; it rises in {100 * own.rising:.0f} % of the steps"
            text += f", a fall is {100 * own.fall:.0f} % of its range" if own.fall else ""
    errors = one.error_means
    (straight,) = np.nonzero(one.turned.angles == 0)
    if straight.size and np.isfinite(errors[straight[0]]):
        at_0 = f"{errors[straight[0]]:.1f} mm at 0°"
        text += f"; the mean error goes from {at_0} to {np.nanmax(errors):.1f} mm at most"
        if own is not None:
            followed = with_interval(own.point_spearman, own.point_spearman_ci95)
            text += f", which it follows point by point with Spearman {followed} (n = {own.points})"
    return f"{text}."
