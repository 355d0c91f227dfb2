"""How long the projections of a rotation series take, parallel and cone, side by side in one run.

    python benchmarks/project.py                 # 256 x 256 x 256 voxels, 9 angles of the 91
    python benchmarks/project.py --angles 91     # the whole series

The head is an ellipsoid of soft tissue in a shell of bone: what is in the voxels makes no difference to the
time. Seconds are of the processor, one thread, so that a busy machine gives the same figures as an idle one.
The two geometries take turns.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - the number of threads is read when it is imported

from cephsure.studies.shifts.pose import view_of  # noqa: E402
from cephsure.studies.shifts.projection import project  # noqa: E402
from cephsure.studies.shifts.volume import Volume  # noqa: E402

WHOLE_SERIES = 91
GEOMETRIES = ("parallel", "cone")


def main() -> None:
    arguments = _arguments()
    volume = a_head(arguments.size)
    view = view_of(volume, mm_per_px=1.0)
    angles = np.linspace(-45, 45, arguments.angles)
    project(volume, view)  # warms up
    seconds: dict[str, list[float]] = {geometry: [] for geometry in GEOMETRIES}
    for angle in angles:
        for geometry in GEOMETRIES:
            start = time.process_time()
            project(volume, replace(view, geometry=geometry, rotation_deg=float(angle)))
            seconds[geometry].append(time.process_time() - start)
    print(f"{arguments.size} x {arguments.size} x {arguments.size} voxels, {len(angles)} angles, one thread:")
    for geometry, taken in seconds.items():
        mean = sum(taken) / len(taken)
        print(
            f"  {geometry}: {median(taken):.2f} s a projection (median), "
            f"{WHOLE_SERIES * mean:.0f} s for {WHOLE_SERIES}"
        )
    print(f"cone : parallel = {sum(seconds['cone']) / sum(seconds['parallel']):.2f}")


def a_head(size: int) -> Volume:
    """Soft tissue in a shell of bone, one voxel a mm."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    radius = np.sqrt((axis[:, None, None] / 0.7) ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2)
    values = np.where(radius < 0.95, np.float32(40), np.float32(-1000))
    values[np.abs(radius - 0.9) < 0.03] = 1200
    return Volume(values, (1.0, 1.0, 1.0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=256, help="voxels along each axis")
    parser.add_argument("--angles", type=int, default=9, help="how many of the 91 are projected")
    return parser.parse_args()


if __name__ == "__main__":
    main()
