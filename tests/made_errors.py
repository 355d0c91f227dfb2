"""Calibration data with known laws: readers of known habits, Gaussian scatter, and maps that fit it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from cephsure.inference.samples import HeatMaps
from cephsure.uncertainty.calibration.calibration import Calibration, FittedOn
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource
from cephsure.uncertainty.calibration.error_fits import tempered_errors_mm
from cephsure.uncertainty.calibration.fitting import ReadFilms, Readings, fit
from cephsure.uncertainty.calibration.rehearsal import fit_bounds, rehearse, smallest_kind

SOURCE = CalibrationSource(
    dataset="made",
    data_sha256="d" * 64,
    split="all",
    truth="mean",
    model="made-model",
    model_kind="ensemble",
    model_sha256="a" * 64,
    samples=5,
    seed=0,
)
MM_PER_PX = 0.1
BASE_MM = np.array([0.5, 1.0, 2.0, 0.7])
# Half the way from the first annotator's mark to the second's; on the third landmark they hardly differ.
LINES_MM = np.array([[1.5, 0.5], [0.0, 2.0], [0.05, 0.05], [-1.0, 1.0]])
# What the scatter's two coordinates are in units of its size: along 30 degrees 1.5 times as long as across.
TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
SHAPE = TURN @ np.diag([1.5, 1.0]) @ TURN.T
FIRST, SECOND = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
"""The habits (w, bx, by) of the two annotators."""


def draw(
    rng: np.random.Generator,
    films: int = 60,
    *,
    habit: object = (0.0, 0.0, 0.0),
    two: bool = False,
    left: bool = False,
    with_maps: bool = False,
    side: int = 41,
    groups: list[str] | None = None,
) -> CalibrationData:
    """Draw films with the landmarks of ``BASE_MM``, read by one of a habit (w, bx, by), or one a landmark.

    The networks tell ``two`` annotators apart or none; ``left`` makes every other film face left.
    """
    size = BASE_MM * np.exp(0.4 * rng.standard_normal((films, len(BASE_MM))))
    signs = np.ones((films, 2))
    if left:
        signs[::2, 0] = -1
    points = np.full((*size.shape, 2), 1000.0) + rng.uniform(-20, 20, (*size.shape, 2))
    scales = signs * MM_PER_PX
    marks = points[:, None]
    if two:
        half = LINES_MM * np.exp(0.2 * rng.standard_normal((*size.shape, 1))) / scales[:, None]
        marks = np.stack([points - half, points + half], axis=1)
    maps = None
    if with_maps:
        maps = [
            tuple(_maps(own, s, scale, side) for own in of_film)
            for of_film, s, scale in zip(marks, size, scales, strict=True)
        ]
    data = CalibrationData(
        film_ids=tuple(f"{number:03d}" for number in range(films)),
        groups=tuple(groups or (f"film {number}" for number in range(films))),
        numbers=tuple(range(1, len(BASE_MM) + 1)),
        errors_mm=np.zeros(points.shape),
        measures={
            "activation": 1 / size,
            "spread_mm": 0.3 * size * np.exp(0.3 * rng.standard_normal(size.shape)),
            "raw_expected_error_mm": 0.8 * size,
            "entropy": np.log(size) + 3,
        },
        points_px=points,
        upright_mm_per_px=scales,
        source=SOURCE,
        marks_px=marks,
        maps=None if maps is None else tuple(maps),
        tempered_mm=None
        if maps is None
        else np.array(
            [
                np.mean([tempered_errors_mm(m, m.middles_px, scale) for m in own], axis=0)
                for own, scale in zip(maps, scales, strict=True)
            ]
        ),
    )
    return read(rng, data, habit)


def read(
    rng: np.random.Generator, data: CalibrationData, habit: object = (0.0, 0.0, 0.0), *, spread: float = 1.0
) -> CalibrationData:
    """The same films, read by one of another habit, whose scatter is so much larger (in variance)."""
    habits = np.broadcast_to(np.asarray(habit, dtype=np.float64), (len(data.numbers), 3))
    size = np.sqrt(spread) / data.measures["activation"]
    scatter = size[..., None] * (rng.standard_normal(data.points_px.shape) @ SHAPE.T)
    return replace(data, errors_mm=-(habits[:, :1] * data.lines_mm + habits[:, 1:] + scatter))


def readings(
    rng: np.random.Generator, films: int = 30, *, further: int = 2, two: bool = True, **how: object
) -> Readings:
    """Two annotators and further readers, whose w and b vary, all on the same films."""
    data = draw(rng, films, two=two, **how)
    ends = {"senior": FIRST, "junior": SECOND}
    own = {name: read(rng, data, habit) for name, habit in ends.items()}
    between = [rng.normal(0, (0.7, 0.3, 0.3), (len(BASE_MM), 3)) for _ in range(further)]
    mean = data.read_by(
        np.mean([of.points_px - of.errors_mm / of.upright_mm_per_px[:, None] for of in own.values()], axis=0)
    )
    return Readings(
        one=(
            *(ReadFilms(name, name, marked, name) for name, marked in own.items()),
            *(ReadFilms(f"r{k}", f"r{k}", read(rng, data, habit)) for k, habit in enumerate(between)),
        ),
        mean=(ReadFilms("mean", "mean", mean, "mean"),),
        annotators=tuple(ends) if two else (),
    )


def folds_of(given: Readings, count: int = 3) -> list[list[str]]:
    """The films' groups in folds."""
    groups = sorted(set(given.one[0].data.groups))
    return [groups[k::count] for k in range(count)]


@cache
def calibration(*, with_maps: bool = False) -> Calibration:
    """A calibration of ``readings``, made once; with maps of fewer films, since these take long."""
    given = readings(np.random.default_rng(0), 12 if with_maps else 30, with_maps=with_maps, side=25)
    return calibrate(given, rehearse(given, folds_of(given)))


def calibrate(given: Readings, rehearsed: list) -> Calibration:
    """What ``cephsure calibrate`` puts together."""
    fitted, bounds = fit(given), fit_bounds(rehearsed)
    about = {key: getattr(SOURCE, key) for key in ("dataset", "data_sha256", "split", "truth", "model")}
    return Calibration(
        fitted_on=FittedOn(
            **about,
            films=given.one[0].data.film_ids,
            left_out={"blurred": ("x",)},
            model_sha256=SOURCE.model_sha256,
            samples=5,
            seed=0,
        ),
        scatter=fitted.scatter,
        readers=fitted.readers,
        annotators=fitted.annotators,
        bounds=bounds,
        default=smallest_kind(rehearsed, bounds),
    )


def _maps(points: np.ndarray, size: np.ndarray, scale: np.ndarray, side: int) -> HeatMaps:
    """Maps of the scatter's own law, but half as wide: the temperature that fits them is 4."""
    cell_mm = 12 * BASE_MM.max() / side
    axis = (np.arange(side) - (side - 1) / 2) * cell_mm
    away = np.stack(np.meshgrid(axis, axis), axis=-1)
    inverse = np.linalg.inv(SHAPE @ SHAPE.T)
    images = []
    for width in size:
        image = np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", away, inverse, away) / (0.5 * width) ** 2)
        images.append(image / image.sum())
    cell_px = np.diag(cell_mm / scale)
    origins = points - cell_px @ np.full(2, (side - 1) / 2)
    return HeatMaps(np.array(images, dtype=np.float32), origins, cell_px)
