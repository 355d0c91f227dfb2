"""A site's corrected films: what they teach of its reader, and what K films bring, by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.calibration.calibration import film_errors
from cephsure.uncertainty.calibration.fitting import marked
from cephsure.uncertainty.calibration.rehearsal import drawn_of, kinds_of
from cephsure.uncertainty.gate.acceptance import ENOUGH_POINTS
from cephsure.uncertainty.gate.film_reference import site_reference
from cephsure.uncertainty.plausibility import ANY_LANDMARK_MM
from cephsure.uncertainty.quantile import check_level
from cephsure.uncertainty.readers.cases import TruthOf, case_of
from cephsure.uncertainty.readers.habit import observe
from cephsure.uncertainty.readers.reader import AcceptedOnFilms, Reader, landmarks_of
from cephsure.uncertainty.regions import REGION_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.calibration import Calibration
    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.gate.film_reference import FilmReference
    from cephsure.uncertainty.gate.gate import Gate
    from cephsure.uncertainty.gate.signs import FilmSigns
    from cephsure.uncertainty.readers.habit import Habit, Prior

STEPS = (0, 1, 3, 5, 10, 20, 40)


@dataclass(frozen=True, slots=True)
class SiteMaterial:
    """Corrected films of one site, and what they are judged with.

    Attributes:
        signs: the films' signs, taken with ``gate.head``; none where there is no gate.
        truth_of: whether the marks are one reader's, or the mean of two readers'.
        profile: where the belief starts, instead of what is known of readers.
    """

    data: CalibrationData
    calibration: Calibration
    gate: Gate | None
    signs: tuple[FilmSigns, ...] = ()
    truth_of: TruthOf = "one"
    profile: Reader | None = None

    @property
    def misfits(self) -> NDArray[np.float64]:
        """(F, L) standard residuals of the shape."""
        return np.stack([film.misfits for film in self.signs])

    @property
    def prior(self) -> Prior:
        """What is believed before the films."""
        return self.calibration.readers.prior() if self.profile is None else self.profile.prior

    @property
    def measured(self) -> SiteMaterial:
        """The films on which a point is known in mm."""
        known = np.flatnonzero(np.isfinite(self.data.radial_mm).any(axis=1)).tolist()
        signs = tuple(self.signs[place] for place in known) if self.signs else ()
        return replace(self, data=self.data.take(known), signs=signs)

    def habit(self, films: NDArray[np.int64]) -> Habit:
        """What is known after the films at some indices."""
        return observe(self.prior, marked(self.data, self.calibration.scatter[self.truth_of], films))


def learn_site(material: SiteMaterial, *, name: str, model: str, model_sha256: str) -> Reader:
    """Learn a site's reader from all of its films; the gate is kept or withdrawn by what they show."""
    measured = material.measured
    data, everything = measured.data, np.arange(len(measured.data.film_ids))
    if not len(everything):
        raise InputError("no film has errors in mm", remedy="give the scale by --mm-per-px")
    _check_offsets(data)
    return Reader(
        name=name,
        kind="site",
        model=model,
        model_sha256=model_sha256,
        landmarks=landmarks_of(data.numbers, measured.habit(everything)),
        films=len(everything),
        truth_of=material.truth_of,
        acceptance=_acceptance(measured),
        film_reference=_film_reference(material),
        source=data.source,
    )


def _check_offsets(data: CalibrationData) -> None:
    """Refuse mean offsets that are no habit: a few films of a mix-up are enough to put points beside films.

    The limit is that beyond which the points of all films are taken for a mix-up (``plausibility``); there
    the median over films counts, here the mean, which is what is learned.
    """
    known = np.asarray(np.isfinite(data.errors_mm).all(axis=2))  # (F, L)
    counts = known.sum(axis=0)
    sums = np.where(known[..., None], data.errors_mm, 0.0).sum(axis=0)
    offsets = np.linalg.norm(sums[counts > 0] / counts[counts > 0, None], axis=1)
    if offsets.max() <= ANY_LANDMARK_MM:
        return
    number = data.numbers[int(np.flatnonzero(counts > 0)[int(np.argmax(offsets))])]
    worst = int(np.argmax(np.where(known, data.radial_mm, 0.0).max(axis=1)))
    raise InputError(
        f"mean offsets of {offsets.max():.0f} mm (landmark {number}) are no reader's habit but a mix-up",
        remedy=f"the points of film {data.film_ids[worst]} lie farthest from where the model finds them",
    )


