"""Films: what was photographed, its scale, and the readers."""
from cephsure.films.film import Film, Spacing, SpacingSource

__all__ = ["Film", "Spacing", "SpacingSource"]
