from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

import made_errors as made
from cephsure.datasets import open_dataset
from cephsure.landmarks import LandmarkSet
from cephsure.model import load_model


@pytest.fixture(scope="session")
def made_errors():
    """Give the module that draws calibration data of known laws."""
    return made


@pytest.fixture(scope="session")
def dot_data(dots, tmp_path_factory):
    """Forty films of four dots: 6 to train, 34 to test; the last test film is in a training film's group.

    The true points are off the dots by chance, 3 px along x, 1.5 px along y, and 2 px to the right.
    """
    folder = tmp_path_factory.mktemp("dots")
    rng = np.random.default_rng(0)
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "annotator", "split", "group", "landmark", "x", "y"])
        for number in range(40):
            drawn = dots.draw_dots(rng)
            name = f"{number:03d}.png"
            Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(folder / name)
            split = "train" if number < 6 else "test1"
            group = "twins" if number in {0, 39} else ""
            truth = drawn.points + rng.normal((2.0, 0.0), (3.0, 1.5), drawn.points.shape)
            for code, (x, y) in zip(dots.CODES, truth.tolist(), strict=True):
                table.writerow([name, "one", split, group, code, x, y])
    return folder


@pytest.fixture(scope="session")
def dot_set(dots):
    return LandmarkSet.from_dict(dots._landmarks())


@pytest.fixture(scope="session")
def dot_dataset(dot_data, dot_set):
    return open_dataset(dot_data / "points.csv", landmark_set=dot_set, mm_per_px=0.5)


@pytest.fixture(scope="session")
def dot_model(dot_bundles):
    return load_model(dot_bundles("default", "ensemble", 3))
