"""What a bundle knows of its training films: the shape of their annotation, and how its network sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.bundles.versioned_json import read_versioned
from cephsure.errors import BundleError, InputError
from cephsure.uncertainty.feature_fit import FeatureModel
from cephsure.uncertainty.shape_fit import ShapeModel

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = "cephsure.reference/1"
REFERENCE_FILE = "reference.json"


@dataclass(frozen=True, slots=True)
class Reference:
    """The training films, as far as a prediction is compared with them.

    Attributes:
        shape: of their annotation, or None where too few films have all landmarks.
        features: of the first network's deepest level, without dropout, or None where it does not tell them.
        source: what they are, in words.
    """

    shape: ShapeModel | None
    features: FeatureModel | None
    source: str

    def residuals(self, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(L,) standard residuals of the shape of (L, 2) points; None without a shape, or for a NaN."""
        if self.shape is None or not np.isfinite(points).all():
            return None
        return self.shape.standard_residuals(points)

    def distance(self, features: NDArray[np.float64] | None) -> float | None:
        """Distance of (C,) features from the training films'; None where either is not known."""
        return None if self.features is None or features is None else self.features.distance(features)


NO_REFERENCE = Reference(None, None, "")
"""What a bundle knows that knows nothing."""


def write_reference(reference: Reference, folder: Path) -> Path:
    """Write ``reference.json`` into a bundle's folder; its SHA256SUMS is not brought up to date here.

    Raises:
        InputError: it cannot be written.
    """
    data = {
        "format": FORMAT,
        "source": reference.source,
        "shape": None if reference.shape is None else reference.shape.to_dict(),
        "features": None if reference.features is None else reference.features.to_dict(),
    }
    text = json.dumps(data, allow_nan=False) + "\n"
    return write_atomically(folder / REFERENCE_FILE, text.encode("utf-8"))


def read_reference(folder: Path) -> Reference:
    """The reference of a bundle's folder; one that knows nothing where the bundle has none.

    Raises:
        BundleError: there is one, but damaged or of an unknown version.
    """
    path = folder / REFERENCE_FILE
    if not path.is_file():
        return NO_REFERENCE
    data = read_versioned(path, version=FORMAT, what="reference")
    try:
        shape, features = data.get("shape"), data.get("features")
        return Reference(
            shape=None if shape is None else ShapeModel.from_dict(shape),
            features=None if features is None else FeatureModel.from_dict(features),
            source=str(data.get("source", "")),
        )
    except InputError as error:
        raise BundleError(error.what, where=path) from error
