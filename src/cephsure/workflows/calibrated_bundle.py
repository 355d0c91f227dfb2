"""A calibrated bundle: a copy of a bundle with its calibration, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.bundles.edit import edit_bundle
from cephsure.uncertainty.calibration import CALIBRATION_FILE
from cephsure.uncertainty.gate.gate import GATE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.uncertainty.calibration import Calibration

REPORT_FOLDER = "calibration"


def write_calibrated(
    bundle: Bundle, calibration: Calibration, folder: Path, *, report: Mapping[str, bytes] | None = None
) -> Path:
    """Write a new bundle: the networks of an old one with a calibration.

    Args:
        bundle: the old one; it stays as it is. A calibration that it has is not taken over, and neither is a
            gate, which rests on the bundle it was made for.
        calibration: the new one.
        folder: where the new bundle goes; it must not be there yet.
        report: files to go with it, name -> content.

    Returns:
        ``folder``.

    Raises:
        InputError: there is something at ``folder``, it cannot be written, or the old bundle is no longer
            the one that was calibrated.
    """
    with edit_bundle(bundle, folder) as edit:
        for name in (REPORT_FOLDER, GATE_FILE):
            edit.remove(name)
        edit.write(CALIBRATION_FILE, calibration.to_json().encode())
        for name, content in (report or {}).items():
            edit.write(f"{REPORT_FOLDER}/{name}", content)
        edit.set_section(card_section(calibration))
    return folder


def card_section(calibration: Calibration) -> str:
    """What the calibration rests on, as a section of a model card."""
    fitted, regions = calibration.fitted_on, calibration.regions
    left_out = "".join(
        f"\nLeft out: {len(names)} films ({reason})." for reason, names in fitted.left_out.items()
    )
    return (
        "## Calibration\n"
        f"Expected errors and regions are calibrated on {len(fitted.films)} films of {fitted.dataset}\n"
        f'(split "{fitted.split}", truth: {fitted.truth}), none of them trained on, with {fitted.samples} '
        f"sample{'' if fitted.samples == 1 else 's'} a landmark.{left_out}\n"
        f"Regions: split conformal prediction, shapes from {len(regions.shaped_on)} films, bounds from "
        f"{len(regions.scored_on)} others.\n"
        "The promise: over films drawn like these, a landmark's region of level p holds the point that\n"
        "these annotators would have marked with probability p or more. It is no promise for films of\n"
        "another site, device or annotator, nor for each single film.\n"
        f"Networks: bundle `{fitted.model_sha256}`.\n"
    )
