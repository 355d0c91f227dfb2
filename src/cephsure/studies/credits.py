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
    # Cranium.inv3 of Debian's invesalius-examples.
    "3b34f11f7c4f557f4c65cd6543c412a2f6ceb0cfecfd9c41184420e02d9b7e2a": (
        "Head CT Cranium: InVesalius, Centro de Tecnologia da Informação Renato Archer."
    ),
}
"""By a data set's name, or by the SHA-256 of a file."""
