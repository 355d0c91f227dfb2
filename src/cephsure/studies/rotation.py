"""Rotation: do the measures rise as a head turns away, and do they rise where the error does?"""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cephsure.evaluation.bootstrap import percentile_interval
from cephsure.evaluation.quality import auc, pearson, spearman, weighted_pearson, weighted_spearman
from cephsure.studies.measured import measured
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ExperimentResult, ResultTable, frame_of, method_text, with_ends
from cephsure.studies.rotation_figures import (
    MeasuredTurns,
    all_measures_figure,
    lean_figure,
    own_measure_figure,
    rotation_picture,
)
from cephsure.studies.shifts.landmarks_3d import SURE_MM
from cephsure.studies.shifts.pose import MIDPLANE_TO_FILM_MM, SOURCE_TO_MIDPLANE_MM
from cephsure.studies.shifts.projection import HEIGHT_MM, MM_PER_PX, WIDTH_MM
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.turned_heads import SERIES, turned_heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from cephsure.studies.measured import Measured
    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.study import Study
    from cephsure.studies.turned_heads import Head, PoseSeries, Turned

BLOCK_DEG = 5.0
"""Angles within such a stretch are resampled together."""

STRAIGHT_DEG, TURNED_DEG = 3.0, 10.0
"""The two groups of films that a measure should tell apart: up to the first, and from the second on."""

_GROUPS = f"films of {TURNED_DEG:g}° and more against those of up to {STRAIGHT_DEG:g}°"
_COEFFICIENTS = (
    *("head", "series", "model", "measure"),
    *("error_spearman", "error_spearman_low", "error_spearman_high", "n_points"),
    *("angle_pearson", "angle_pearson_low", "angle_pearson_high", "published_pearson"),
    *("angle_spearman", "angle_spearman_low", "angle_spearman_high"),
    *("rising_percent", "fall_percent_of_range", "auc", "n_angles"),
)
# What figures need beside the tables' columns: the series' name and axis, the model's label; of the measure.
_PLACE = ["poses", "axis", "label"]
_ABOUT = ("own", "name", "key", "axis_label", "direction")


def rotation(study: Study, *, series: Sequence[PoseSeries] = SERIES) -> ExperimentResult:
    """Turn head CTs, project them, and set the measures and the error beside the angle.

    Source: Drevický & Kodým 2020, their third experiment; the cone, the films' look, tilt and nod, and the
    error against landmarks placed in the CT are ours.

    Raises:
        InputError: a CT or its landmarks cannot be read.
    """
    done = turned_heads(study, series)
    heads = {turned.head.name: turned.head for turned in done}
    found = measures_by_angle(study, done)
    pooled = pooled_heads(found)
    coefficients = ResultTable(
        "Measures of turned heads",
        found.measures[[*_COEFFICIENTS]],
        "error_spearman: point by point, unbinned, over all angles of the series. angle_pearson and "
        f"angle_spearman: of the angle's size and the mean over the landmarks. auc: {_GROUPS}. A measure "
        "that does not vary is left out. published_pearson: of the reference, for a parallel sum of another "
        "head.",
    )
    by_angle = ResultTable(
        "Means at each angle",
        found.means.drop(columns=_PLACE),
        "Means over the landmarks that the scan holds; error_mm over the n_truth whose place is known.",
    )
    return ExperimentResult(
        name="rotation",
        title="Turned heads",
        method=method_text(
            "rotation",
            series=series,
            film_mm=(WIDTH_MM, HEIGHT_MM, MM_PER_PX),
            beam_mm=(SOURCE_TO_MIDPLANE_MM, MIDPLANE_TO_FILM_MM),
            sure_mm=SURE_MM,
            groups_deg=(STRAIGHT_DEG, TURNED_DEG),
            block_deg=BLOCK_DEG,
            n_heads=len(heads),
        ),
        tables={
            "rotation": coefficients,
            "rotation-by-angle": by_angle,
            "rotation-straight": _straight(study, done),
            "rotation-heads": _heads(heads.values()),
            **({} if pooled is None else {"rotation-all-heads": pooled}),
        },
        figures=_figures(study, done, found),
        shown=coefficients.select(
            *("head", "series", "model", "measure", "angle_pearson", "published_pearson", "rising_percent"),
            *("error_spearman", "auc"),
            where=found.measures["own"],
        ),
    )


