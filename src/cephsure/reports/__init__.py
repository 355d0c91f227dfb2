"""Pictures and reports of predictions."""

from cephsure.reports.overlay import draw_overlay, write_overlay

__all__ = ["draw_overlay", "write_overlay"]
