from __future__ import annotations

from typing import get_args

from cephsure.evaluation.label_check.finding import KINDS, Kind


def test_every_kind_has_a_title():
    assert set(KINDS) == set(get_args(Kind))
