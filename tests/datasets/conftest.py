"""Landmark sets for the readers' tests."""

from __future__ import annotations

import pytest

from cephsure.landmarks import LandmarkSet


@pytest.fixture(scope="session")
def three() -> LandmarkSet:
    """Give a set of three landmarks: 1 S, 2 N, 3 Pog'."""
    entries = [
        {
            "number": number,
            "code": code,
            "name": f"point {code}",
            "definition": "somewhere",
            "tissue": "bone",
            "side": "midline",
        }
        for number, code in enumerate(("S", "N", "Pog'"), start=1)
    ]
    form = {"name": "three", "title": "Three", "source": "tests", "landmarks": entries}
    return LandmarkSet.from_dict(form)
