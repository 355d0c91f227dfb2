from __future__ import annotations

import logging
import threading
import warnings

from cephsure.dicom.discretion import discreetly


def test_what_libraries_say_of_values_is_dropped_but_for_other_threads(caplog):
    logger = logging.getLogger("pydicom")
    with discreetly():
        logger.warning("mine")
        warnings.warn("mine", stacklevel=1)
        other = threading.Thread(target=logger.warning, args=("another's",))
        other.start()
        other.join()
    logger.warning("later")
    assert caplog.messages == ["another's", "later"]