def measures_by_angle(study: Study, done: Sequence[Turned]) -> MeasuredTurns:
    """What every model's measures and error do as the heads are moved."""
    records: list[dict[str, Cell]] = []
    means: list[pd.DataFrame] = []
    for turned in done:
        angles, poses = turned.angles, turned.series
        step = float(np.median(np.diff(angles))) if len(angles) > 1 else 1.0
        weights = block_weights(len(angles), length=max(1, round(BLOCK_DEG / step)), seed=study.seed)
        for model in study.models:
            table = turned.tables[model.label]
            errors = table.errors_mm(turned.truth_px)
            place: dict[str, Cell] = {"head": turned.head.name, "series": poses.title, "model": model.title}
            place |= {"poses": poses.name, "axis": poses.axis, "label": model.label}
            columns = {"error_mm": mean_of_known(errors, axis=1), "n_truth": np.isfinite(errors).sum(axis=1)}
            for in_all in measured(table).values():
                found = in_all.of(np.where(turned.counted, in_all.values, np.nan))
                columns[found.key] = mean_of_known(found.values, axis=1)
                own = found.measure.name == model.own_measure
                known = own and poses.axis == "rotation"
                published = REFERENCE[model.kind].rotation_pearson if known else None
                along = _along(angles, found, errors, weights)
                records.append(place | {"own": own, "published_pearson": published} | along)
            means.append(pd.DataFrame(place | {"angle_deg": angles} | columns))
    measures = frame_of(records, [*_COEFFICIENTS, *_PLACE, *_ABOUT])
    return MeasuredTurns(measures, pd.concat(means, ignore_index=True))


def _along(
    angles: NDArray[np.float64], found: Measured, errors: NDArray[np.float64], weights: NDArray[np.float64]
) -> dict[str, Cell]:
    """One measure along a series: its mean against the angle's size, its points against their errors."""
    values, size, measure = found.values, np.abs(angles), found.measure  # noqa: PD011 - an array
    means = mean_of_known(values, axis=1)
    there = np.isfinite(means)
    places, _ = points = np.nonzero(np.isfinite(values) & np.isfinite(errors))
    x, y = values[points], errors[points]
    # An angle drawn w times brings each of its points w times.
    of_points = percentile_interval(lambda block: weighted_spearman(x, y, block[:, places]), weights)
    of_means, of_ranks = (
        percentile_interval(partial(coefficient, size[there], means[there]), weights[:, there])
        for coefficient in (weighted_pearson, weighted_spearman)
    )
    uncertain = measure.direction * means
    rising, fall = steadiness(angles, uncertain)
    named: dict[str, Cell] = {"measure": measure.title, "name": measure.name, "direction": measure.direction}
    named |= {"key": found.key, "axis_label": found.label, "n_points": len(x), "n_angles": len(angles)}
    named |= with_ends("error_spearman", spearman(x, y), of_points)
    named |= with_ends("angle_pearson", pearson(size, means), of_means)
    named |= with_ends("angle_spearman", spearman(size, means), of_ranks)
    named |= {"rising_percent": 100.0 * rising, "fall_percent_of_range": 100.0 * fall}
    return named | {"auc": told_apart(*straight_and_turned(angles, uncertain))}


