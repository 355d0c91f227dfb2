"""What a number of samples is worth: error, correlation, detection and referral, averaged over subsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, interval_of
from cephsure.evaluation.correlation import weighted_pearson, weighted_spearman
from cephsure.evaluation.errors import is_within
from cephsure.evaluation.quality import known, known_interval
from cephsure.evaluation.roc import weighted_auc
from cephsure.studies.plotting import Estimate
from cephsure.studies.statistics.risk_coverage import UncertaintyOrder
from cephsure.uncertainty import ALWAYS, MEASURES, mean_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples
    from cephsure.studies.sample_store import DrawnFilm
    from cephsure.uncertainty import Measure

SUBSETS = 5
RESAMPLES = 300
LARGE_MM = 4.0
REFERRED = 0.2
STATISTICS = ("pearson", "spearman", "auc_4mm", "caught_20")


@dataclass(frozen=True, slots=True)
class AtCount:
    """What T samples a film give.

    Attributes:
        count: T.
        n_subsets: sets of T samples that were averaged over.
        n_films: films.
        n_points: points with a truth.
        n_large: errors over 4 mm, mean over the subsets.
        mre_mm: mean radial error, with its 95 % interval over resampled films.
        measures: by the measure's name, each of ``STATISTICS`` alike; a measure that is the same for all
            points is not in it.
    """

    count: int
    n_subsets: int
    n_films: int
    n_points: int
    n_large: float
    mre_mm: Estimate
    measures: dict[str, dict[str, Estimate]]


def subsets(total: int, count: int, *, seed: int, wanted: int = SUBSETS) -> list[NDArray[np.intp]]:
    """Random sets of ``count`` out of ``total`` samples: ``wanted`` of them, or the only one there is.

    They are cut from shuffled orders, so that as many as possible have no sample in common.

    Example:
        >>> sorted(np.concatenate(subsets(6, 2, seed=0, wanted=3)).tolist())
        [0, 1, 2, 3, 4, 5]
    """
    if count == total:
        return [np.arange(total)]
    rng = np.random.default_rng([seed, total, count])
    blocks: list[NDArray[np.intp]] = []
    while len(blocks) < wanted:
        order = rng.permutation(total)
        blocks += [order[start : start + count] for start in range(0, total - count + 1, count)]
    return blocks[:wanted]


def at_count(
    drawn: Sequence[DrawnFilm],
    truths_mm: NDArray[np.float64],
    chosen: Sequence[NDArray[np.intp]],
    *,
    seed: int,
) -> AtCount:
    """Figures of predictions from each subset of the samples, averaged over the subsets.

    Args:
        drawn: samples of F films.
        truths_mm: (F, L, 2) true points, NaN where there is none.
        chosen: subsets of one size, each as places among a film's samples; the same for all films.
        seed: of the bootstrap.

    Returns:
        The figures; the interval is that of the average, films resampled.
    """
    # One film cannot be resampled.
    resamples = RESAMPLES if len(drawn) > 1 else 0
    weights = film_weights(len(drawn), n_resamples=resamples, seed=seed)
    # The data as they are come first: value and interval from one call.
    weights = np.concatenate([np.ones((1, len(drawn))), weights])
    means, large, of_measures = [], [], []
    for subset in chosen:
        samples = [film.in_mm(subset) for film in drawn]
        errors = np.linalg.norm(np.stack([mean_position(one) for one in samples]) - truths_mm, axis=-1)
        means.append(_mean(errors, weights))
        large.append(np.sum(np.isfinite(errors) & ~is_within(errors, LARGE_MM)))
        # Single samples are kept without maps and altered views: the measures of these are not here.
        values = {measure.name: _values(measure, samples) for measure in ALWAYS}
        of_measures.append(
            {
                name: _statistics(errors, found, MEASURES[name], weights)
                for name, found in values.items()
                if np.ptp(found) > 0
            }
        )
    return AtCount(
        count=len(chosen[0]),
        n_subsets=len(chosen),
        n_films=len(drawn),
        n_points=int(np.isfinite(truths_mm).all(axis=-1).sum()),
        n_large=float(np.mean(large)),
        mre_mm=_averaged(means),
        measures={
            name: {key: _averaged([found[name][key] for found in of_measures]) for key in STATISTICS}
            for name in of_measures[0]
            if all(name in found for found in of_measures)
        },
    )


def _values(measure: Measure, samples: Sequence[Samples]) -> NDArray[np.float64]:
    """(F, L) a measure of each film's samples; NaN where these lack what it needs."""
    missing = np.full(samples[0].positions_px.shape[1], np.nan)
    found = (measure.compute(one) for one in samples)
    return np.stack([missing if values is None else values for values in found])


def _mean(errors: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    there = np.isfinite(errors)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = (weights @ np.nansum(errors, axis=1)) / (weights @ there.sum(axis=1))
    return mean


def _statistics(
    errors: NDArray[np.float64], values: NDArray[np.float64], measure: Measure, weights: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Each of ``STATISTICS`` (B,) in B weighted copies of the films."""
    films, landmarks = np.nonzero(np.isfinite(errors) & np.isfinite(values))
    losses, found = errors[films, landmarks], values[films, landmarks]
    large, scores, drawn = ~is_within(losses, LARGE_MM), measure.direction * found, weights[:, films]
    order = UncertaintyOrder.of(scores, drawn)
    return {
        "pearson": weighted_pearson(losses, found, drawn),
        "spearman": weighted_spearman(losses, found, drawn),
        "auc_4mm": weighted_auc(large, scores, drawn),
        "caught_20": order.caught(large.astype(np.float64), share=REFERRED),
    }


def _averaged(of_subsets: Sequence[NDArray[np.float64]]) -> Estimate:
    """The mean over the subsets, of the data (the first of each) and of the resamples (the rest)."""
    mean = np.mean(of_subsets, axis=0)
    return Estimate(known(float(mean[0])), known_interval(interval_of(mean[1:])))
