"""A calibrated bundle: a copy of a bundle with its calibration, what it rests on, and new checksums."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.bundles.bundle import SUMS_FILE, checksums
from cephsure.errors import InputError
from cephsure.uncertainty.calibration import CALIBRATION_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.uncertainty.calibration import Calibration

CARD_FILE = "MODEL_CARD.md"
REPORT_FOLDER = "calibration"
_HEADING = "## Calibration\n"


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
    if folder.exists():
        raise InputError("is there already", where=folder, remedy="name a new folder, or remove this one")
    building = folder.with_name(f".{folder.name}.new")
    try:
        if hashlib.sha256((bundle.folder / SUMS_FILE).read_bytes()).hexdigest() != bundle.sha256:
            raise InputError(
                "was changed while it was calibrated", where=bundle.folder, remedy="calibrate again"
            )
        if building.exists():
            shutil.rmtree(building)
        folder.parent.mkdir(parents=True, exist_ok=True)
        left_behind = shutil.ignore_patterns(CALIBRATION_FILE, REPORT_FOLDER, SUMS_FILE, "gate.json")
        shutil.copytree(bundle.folder, building, ignore=left_behind)
        write_atomically(building / CALIBRATION_FILE, calibration.to_json().encode())
        for name, content in (report or {}).items():
            write_atomically(building / REPORT_FOLDER / name, content)
        card = (building / CARD_FILE).read_text("utf-8") if (building / CARD_FILE).is_file() else ""
        write_atomically(building / CARD_FILE, with_section(card, card_section(calibration)).encode())
        write_atomically(building / SUMS_FILE, checksums(building).encode())
        building.rename(folder)
    except OSError as error:
        raise InputError(f"the bundle cannot be written: {error.strerror or error}", where=folder) from error
    return folder


def with_section(card: str, section: str) -> str:
    """A card with a section in place of the one of the same heading, or before its section on files."""
    heading = section.split("\n", 1)[0] + "\n"
    before, found, rest = card.partition(heading)
    if found:
        following = rest[rest.find("\n## ") + 1 :] if "\n## " in rest else ""
    else:
        before, files, after = card.partition("## Files\n")
        following = files + after
    return f"{before}{section}" + (f"\n{following}" if following else "")


def card_section(calibration: Calibration) -> str:
    """What the calibration rests on, as a section of a model card."""
    fitted, regions = calibration.fitted_on, calibration.regions
    left_out = "".join(
        f"\nLeft out: {len(names)} films ({reason})." for reason, names in fitted.left_out.items()
    )
    return (
        f"{_HEADING}"
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
