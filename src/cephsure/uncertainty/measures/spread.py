"""Spread of the samples: how far the members, or the stochastic passes, disagree."""

from __future__ import annotations

from cephsure.uncertainty.measures.mean_point import mean_distance
from cephsure.uncertainty.measures.measure import Measure

SPREAD = Measure(
    name="spread",
    unit="px",
    direction=1,
    title="spread of the samples",
    source="Drevický & Kodým 2020 (there called prediction variance; it is a mean distance, not a variance)",
    compute=mean_distance,
)
