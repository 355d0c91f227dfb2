from __future__ import annotations

import numpy as np
import pytest

import phantom as phantom_head
from cephsure.evaluation.label_check.odd_points import read_shape

CODES = list(phantom_head.TEMPLATE)


def test_true_points_are_not_odd(alone, judge):
    readings = [read_shape(judge, film, own) for film, own in enumerate(alone.points["ann"])]
    assert [reading.odd + reading.swapped for reading in readings] == [[]] * len(readings)


@pytest.mark.parametrize("landmark", range(0, 19, 3))
def test_a_point_off_is_the_one_that_is_odd_and_is_expected_where_it_was(alone, judge, landmark):
    own = alone.points["ann"][0].copy()
    own[landmark] += (9, -9)
    reading = read_shape(judge, 0, own)
    ((found, residual, place),) = reading.odd
    assert found == landmark
    assert residual > 4
    assert np.hypot(*(np.array(place) - alone.points["ann"][0, landmark])) < 5


def test_two_points_off_are_both_odd_and_no_other(alone, judge):
    own = alone.points["ann"][0].copy()
    own[[1, 9]] += [(14, 14), (-12, 14)]
    assert {found for found, _, _ in read_shape(judge, 0, own).odd} == {1, 9}


@pytest.mark.parametrize("pair", [("S", "Go"), ("Pog", "Me"), ("ANS", "PNS"), ("UL", "LL")])
def test_exchanged_labels_are_one_finding_and_no_odd_points(alone, judge, pair):
    own = alone.points["ann"][1].copy()
    one, other = (CODES.index(code) for code in pair)
    own[[one, other]] = own[[other, one]]
    reading = read_shape(judge, 1, own)
    assert [{*found} for found in reading.swapped] == [{one, other}]
    assert reading.odd == []


def test_two_exchanges_on_one_film(alone, judge):
    own = alone.points["ann"][1].copy()
    own[[0, 9]], own[[12, 13]] = own[[9, 0]], own[[13, 12]]
    assert sorted(sorted(found) for found in read_shape(judge, 1, own).swapped) == [[0, 9], [12, 13]]


def test_a_doubted_point_is_odd_sooner(alone, judge):
    truth = alone.points["ann"][0]
    doubted = np.zeros(19, dtype=bool)
    doubted[9] = True
    for off in np.arange(3.0, 20.0):
        own = truth.copy()
        own[9] += (0, off)
        if read_shape(judge, 0, own, doubted).odd:
            break
    assert read_shape(judge, 0, own).odd == []


def test_too_few_points_say_nothing(judge):
    own = np.full((19, 2), np.nan)
    own[:3] = 1.0
    reading = read_shape(judge, 0, own)
    assert reading.odd == reading.swapped == []
