"""Films: what was photographed, its scale, and the readers."""

from cephsure.films.film import Film, FilmFacts, ReadLimits
from cephsure.films.reader import read, read_facts, with_scale
from cephsure.films.spacing import Spacing, SpacingSource

__all__ = ["Film", "FilmFacts", "ReadLimits", "Spacing", "SpacingSource", "read", "read_facts", "with_scale"]
