"""Render the two sample films that the package ships, from the head CT of the Visible Human male.

    python scripts/render_sample_films.py CT.nii.gz --out src/cephsure/data/samples

Also points.csv: where the landmarks fall that were placed once in the CT, which the studies ship.
The same CT gives the same films: only the grain is random, and it is seeded; the PNG files hold no dates.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from cephsure.studies.shifts.landmarks_3d import landmarks_of
from cephsure.studies.shifts.pose import View, view_of
from cephsure.studies.shifts.projection import CEPHALOGRAM_BONE_GAIN, project, to_cephalogram
from cephsure.studies.shifts.read_volume import read_volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.shifts.volume import Volume

ROTATIONS_DEG = (0, 30)
MM_PER_PX = 0.25
WIDTH_MM, HEIGHT_MM = 232.0, 244.0
AIR_BEFORE_NOSE_MM = 12.0
GRAIN = 0.006
SEED = 2020
TISSUE_HU = -200.0
WHO = "one reader, in the CT"
"""Who placed the true points: of the project, and no clinician."""
CREDIT = "Courtesy of the U.S. National Library of Medicine"
HOW = (
    "Digitally reconstructed from the head CT of the Visible Human male by scripts/render_sample_films.py: "
    "cone beam, focus 1500 mm from the midsagittal plane, attenuation integrated along each ray, greys set "
    "to resemble a scanned cephalogram, grain added."
)


def film_view(volume: Volume) -> View:
    """The unturned head on the film: nose 12 mm from the right edge, the volume's top at the upper edge."""
    view = view_of(volume, mm_per_px=MM_PER_PX, geometry="cone")
    tissue = (volume.values > TISSUE_HU).any(axis=(0, 2))
    front_mm = float(np.argmax(tissue)) * volume.spacing_mm[1]
    width_px, height_px = round(WIDTH_MM / MM_PER_PX), round(HEIGHT_MM / MM_PER_PX)
    pivot_from_right_mm = view.pivot_mm[1] - front_mm + AIR_BEFORE_NOSE_MM
    return replace(
        view,
        width_px=width_px,
        height_px=height_px,
        pivot_px=(width_px - pivot_from_right_mm / MM_PER_PX, view.pivot_px[1]),
    )


def render(volume: Volume, rotation_deg: float) -> NDArray[np.uint8]:
    """The film of the head turned by an angle, (height, width) 8-bit."""
    view = replace(film_view(volume), rotation_deg=rotation_deg)
    integrals = project(volume, view, order=3, bone_gain=CEPHALOGRAM_BONE_GAIN)
    pixels = to_cephalogram(integrals, mm_per_px=MM_PER_PX, grain=GRAIN, seed=SEED)
    return np.round(pixels * 255).astype(np.uint8)


def write_films(ct: Path, out: Path) -> list[dict[str, Any]]:
    """Render and write the PNG files; returns what samples.json says about each."""
    volume = read_volume(ct)
    entries = []
    for rotation_deg in ROTATIONS_DEG:
        grey = render(volume, rotation_deg)
        file = out / f"vhm_lateral_{rotation_deg}deg.png"
        Image.fromarray(grey).save(file, optimize=True)
        pose = f"turned {rotation_deg}° to the patient's left" if rotation_deg else "straight"
        entries.append(
            {
                "name": file.stem,
                "file": file.name,
                "description": f"Visible Human male, lateral projection, head {pose}",
                "rotation_deg": rotation_deg,
                "geometry": "cone",
                "mm_per_px": MM_PER_PX,
                "width_px": grey.shape[1],
                "height_px": grey.shape[0],
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
        )
    return entries


def true_points(ct: Path, volume: Volume) -> dict[str, dict[str, tuple[float, float]]]:
    """By film and landmark where on it, (x, y) in px, the landmark of the CT falls; empty without any."""
    found = landmarks_of(ct, volume)
    if found is None:
        return {}
    points = {}
    for rotation_deg in ROTATIONS_DEG:
        view = replace(film_view(volume), rotation_deg=rotation_deg)
        places = found.project(view, found.codes).round(2).tolist()
        points[f"vhm_lateral_{rotation_deg}deg.png"] = {
            code: (x, y) for code, (x, y) in zip(found.codes, places, strict=True)
        }
    return points


def write_points(ct: Path, out: Path) -> None:
    """Write the true points as a table that ``cephsure compare --truth`` reads."""
    with (out / "points.csv").open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["image", "annotator", "landmark", "x", "y"])
        for film, marks in true_points(ct, read_volume(ct)).items():
            lines.writerows([film, WHO, code, x, y] for code, (x, y) in marks.items())


def main() -> None:
    """Read the command line, render, and write samples.json beside the films."""
    parser = argparse.ArgumentParser(
        description="Render the sample films from the Visible Human male head CT."
    )
    parser.add_argument("ct", type=Path, help="the CT, a NIfTI file in Hounsfield units")
    parser.add_argument("--out", type=Path, required=True, help="folder for the films and samples.json")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    films = write_films(arguments.ct, arguments.out)
    write_points(arguments.ct, arguments.out)
    samples = {
        "credit": CREDIT,
        "how": HOW,
        "ct_sha256": hashlib.sha256(arguments.ct.read_bytes()).hexdigest(),
        "scale": "mm_per_px is exact in the midsagittal plane of the unturned head, by construction",
        "films": films,
    }
    text = json.dumps(samples, indent=2, ensure_ascii=False)
    (arguments.out / "samples.json").write_text(text + "\n", encoding="utf-8")
    for film in films:
        print(f"{film['file']}: {film['width_px']} x {film['height_px']} px, {film['mm_per_px']} mm/px")


if __name__ == "__main__":
    main()
