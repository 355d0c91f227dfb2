"""Learns a gate from films with known points that the model was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.gate.film_signs import SIGNS
from cephsure.uncertainty.gate.gate import MISFIT, Gate, GateTarget
from cephsure.uncertainty.gate.missed_rate import learn_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration import CalibrationData
    from cephsure.uncertainty.gate.film_signs import FilmSigns, HeadModel

MEASURE = "expected_error_mm"
"""What points are accepted by: the heat maps' own expected error, so that nothing of the score is fitted to
the films that the threshold is tested on."""


def fit_gate(
    data: CalibrationData,
    films: Sequence[FilmSigns],
    *,
    head: HeadModel,
    shape_source: str,
    target: GateTarget | None = None,
) -> Gate:
    """Learn a gate.

    Args:
        data: errors and measures of the calibration films.
        films: the same films' signs, in the same order, taken with ``head``.
        head: shape model and bilateral landmarks; fitted to other films than these.
        shape_source: which films the shape model was fitted to, in words.
        target: what is asked of the gate; by default 5 % missed at 2 mm and 5 % false alarms.

    Returns:
        The gate. Where the films cannot show that the target is kept it accepts nothing.

    Raises:
        InputError: the films do not fit the data.
    """
    target = target or GateTarget()
    if len(films) != len(data.film_ids):
        raise InputError(f"signs of {len(films)} films do not fit data of {len(data.film_ids)}")
    misfits = np.stack([one.misfits for one in films])
    scores = acceptance_scores(data.measures[MEASURE], misfits)
    rule = learn_rule(
        data.radial_mm,
        scores,
        groups=data.groups,
        max_missed_rate=target.max_missed_rate,
        tolerance_mm=target.tolerance_mm,
        confidence=target.confidence,
    )
    alone = _one_a_group(data.groups)
    return Gate(
        target=target,
        measure=MEASURE,
        threshold_mm=rule.threshold,
        misfit=MISFIT,
        numbers=data.numbers,
        bilateral=head.bilateral,
        shape=head.shape.to_dict(),
        signs=SIGNS,
        film_signs=tuple(_finite(films[i].signs) for i in alone),
        uncertain_from=_uncertain_from([films[i] for i in alone], target.false_alarm_rate),
        films=len(films),
        units=rule.units,
        accepted_share=rule.accepted_share,
        missed_share=rule.missed_share,
        caught_share=rule.caught_share,
        mean_loss=rule.mean_loss,
        source=data.source.to_dict(),
        shape_source=shape_source,
    )


def acceptance_scores(measure_mm: NDArray[np.float64], misfits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores that points are accepted by: the measure, infinite where a landmark does not fit the others.

    Args:
        measure_mm: (..., L), NaN without a scale.
        misfits: (..., L) standard residuals.

    Returns:
        (..., L), infinite for a point that is never accepted.
    """
    never = np.isnan(measure_mm) | ~(misfits <= MISFIT)
    scores: NDArray[np.float64] = np.where(never, np.inf, measure_mm)
    return scores


def _one_a_group(groups: Sequence[str]) -> list[int]:
    """The first film of each group: films that belong together are not exchangeable with others."""
    first: dict[str, int] = {}
    for index, group in enumerate(groups):
        first.setdefault(group, index)
    return list(first.values())


def _finite(signs: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in signs)


def _uncertain_from(films: Sequence[FilmSigns], rate: float) -> tuple[float, ...]:
    """What a share ``rate`` of the films exceed at each landmark; a description, no test rests on it."""
    values = np.stack([one.log_errors for one in films])
    bounds = np.quantile(values, 1.0 - rate, axis=0, method="higher")
    return tuple(float(bound) if np.isfinite(bound) else 1e9 for bound in bounds)
