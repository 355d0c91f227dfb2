"""What a process with a model keeps, for services that are sent films: the model, and silence about films."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cephsure.inference.session import Device


class QuietModel:
    """The model, loaded once, in a process that says nothing.

    A film's path or header may name a patient: no library is to write what stands there.
    """

    def __init__(self, model: str, device: Device) -> None:
        from cephsure.model import load_model

        logging.getLogger().addHandler(logging.NullHandler())
        warnings.simplefilter("ignore")
        self.model: Any = load_model(model, device=device)
