from __future__ import annotations

import pytest

import made_errors as made


@pytest.fixture(scope="session")
def made_errors():
    """Give the module that draws calibration data of known laws."""
    return made