def _film_reference(material: SiteMaterial) -> FilmReference | None:
    if material.gate is None or not material.signs:
        return None
    # One film a group: films that belong together are not exchangeable with others.
    first = sorted(np.unique(material.data.groups, return_index=True)[1].tolist())
    return site_reference([material.signs[place] for place in first], material.gate.reference)


def _acceptance(material: SiteMaterial) -> AcceptedOnFilms | None:
    """How acceptance does on each film by what the other films teach.

    It is withdrawn where more accepted points are wrong than the gate's rate by more than chance: the lower
    end of a one-sided 90 % interval of the share, over films, lies above the rate.
    """
    gate, data = material.gate, material.data
    if gate is None or len(set(data.groups)) < 2:
        return None
    misfits = material.misfits
    names = np.asarray(data.groups)
    accepted, wrong = np.zeros((2, len(names)))
    for place, group in enumerate(names):
        habit = material.habit(np.flatnonzero(names != group))
        judged = _judge(material, place, habit)
        case = case_of("site", len(names) - 1, material.truth_of, gate.rules)
        taken = gate.rules[case].accepts(judged.expected_mm, misfits[place])
        taken &= np.isfinite(judged.actual_mm)
        accepted[place] = taken.sum()
        wrong[place] = (taken & (judged.actual_mm > gate.target.tolerance_mm)).sum()
    points, missed = int(accepted.sum()), int(wrong.sum())
    rate, withdrawn = gate.target.max_missed_rate, None
    if points >= ENOUGH_POINTS:
        share = missed / points
        # Films are the units: the ratio's standard error by its residuals.
        error = float(np.sqrt(((wrong - share * accepted) ** 2).sum())) / points
        if share - 1.2816 * error > rate:
            withdrawn = (
                f"on the {len(names)} films of this site {missed} of {points} accepted points were off by "
                f"more than {gate.target.tolerance_mm:g} mm, over the rate of {rate:.3g}: none is accepted"
            )
    return AcceptedOnFilms(points=points, wrong=missed, withdrawn=withdrawn)


@dataclass(frozen=True, slots=True)
class _Judged:
    expected_mm: NDArray[np.float64]
    actual_mm: NDArray[np.float64]
    held: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]


def _judge(material: SiteMaterial, place: int, habit: Habit, level: float = 0.9, seen: int = 0) -> _Judged:
    """One film by a habit: its (L,) errors, whether its regions hold the true points, and their areas."""
    data, calibration = material.data, material.calibration
    kinds = kinds_of(data)
    kind = calibration.default if calibration.default in kinds else kinds[0]
    score = REGION_KINDS[kind]
    errors = film_errors(calibration.scatter[material.truth_of], drawn_of(data, place), habit)
    truth = data.truths_px[place]
    case = case_of("site", seen, material.truth_of, calibration.bounds)
    bounds = calibration.bounds[case][kind].at(level, len(truth))
    areas = np.full(len(truth), np.inf)
    # One bound serves all landmarks where the reader was not met before.
    for bound in np.unique(bounds[bounds < 1]):
        own = bounds == bound
        areas[own] = score.areas_mm2(errors, np.array([bound]))[own, 0]
    contents = score.contents(errors, truth)
    held = np.where(np.isnan(contents), np.nan, contents <= bounds)
    return _Judged(errors.expected_mm, errors.distances_mm(truth), held, areas)


