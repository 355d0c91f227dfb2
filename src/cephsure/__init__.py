"""Cephalometric landmarks, each with how far to trust it. Research use only, not a medical device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.errors import AnnotationError, BundleError, FilmError, InputError

if TYPE_CHECKING:
    from cephsure.model import Model, load_model
    from cephsure.reports.notebook import prediction_html

__version__ = "0.1.0"
__all__ = [
    "AnnotationError",
    "BundleError",
    "FilmError",
    "InputError",
    "Model",
    "__version__",
    "load_model",
    "prediction_html",
]


def __getattr__(name: str) -> Any:
    """Import the model on first use, so that ``import cephsure`` stays quick; so what draws pictures."""
    if name in {"Model", "load_model"}:
        from cephsure import model

        return getattr(model, name)
    if name == "prediction_html":
        from cephsure.reports import notebook

        return notebook.prediction_html
    raise AttributeError(f"module 'cephsure' has no attribute {name!r}")
