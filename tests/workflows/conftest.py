from __future__ import annotations

import pytest

from cephsure.datasets import open_dataset
from cephsure.landmarks import LandmarkSet
from cephsure.model import load_model


@pytest.fixture(scope="session")
def dot_data(dots, tmp_path_factory):
    """Forty films of four dots: 6 to train, 34 to test; the last test film is in a training film's group.

    The true points are off the dots by chance, 3 px along x, 1.5 px along y, and 2 px to the right.
    """
    folder = tmp_path_factory.mktemp("dots")
    dots.write_dot_films(
        folder,
        40,
        {"one": dots.Reader(2.0, noise=(3.0, 1.5))},
        splits=["train"] * 6 + ["test1"] * 34,
        groups={0: "twins", 39: "twins"},
    )
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