def straight_and_turned(
    angles: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values at angles up to ``STRAIGHT_DEG``, and at those from ``TURNED_DEG`` on."""
    size = np.abs(angles)
    return values[size <= STRAIGHT_DEG], values[size >= TURNED_DEG]


def told_apart(straight: NDArray[np.float64], turned: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how well a value that rises with the turn tells turned films."""
    is_turned = np.repeat([False, True], [len(straight), len(turned)])
    return auc(is_turned, np.concatenate([straight, turned]))


def pooled_heads(found: MeasuredTurns) -> ResultTable | None:
    """Coefficients and areas over the films of all heads together, as users meet them; None of one head."""
    measures, means = found.measures, found.means
    heads, keys = list(means["head"].unique()), ["poses", "label", "key"]
    of_each = measures.assign(directed=measures["angle_pearson"] * measures["direction"]).groupby(keys)
    first = measures[(measures["head"] == heads[0]) & (measures["axis"] == "rotation")]
    records: list[dict[str, Cell]] = []
    for line in first.to_dict("records") if len(heads) > 1 else ():
        here = means[(means["poses"] == line["poses"]) & (means["label"] == line["label"])]
        of_heads = [here[here["head"] == head].dropna(subset=line["key"]) for head in heads]
        groups = [
            straight_and_turned(of["angle_deg"].to_numpy(), line["direction"] * of[line["key"]].to_numpy())
            for of in of_heads
        ]
        if all(straight.size and turned.size for straight, turned in groups):
            straight, turned = (np.concatenate(of_all) for of_all in zip(*groups, strict=True))
            crossed = [told_apart(near, far) for (near, _), (_, far) in permutations(groups, 2)]
            named = {name: line[name] for name in ("series", "model", "measure")}
            areas = {"auc": told_apart(straight, turned), "auc_worst_pair": min(crossed)}
            each = of_each.get_group(tuple(line[key] for key in keys))
            films = pd.concat(of_heads)
            angles = {
                "angle_pearson": pearson(films["angle_deg"].abs().to_numpy(), films[line["key"]].to_numpy()),
                "angle_pearson_worst_head": each.loc[each["directed"].idxmin(), "angle_pearson"],
            }
            records.append({**named, "own_measure": line["own"], **angles, **areas})
    if not records:
        return None
    return ResultTable.from_records(
        "The films of all heads together",
        records,
        note="By the mean over the landmarks that each scan holds. angle_pearson: with the angle's size; "
        "angle_pearson_worst_head: the coefficient of the head where the measure follows the angle least. "
        f"auc: {_GROUPS}; auc_worst_pair: the least of the areas with the straight films of one head and the "
        "turned films of another.",
    )


def _straight(study: Study, done: Sequence[Turned]) -> ResultTable:
    """The errors of the head as it should be, landmark by landmark, beside how surely each was placed."""
    codes = study.dataset.landmark_set.codes
    columns = ("head", "series", "model", "landmark", "error_mm", "forward_mm", "down_mm", "placed_within_mm")
    rows: list[tuple[Cell, ...]] = []
    for turned in done:
        landmarks = turned.head.landmarks
        (places,) = np.nonzero(turned.angles == 0)
        if landmarks is None or not places.size or turned.series.axis != "rotation":
            continue
        unsure = {point.code: point.uncertainty_mm for point in landmarks.points}
        for model in study.models:
            table = turned.tables[model.label]
            away = ((table.points_px - turned.truth_px) * table.mm_per_px[:, np.newaxis])[places[0]]
            for code, (forward, down) in zip(codes, away.tolist(), strict=True):
                what = (turned.head.name, turned.series.title, model.title, code)
                rows.append((*what, float(np.hypot(forward, down)), forward, down, unsure.get(code)))
    note = (
        "The unturned head. forward_mm and down_mm: from the true point to the predicted one. "
        "placed_within_mm: the reader's estimate of how surely the landmark was placed in the CT, one "
        "standard deviation."
    )
    return ResultTable.from_records("Errors of the unturned head", rows, columns=columns, note=note)


def _heads(heads: Iterable[Head]) -> ResultTable:
    records: list[dict[str, Cell]] = [
        {
            "head": head.name,
            "levelled_by_tilt_deg": head.levelling.tilt_deg,
            "levelled_by_rotation_deg": head.levelling.rotation_deg,
            "levelled_by_nod_deg": head.levelling.nod_deg,
            "nod_from": head.nod_from,
            "symmetry": head.levelling.symmetry,
            "n_landmarks": len(head.landmarks.codes) if head.landmarks else 0,
            "outside_scan": " ".join(head.absent) or None,
            "credit": head.credit,
        }
        for head in heads
    ]
    note = (
        "levelled_by_nod_deg: positive where the chin was up; nod_from: how that was told. symmetry: "
        "correlation of the levelled bone with its mirror image. n_landmarks: placed in the CT. "
        "outside_scan: landmarks that count nowhere."
    )
    return ResultTable.from_records("The heads", records, note=note)


def _figures(study: Study, done: Sequence[Turned], found: MeasuredTurns) -> dict[str, Figure | DrawnFigure]:
    """Every head's figures by file name."""
    figures: dict[str, Figure | DrawnFigure] = {}
    for name in dict.fromkeys(turned.head.name for turned in done):
        moved = [turned for turned in done if turned.head.name == name]
        turns = [turned for turned in moved if turned.series.axis == "rotation"]
        leans = [turned for turned in moved if turned.series.axis != "rotation"]
        if turns:
            figures[f"rotation-{name}-own-measure"] = own_measure_figure(study, turns, found)
            for turned in turns:
                drawn = all_measures_figure(study, turned, found)
                figures[f"rotation-{name}-measures-{turned.series.name}"] = drawn
            picture = rotation_picture(study, turns[-1])
            if picture is not None:
                figures[f"rotation-{name}-samples"] = picture
        if leans:
            figures[f"rotation-{name}-lean"] = lean_figure(study, leans, found)
    return figures


def block_weights(
    n_places: int, *, length: int, n_resamples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Draw resamples of a series by moving blocks, as how often each place is in each resample.

    Neighbours in a series resemble each other, so they are drawn together (Künsch 1989, Annals of Statistics
    17, 1217-1241).

    Args:
        n_places: number N of places in the series.
        length: of a block; at most N.
        n_resamples: number B of resamples.
        seed: of the random generator.

    Returns:
        (B, N) whole numbers; each row sums to N rounded up to whole blocks.
    """
    length = min(length, n_places)
    generator = np.random.default_rng(seed)
    count = -(-n_places // length)
    starts = generator.integers(0, n_places - length + 1, size=(n_resamples, count))
    places = (starts[:, :, np.newaxis] + np.arange(length)).reshape(n_resamples, -1)
    weights = np.zeros((n_resamples, n_places))
    np.add.at(weights, (np.arange(n_resamples)[:, np.newaxis], places), 1.0)
    return weights


def steadiness(angles: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """How steadily a value rises with the size of an angle, each side of 0 by itself.

    Args:
        angles: (N,) signed angles; 0 belongs to both sides.
        values: (N,) turned so that they should rise; NaN is left out.

    Returns:
        The share of steps from one angle to the next larger one in which the value rises, and the mean size
        of a fall as a share of the whole range of values (0 where it never falls). NaN where the values are
        constant or there is no step.

    Examples:
        >>> steadiness([-2, -1, 0, 1, 2], [3.0, 1.0, 0.0, 2.0, 1.0])
        (0.75, 0.3333333333333333)
    """
    x, y = np.asarray(angles, dtype=np.float64), np.asarray(values, dtype=np.float64)
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    steps = np.concatenate([_steps(x, y), _steps(-x, y)])
    extent = float(np.ptp(y)) if y.size else 0.0
    if not steps.size or extent == 0:
        return float("nan"), float("nan")
    falls = -steps[steps < 0]
    return float((steps > 0).mean()), float(falls.mean() / extent) if falls.size else 0.0


def _steps(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of successive values from 0 upwards."""
    side = x >= 0
    return np.diff(y[side][np.argsort(x[side], kind="stable")])
