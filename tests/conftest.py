"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the data sets beside the repository; the test skips where they are absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("CEPHSURE_DATA", beside))
    if not (folder / "isbi2015").is_dir():
        pytest.skip("the data sets are absent (CEPHSURE_DATA, or shared/data beside the repository)")
    return folder
