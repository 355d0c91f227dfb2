from __future__ import annotations

import math

import pytest
import torch

from cephsure.recipes.coarse_to_fine.networks import spatial_cross_entropy

NAN = float("nan")


def test_a_map_of_two_pixels_by_hand():
    # p = (1/4, 3/4); the target about (0, 0) with sigma 1 is (1, e^-1/2) / (1 + e^-1/2).
    logits = torch.tensor([[[0.0, math.log(3.0)]]])
    a = 1 / (1 + math.exp(-0.5))
    expected = -(a * math.log(0.25) + (1 - a) * math.log(0.75))
    assert spatial_cross_entropy(logits, torch.zeros(1, 2), 1.0, 0.0).item() == pytest.approx(expected)


def test_the_expected_distance_by_hand():
    # From (0, 0): pixel (1, 0) at distance 1 with p = 3/4; weight 2 adds 1.5. Distance 0 counts as 0.001.
    logits = torch.tensor([[[0.0, math.log(3.0)]]])
    plain = spatial_cross_entropy(logits, torch.zeros(1, 2), 1.0, 0.0).item()
    with_distance = spatial_cross_entropy(logits, torch.zeros(1, 2), 1.0, 2.0).item()
    assert with_distance - plain == pytest.approx(2.0 * (0.75 * 1.0 + 0.25 * 0.001), rel=1e-5)


def test_positions_are_x_then_y_and_not_rounded():
    logits = torch.zeros(1, 4, 6)
    logits[0, 1, 4] = 5.0  # row 1, column 4
    near, far = (
        spatial_cross_entropy(logits, torch.tensor([position]), 0.7, 0.0).item()
        for position in ([4.0, 1.0], [1.0, 4.0])
    )
    assert near < far


def test_positions_are_not_rounded():
    logits = torch.zeros(1, 5, 9)
    logits[0, 2, 4] = 5.0
    middle, right, left = (
        spatial_cross_entropy(logits, torch.tensor([[x, 2.0]]), 0.7, 0.0).item() for x in (4.0, 4.4, 3.6)
    )
    assert right == pytest.approx(left, rel=1e-5)
    assert right > middle


def test_the_loss_is_smallest_where_the_map_is_the_target():
    position = torch.tensor([[3.3, 2.8]])
    y, x = torch.meshgrid(torch.arange(7.0), torch.arange(8.0), indexing="ij")
    target = -((x - 3.3) ** 2 + (y - 2.8) ** 2) / (2 * 1.2**2)
    logits = target[None].clone().requires_grad_()
    spatial_cross_entropy(logits, position, 1.2, 0.0).backward()
    assert logits.grad.abs().max() < 1e-6


def test_missing_landmarks_give_no_gradient_and_no_weight():
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 5)
    positions = torch.tensor([[1.0, 2.0], [NAN, NAN], [3.0, NAN]])
    both = logits.clone().requires_grad_()
    loss = spatial_cross_entropy(both, positions, 1.0, 0.5)
    loss.backward()
    assert loss.item() == pytest.approx(
        spatial_cross_entropy(logits[:1], positions[:1], 1.0, 0.5).item(), rel=1e-6
    )
    assert both.grad[0].abs().sum() > 0
    assert not both.grad[1:].any()


def test_a_batch_without_any_landmark_is_no_nan():
    logits = torch.randn(2, 4, 4, requires_grad=True)
    loss = spatial_cross_entropy(logits, torch.full((2, 2), NAN), 1.0, 1.0)
    loss.backward()
    assert loss.item() == 0.0
    assert not logits.grad.any()
