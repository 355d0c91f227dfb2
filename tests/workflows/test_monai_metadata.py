from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError

import pytest

from cephsure.workflows.model_card import model_card
from cephsure.workflows.monai_metadata import monai_metadata

# The MONAI Bundle Specification's mandatory keys, of the file and of each tensor.
MANDATORY = {
    *("version", "monai_version", "pytorch_version", "numpy_version", "optional_packages_version", "task"),
    *("description", "authors", "copyright", "network_data_format"),
}
OF_TENSOR = {
    *("type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data"),
    *("modality", "channel_def"),
}


@pytest.fixture(scope="module")
def card():
    return model_card("default-mc-dropout")


def test_all_that_the_specification_wants_is_there(card):
    found = monai_metadata(card, "default-mc-dropout")
    assert found.keys() >= MANDATORY
    assert all(found[key] for key in MANDATORY)
    assert found["pytorch_version"] == card["training"]["versions"]["torch"]
    assert found["cephsure_model_card"] == card
    json.dumps(found, allow_nan=False)


def test_tensors_are_as_the_networks_have_them(card):
    tensors = monai_metadata(card, "default-mc-dropout")["network_data_format"]
    assert tensors["inputs"].keys() == {"coarse.film", "coarse.masks", "fine.patches", "fine.masks"}
    for side in ("inputs", "outputs"):
        assert all(tensor.keys() == OF_TENSOR for tensor in tensors[side].values())
    film, maps = tensors["inputs"]["coarse.film"], tensors["outputs"]["coarse.maps"]
    assert (film["num_channels"], film["spatial_shape"], film["dtype"]) == (1, [160, 160], "float32")
    assert (maps["num_channels"], maps["spatial_shape"]) == (19, [80, 80])
    assert maps["channel_def"]["0"] == "S"
    assert tensors["inputs"]["coarse.masks"]["type"] == "tuples"


def test_who_made_it_is_unknown_where_the_package_does_not_say(card, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("cephsure.workflows.monai_metadata.metadata", absent)
    assert monai_metadata(card, "default-mc-dropout")["authors"] == "unknown"
