"""Films: what was photographed, its scale, and the readers."""

from cephsure.films.film import Film, Spacing, SpacingSource
from cephsure.films.limits import ReadLimits
from cephsure.films.reader import read, read_spacing

__all__ = ["Film", "ReadLimits", "Spacing", "SpacingSource", "read", "read_spacing"]
