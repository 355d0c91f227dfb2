"""A model's card as the metadata of a MONAI bundle (its ``configs/metadata.json``).

After the MONAI Bundle Specification, whose mandatory keys all stand here, beside the whole card. The networks
are not made with MONAI, and this file alone makes no MONAI bundle of them: it says what they take and give.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import onnxruntime

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.bundle_files import NETWORK
from cephsure.model import shipped_models

UNKNOWN = "unknown"
_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}


def monai_metadata(card: dict[str, Any], model: str | Path) -> dict[str, Any]:
    """The metadata of a model whose card is given.

    Args:
        card: as `cephsure.workflows.model_card.model_card` makes it.
        model: of which it was made.
    """
    training, name = card["training"], card["name"]
    versions = {key: str(version) for key, version in training["versions"].items()}
    version = versions.get("cephsure", UNKNOWN)
    landmarks = card["landmark_set"]
    return {
        "version": version,
        "changelog": {version: f"{name}, made {training['made'] or UNKNOWN}"},
        "monai_version": "not used",
        "pytorch_version": versions.get("torch", UNKNOWN),
        "numpy_version": versions.get("numpy", UNKNOWN),
        "optional_packages_version": {
            key: value for key, value in versions.items() if key not in ("torch", "numpy")
        },
        "required_packages_version": {"onnxruntime": onnxruntime.__version__},
        "name": name,
        "task": f"{len(landmarks['landmarks'])} landmarks ({landmarks['title']}) on lateral cephalograms",
        "description": (
            f"{card['kind']} of {training['networks']} networks, recipe {training['recipe']['name']}; each "
            "point has measures of uncertainty and, where the model is calibrated, a region and a verdict"
        ),
        "authors": _authors(),
        "copyright": f"weights: {card['licence']['weights'] or UNKNOWN}",
        "intended_use": card["disclaimer"] or UNKNOWN,
        "data_source": f"{training['data'] or UNKNOWN}, split {training['split'] or UNKNOWN}",
        "data_type": "lateral skull radiographs",
        "eval_metrics": {
            f"{each['dataset']}, {each['split']}": {"mre_mm": each["mre_mm"], "p95_mm": each["p95_mm"]}
            for each in card["evaluations"]
        },
        "network_data_format": _formats(model, [mark["code"] for mark in landmarks["landmarks"]]),
        "cephsure_model_card": card,
    }


def _authors() -> str:
    """Who made the package that reads the model."""
    try:
        told = metadata("cephsure").json
    except PackageNotFoundError:  # run from its sources, without being installed
        return UNKNOWN
    return str(told.get("author") or told.get("author_email") or UNKNOWN)


def _formats(model: str | Path, codes: list[str]) -> dict[str, dict[str, Any]]:
    """What each network of the first member takes and gives, as ONNX Runtime reads it."""
    folder = read_bundle(shipped_models().get(str(model), Path(model))).members[0]
    found: dict[str, dict[str, Any]] = {"inputs": {}, "outputs": {}}
    for file in sorted(folder.glob(f"*{NETWORK}")):
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        for side, tensors in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
            for tensor in tensors:
                found[side][f"{file.stem}.{tensor.name}"] = _format(tensor, side, codes)
    return found


def _format(tensor: Any, side: str, codes: list[str]) -> dict[str, Any]:
    """A tensor as the specification has it: batch, channels, then the picture's sides."""
    sizes = [size if isinstance(size, int) else "*" for size in tensor.shape[1:]]
    is_picture = len(sizes) > 2
    channels = sizes[0] if sizes and isinstance(sizes[0], int) else 1
    names = codes if side == "outputs" and channels == len(codes) else [tensor.name] * channels
    return {
        "type": "image" if is_picture else "tuples",
        "format": "magnitude" if is_picture else "latent",
        "modality": "DX",
        "num_channels": channels,
        "spatial_shape": sizes[1:],
        "dtype": _TYPES.get(tensor.type, tensor.type),
        "value_range": [],
        "is_patch_data": False,
        "channel_def": {str(channel): name for channel, name in enumerate(names)},
    }
