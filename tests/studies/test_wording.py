from __future__ import annotations

import pytest

from cephsure.studies.wording import UNKNOWN, ends, listed, with_ends, with_interval


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (1.005, (1.0, 1.25), "1.00 [1.00, 1.25]"),
        (-0.5, (-0.625, 0.0), "−0.50 [−0.62, 0.00]"),
        (2.0, None, "2.00"),
        (2.0, (float("nan"), 1.0), "2.00"),
        (None, (0.0, 1.0), UNKNOWN),
        (float("nan"), None, UNKNOWN),
    ],
)
def test_value_with_interval(value, interval, text):
    assert with_interval(value, interval) == text


def test_lists_and_ends():
    assert [listed(["a", "b", "c"]), listed(["a"]), listed([])] == ["a, b and c", "a", ""]
    assert ends(None) == (None, None)
    assert ends((1.0, 2.0)) == (1.0, 2.0)
    assert with_ends("r", 0.5, None) == {"r": 0.5, "r_low": None, "r_high": None}
