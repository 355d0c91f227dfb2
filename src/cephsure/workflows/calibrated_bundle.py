"""A calibrated bundle: a copy of a bundle with its calibration, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.bundles.edit import edit_bundle
from cephsure.uncertainty.calibration import CALIBRATION_FILE
from cephsure.uncertainty.gate import GATE_FILE, write_gate
from cephsure.uncertainty.gate import card_section as promise_section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.uncertainty.calibration import Calibration
    from cephsure.uncertainty.gate import Gate

REPORT_FOLDER = "calibration"
GATE_HEADING = "## Gate"


def write_calibrated(
    bundle: Bundle,
    calibration: Calibration,
    folder: Path,
    *,
    gate: Gate | None = None,
    report: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a new bundle: the networks of an old one with a calibration, and a gate if there is one.

    Args:
        bundle: the old one; it stays as it is. A calibration that it has is not taken over, and neither is a
            gate, which rests on the bundle it was made for.
        calibration: the new one.
        folder: where the new bundle goes; it must not be there yet.
        gate: the new gate.
        report: files to go with it, name -> content.

    Returns:
        ``folder``.

    Raises:
        InputError: there is something at ``folder``, it cannot be written, or the old bundle is no longer
            the one that was calibrated.
    """
    with edit_bundle(bundle, folder) as edit:
        edit.remove(REPORT_FOLDER)
        edit.remove(GATE_FILE)
        edit.remove_section(GATE_HEADING)
        edit.write(CALIBRATION_FILE, calibration.to_json().encode())
        for name, content in (report or {}).items():
            edit.write(f"{REPORT_FOLDER}/{name}", content)
        edit.set_section(card_section(calibration))
        if gate is not None:
            write_gate(gate, edit.folder)
            edit.set_section(promise_section(gate))
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
