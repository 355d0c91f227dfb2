from cephsure.uncertainty.measures import ALWAYS, MEASURES


def test_registry_holds_the_measures_in_the_order_of_the_tables():
    always = ["activation", "spread", "expected_error", "entropy", "covariance_radius"]
    assert [measure.name for measure in ALWAYS] == always
    assert list(MEASURES) == [
        *always,
        *("mixture_activation", "mixture_expected_error"),
        *("augmentation_spread", "shape_residual", "feature_distance"),
    ]
    assert all(measure.name == name for name, measure in MEASURES.items())


def test_every_measure_states_unit_direction_title_and_source():
    assert {name: (measure.unit, measure.direction) for name, measure in MEASURES.items()} == {
        "activation": ("none", -1),
        "spread": ("px", 1),
        "expected_error": ("px", 1),
        "entropy": ("nats", 1),
        "covariance_radius": ("px", 1),
        "mixture_activation": ("none", -1),
        "mixture_expected_error": ("px", 1),
        "augmentation_spread": ("px", 1),
        "shape_residual": ("none", 1),
        "feature_distance": ("none", 1),
    }
    assert all(measure.title and measure.source for measure in MEASURES.values())


def test_only_lengths_carry_their_unit_in_the_key():
    assert MEASURES["spread"].key(in_mm=False) == "spread_px"
    assert MEASURES["expected_error"].key(in_mm=True) == "expected_error_mm"
    assert MEASURES["activation"].key(in_mm=True) == "activation"
    assert MEASURES["entropy"].key(in_mm=False) == "entropy"
