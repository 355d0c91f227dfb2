"""Calibration data with known laws: Gaussian errors whose size a measure tells, and maps that fit them."""

from __future__ import annotations

import numpy as np

from cephsure.inference.samples import HeatMaps
from cephsure.uncertainty.calibration.data import CalibrationData, CalibrationSource
from cephsure.uncertainty.calibration.error_fits import tempered_errors_mm

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
# What the error's two coordinates are in units of its size: along 30 degrees 1.5 times as long as across.
TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
SHAPE = TURN @ np.diag([1.5, 1.0]) @ TURN.T


def draw(
    rng: np.random.Generator,
    films: int = 60,
    *,
    offset_mm: tuple[float, float] = (0.0, 0.0),
    left: bool = False,
    with_maps: bool = False,
    side: int = 41,
    groups: list[str] | None = None,
) -> CalibrationData:
    """Draw films with the landmarks of ``BASE_MM``; ``left`` makes every other film face left."""
    size = BASE_MM * np.exp(0.4 * rng.standard_normal((films, len(BASE_MM))))
    errors = size[..., None] * (rng.standard_normal((films, len(BASE_MM), 2)) @ SHAPE.T) + offset_mm
    signs = np.ones((films, 2))
    if left:
        signs[::2, 0] = -1
    points = np.full(errors.shape, 1000.0) + rng.uniform(-20, 20, errors.shape)
    scales = signs * MM_PER_PX
    maps = [_maps(p, s, scale, side) for p, s, scale in zip(points, size, scales, strict=True)]
    return CalibrationData(
        film_ids=tuple(f"{number:03d}" for number in range(films)),
        groups=tuple(groups or (f"film {number}" for number in range(films))),
        numbers=tuple(range(1, len(BASE_MM) + 1)),
        errors_mm=errors,
        measures={
            "activation": 1 / size,
            "spread_mm": 0.3 * size * np.exp(0.3 * rng.standard_normal(size.shape)),
            "expected_error_mm": 0.8 * size,
            "entropy": np.log(size) + 3,
        },
        points_px=points,
        upright_mm_per_px=scales,
        source=SOURCE,
        maps=tuple(maps) if with_maps else None,
        tempered_mm=np.stack(
            [tempered_errors_mm(m, p, s) for m, p, s in zip(maps, points, scales, strict=True)]
        )
        if with_maps
        else None,
    )


def _maps(points: np.ndarray, size: np.ndarray, scale: np.ndarray, side: int) -> HeatMaps:
    """Maps of the errors' own law, but half as wide: the temperature that fits them is 4."""
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
