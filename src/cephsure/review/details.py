"""What lies behind a prediction and is no part of its document: regions at several levels, maps, features.

It is kept beside the project in files that can be deleted at any time: they are made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from cephsure.atomic import write_atomically
from cephsure.geometry.resample import sample_bilinear

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.model import DetailedPrediction

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities whose regions the page can show."""
_MAP_SIDE = 64
_COLOUR = (255, 176, 59)
_LEAST_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class Details:
    """What lies behind one prediction.

    Attributes:
        regions: by level, as text, and the landmark's number, as text: a region as the document has it.
        maps: (L, S, S) uint8 shares of each map's highest value, along the axes of the film.
        boxes_px: (L, 4) left, upper, right and lower edge of each map on the film.
        features: (C,) what the first network makes of the film; (0,) where it does not tell.
    """

    regions: dict[str, dict[str, Any]]
    maps: NDArray[np.uint8]
    boxes_px: NDArray[np.float64]
    features: NDArray[np.float64]

    @classmethod
    def of(cls, found: DetailedPrediction) -> Self:
        """What is kept of a prediction in detail."""
        regions = {
            f"{level:g}": {str(number): region.model_dump(mode="json") for number, region in marks.items()}
            for level, marks in found.regions.items()
        }
        maps, boxes = upright_maps(found.maps)
        features = np.array(found.prediction.features or (), dtype=np.float64)
        return cls(regions, maps, boxes, features)

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        content = io.BytesIO()
        np.savez_compressed(
            content,
            regions=np.frombuffer(json.dumps(self.regions).encode(), dtype=np.uint8),
            maps=self.maps,
            boxes_px=self.boxes_px,
            features=self.features,
        )
        write_atomically(path, content.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What `write` wrote; None where there is nothing, or nothing that can be read."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                regions = json.loads(stored["regions"].tobytes())
                return cls(regions, stored["maps"], stored["boxes_px"], stored["features"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def heat_map(self, index: int) -> dict[str, Any] | None:
        """One landmark's map as the page draws it; None where there is none."""
        if not 0 <= index < len(self.maps) or not self.maps[index].any():
            return None
        opacity = self.maps[index]
        rgba = np.empty((*opacity.shape, 4), dtype=np.uint8)
        rgba[..., :3], rgba[..., 3] = _COLOUR, opacity
        png = io.BytesIO()
        Image.fromarray(rgba).save(png, "PNG")
        data = b64encode(png.getvalue()).decode("ascii")
        return {"png": f"data:image/png;base64,{data}", "box_px": self.boxes_px[index].tolist()}


def details_path(cache: Path, document: str) -> Path:
    """Where the details of a prediction lie, by its document."""
    return cache / "details" / f"{hashlib.sha256(document.encode()).hexdigest()[:32]}.npz"


def upright_maps(annotators: tuple[HeatMaps, ...]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The annotators' maps in one for each landmark, its cells along the film's axes.

    Returns:
        (L, S, S) uint8 shares of each map's highest value; (L, 4) the edges of each on the film, in px.
    """
    if not annotators:
        return np.zeros((0, _MAP_SIDE, _MAP_SIDE), dtype=np.uint8), np.zeros((0, 4))
    maps, boxes = [], []
    for index in range(len(annotators[0].probabilities)):
        box = _box(annotators, index)
        steps = (np.arange(_MAP_SIDE) + 0.5) / _MAP_SIDE
        x, y = (box[k] + steps * (box[k + 2] - box[k]) for k in (0, 1))
        at_px = np.stack(np.meshgrid(x, y), axis=-1)  # (S, S, 2)
        total = np.zeros((_MAP_SIDE, _MAP_SIDE), dtype=np.float64)
        for own in annotators:
            cells = (at_px - own.origins_px[index]) @ np.linalg.inv(own.cell_px).T
            total += sample_bilinear(own.probabilities[index], cells, fill=0.0)
        highest = total.max()
        maps.append(np.rint(255 * total / highest if highest > 0 else total).astype(np.uint8))
        boxes.append(box)
    return np.stack(maps), np.array(boxes)


def _box(annotators: tuple[HeatMaps, ...], index: int) -> NDArray[np.float64]:
    """Left, upper, right and lower edge of what is not empty of a landmark's maps, in px."""
    places = []
    for own in annotators:
        values = own.probabilities[index]
        rows, columns = np.nonzero(values > _LEAST_SHARE * values.max())
        cells = np.stack([columns, rows], axis=1).reshape(-1, 2)
        places.append(own.origins_px[index] + cells @ own.cell_px.T)
    reach = max(float(np.abs(own.cell_px).sum(axis=1).max()) for own in annotators)
    together = np.concatenate(places)
    if not len(together):
        return np.zeros(4)
    return np.concatenate([together.min(axis=0) - reach, together.max(axis=0) + reach])


def regions_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The regions that a prediction's document itself has, by level and number."""
    regions: dict[str, dict[str, Any]] = {}
    for mark in document["landmarks"]:
        if mark.get("region") is not None:
            regions.setdefault(f"{mark['region']['level']:g}", {})[str(mark["number"])] = mark["region"]
    return regions