@dataclass(frozen=True, slots=True)
class GainRow:
    """Figures of all draws of K films, each measured on the films that were not drawn.

    Attributes:
        films: K.
        test_films: films that were measured on, the fewest of a draw.
        repeats: draws.
        mre_mm: mean radial error, mean of the draws; ``mre_sd_mm`` is its standard deviation over them.
        sdr_2mm: share of points within 2 mm.
        coverage: share of points within their region; ``worst_landmark`` of the worst landmark's.
        area_mm2: median area of the regions.
        accepted: share of points that the gate accepts, films' own signs apart; ``wrong`` share of these that
            are off by more than the tolerance. None without a gate.
    """

    films: int
    test_films: int
    repeats: int
    mre_mm: float
    mre_sd_mm: float
    sdr_2mm: float
    coverage: float
    worst_landmark: float
    area_mm2: float | None
    accepted: float | None
    wrong: float | None


def cross_validate(
    material: SiteMaterial,
    *,
    level: float = 0.9,
    steps: Sequence[int] = STEPS,
    repeats: int = 20,
    seed: int = 0,
) -> list[GainRow]:
    """Draw K films of a site at random, learn from them, measure on the others; again and again.

    Groups of films stay together, so a draw can be a film or two larger than K. The steps are values of K;
    those that leave no film to measure on are left out, and fewer than two groups have none.
    """
    check_level(level)
    material = material.measured
    if len(set(material.data.groups)) < 2:
        return []
    rng = np.random.default_rng(seed)
    count = len(material.data.film_ids)
    rows = []
    for seen in sorted({step for step in steps if step < count}):
        draws = [_draw(material, seen, rng, level) for _ in range(repeats if seen else 1)]
        rows.append(_row(seen, draws, material.gate))
    return rows


@dataclass(frozen=True, slots=True)
class _Draw:
    """(F, L) of the films that were not drawn."""

    actual_mm: NDArray[np.float64]
    held: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]
    accepted: NDArray[np.bool_] | None


def _draw(material: SiteMaterial, seen: int, rng: np.random.Generator, level: float) -> _Draw:
    chosen = material.data.draw(seen, rng, spare=1)
    habit, tested = material.habit(np.flatnonzero(chosen)), np.flatnonzero(~chosen)
    judged = [_judge(material, place, habit, level, seen) for place in tested.tolist()]
    accepted = None
    if material.gate is not None:
        rule = material.gate.rules[case_of("site", seen, material.truth_of, material.gate.rules)]
        accepted = rule.accepts(np.stack([film.expected_mm for film in judged]), material.misfits[tested])
    return _Draw(
        np.stack([film.actual_mm for film in judged]),
        np.stack([film.held for film in judged]),
        np.stack([film.areas_mm2 for film in judged]),
        accepted,
    )


def _row(seen: int, draws: Sequence[_Draw], gate: Gate | None) -> GainRow:
    errors = [draw.actual_mm[np.isfinite(draw.actual_mm)] for draw in draws]
    areas = np.concatenate([draw.areas_mm2[np.isfinite(draw.actual_mm)] for draw in draws])
    held = np.concatenate([draw.held for draw in draws])
    marked_at = np.isfinite(held).any(axis=0)
    share = wrong = None
    if gate is not None:
        points = sum(len(own) for own in errors)
        taken = [draw.actual_mm[draw.accepted & np.isfinite(draw.actual_mm)] for draw in draws]
        count = sum(len(own) for own in taken)
        share = count / points
        wrong = float((np.concatenate(taken) > gate.target.tolerance_mm).sum()) / max(count, 1)
    return GainRow(
        films=seen,
        test_films=min(len(draw.actual_mm) for draw in draws),
        repeats=len(draws),
        mre_mm=float(np.mean([own.mean() for own in errors])),
        mre_sd_mm=float(np.std([own.mean() for own in errors])),
        sdr_2mm=float(np.mean([(own <= 2.0).mean() for own in errors])),
        coverage=float(np.nanmean(held)),
        worst_landmark=float(np.nanmean(held[:, marked_at], axis=0).min()),
        area_mm2=float(np.median(areas)) if np.isfinite(areas).any() else None,
        accepted=share,
        wrong=wrong,
    )
