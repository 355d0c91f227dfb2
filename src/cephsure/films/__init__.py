"""Films: what was photographed, its scale, and the readers."""

from cephsure.films.film import Film, ReadLimits
from cephsure.films.reader import read, read_spacing
from cephsure.films.spacing import Spacing, SpacingSource

__all__ = ["Film", "ReadLimits", "Spacing", "SpacingSource", "read", "read_spacing"]
