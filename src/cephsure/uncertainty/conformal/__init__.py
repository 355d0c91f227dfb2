"""Conformal regions: areas that hold the true point with a stated probability, one kind a file."""

from cephsure.uncertainty.conformal.disc import Disc
from cephsure.uncertainty.conformal.ellipse import Ellipse
from cephsure.uncertainty.conformal.highest_density import HighestDensity
from cephsure.uncertainty.conformal.quantile import LEVELS, check_level, conformal_quantile, conformal_rank
from cephsure.uncertainty.conformal.strategy import Strategy
from cephsure.uncertainty.prediction import RegionKind

STRATEGIES: dict[RegionKind, Strategy] = {
    strategy.kind: strategy for strategy in (HighestDensity(), Ellipse(), Disc())
}
"""Every kind of region by its name."""

__all__ = ["LEVELS", "STRATEGIES", "Strategy", "check_level", "conformal_quantile", "conformal_rank"]
