"""Site calibration: offsets and regions for one site or observer from a few corrected films."""

from cephsure.uncertainty.site.learning import GainRow, OwnRegions, cross_validate, fit_site
from cephsure.uncertainty.site.site import Site, apply_site, read_site, write_site

__all__ = [
    "GainRow",
    "OwnRegions",
    "Site",
    "apply_site",
    "cross_validate",
    "fit_site",
    "read_site",
    "write_site",
]
