"""Nothing of a patient is told to anybody: what libraries warn of and log quotes the values it is about."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cephsure.films.third_party import captured_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = ("pydicom", "highdicom.base", "highdicom.valuerep")


@contextmanager
def discreetly() -> Iterator[None]:
    """Warnings and log records that pydicom and highdicom make of values meanwhile are dropped.

    Those of other threads are left alone.
    """
    own = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != own

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(is_of_others)
    try:
        with captured_warnings():
            yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_others)
