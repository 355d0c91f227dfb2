"""Whom to name where films, or projections of a CT, are shown."""

from __future__ import annotations

CREDITS: dict[str, str] = {
    "isbi-2015": (
        "Films of the ISBI 2015 challenge: C.-W. Wang et al., A benchmark for comparison of dental "
        "radiography analysis algorithms, Medical Image Analysis 31 (2016), 63-76."
    ),
    # The Visible Human male's head CT, whatever its file is called.
    "1b021b5552c2f41eee2297bd89bf701d7ed8f53e0407a78aed80c197f522f3f4": (
        "Head CT of the Visible Human male: Courtesy of the U.S. National Library of Medicine."
    ),
}
"""By a data set's name, or by the SHA-256 of a file."""
