"""A network's ONNX graph computed by torch: for a GPU where ONNX Runtime has no CUDA provider.

The only place where prediction reaches torch, and only when a GPU is asked for. The graph is read node by
node: what a bundle's networks are made of takes two dozen kinds, whatever the recipe.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cephsure.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Value = Tensor | NDArray[np.int64]
    """Numbers on the device; shapes, axes and the like stay whole numbers on the host."""


_flags_lock = Lock()


@contextmanager
def _exact() -> Iterator[None]:
    """On a GPU, single precision and sums that do not depend on chance; these are settings of the process."""
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with _flags_lock, flags:
        yield


def torch_has_gpu() -> bool:
    """Whether torch can compute a graph on a GPU here."""
    return find_spec("onnx") is not None and torch.cuda.is_available()


class TorchGraph:
    """One network on torch; ``compute`` may be called from several threads at once."""

    def __init__(self, path: Path, device: str) -> None:
        """Load ``path`` and the weights that it names; BundleError when it cannot be computed by torch."""
        import onnx

        self.device, self._path = torch.device(device), path
        try:
            graph = onnx.load(str(path)).graph
        except Exception as error:
            raise BundleError(
                "torch cannot load this network", where=path, remedy="get the bundle again"
            ) from error
        self._constants: dict[str, Value] = {"": np.zeros(0, np.int64)}
        for weight in graph.initializer:
            array = onnx.numpy_helper.to_array(weight)
            on_host = array.dtype == np.int64 or (array.ndim == 1 and weight.name in _scales(graph))
            self._constants[weight.name] = array if on_host else torch.tensor(array, device=self.device)
        self._nodes = []
        for node in graph.node:
            if node.op_type not in _KINDS:
                raise BundleError(f"torch cannot compute this network's {node.op_type}", where=path)
            given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if (odd := _odd(node.op_type, given, len(node.input))) is not None:
                raise BundleError(
                    f"torch cannot compute this network's {node.op_type} with {odd}", where=path
                )
            step = (_KINDS[node.op_type], tuple(node.input), tuple(node.output), given)
            if node.op_type == "Cast":  # of weights kept in half precision
                self._do(step, self._constants)
            else:
                self._nodes.append(step)
        self.inputs: dict[str, tuple[Any, ...]] = {
            given.name: tuple(size.dim_value for size in given.type.tensor_type.shape.dim)
            for given in graph.input
        }
        self.outputs = tuple(output.name for output in graph.output)

    def compute(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Some of the graph's outputs."""
        try:
            return self._computed(outputs, feeds)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            what = f"torch cannot compute this network: {error}"
            raise BundleError(what, where=self._path) from error

    def _computed(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        values = dict(self._constants)
        with torch.inference_mode(), _exact() if self.device.type == "cuda" else nullcontext():
            for name, array in feeds.items():
                values[name] = torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
            for step in self._nodes:
                self._do(step, values)
                if all(output in values for output in outputs):
                    break
        return [values[output].cpu().numpy() for output in outputs]  # type: ignore[union-attr]

    @staticmethod
    def _do(
        step: tuple[Any, tuple[str, ...], tuple[str, ...], dict[str, Any]], values: dict[str, Value]
    ) -> None:
        kind, inputs, outputs, given = step
        found = kind(*(values[name] for name in inputs), **given)
        values.update(zip(outputs, found if len(outputs) > 1 else [found], strict=True))


def _scales(graph: Any) -> set[str]:
    return {name for node in graph.node if node.op_type == "Resize" for name in node.input[1:]}


def _odd(kind: str, given: Mapping[str, Any], inputs: int) -> str | None:
    """What a node has that is not computed here, and must not be passed over in silence; None if nothing."""
    for name, value in given.items():
        allowed = _ONLY.get(kind, {}).get(name)
        if name == "pads" and kind == "Conv":
            if len(value) != 4 or list(value[:2]) != list(value[2:]):
                return "uneven padding"
        elif allowed is not None and not (set(value) if isinstance(value, list) else {value}) <= allowed:
            return f"{name} {value.decode() if isinstance(value, bytes) else value}"
    if kind == "Resize" and inputs != 3:
        return "a size in place of scales"
    if missing := [name for name in _NEEDED.get(kind, ()) if name not in given]:
        return f"no {missing[0]}"
    return None


_ANY = ("auto_pad", {b"NOTSET"}), ("dilations", {1})
_ONLY: dict[str, dict[str, set[Any]]] = {
    "Cast": {"to": {1}},
    "Conv": dict(_ANY),
    "ConvTranspose": {**dict(_ANY), "pads": {0}, "output_padding": {0}, "group": {1}, "output_shape": set()},
    "MaxPool": {**dict(_ANY), "pads": {0}, "ceil_mode": {0}, "storage_order": {0}},
    "Resize": {
        "mode": {b"nearest"},
        "nearest_mode": {b"floor"},
        "coordinate_transformation_mode": {b"asymmetric"},
        "antialias": {0},
        "axes": set(),
        "keep_aspect_ratio_policy": {b"stretch"},
    },
    "Gemm": {"alpha": {1.0}, "beta": {1.0}, "transA": {0}},
    "BatchNormalization": {"training_mode": {0}},
    "ReduceMean": {"noop_with_empty_axes": {0}},
    "ReduceSum": {"noop_with_empty_axes": {0}},
}
"""Attributes that are computed with these values alone (torch's own, or none); others make no difference."""
_NEEDED = {
    "BatchNormalization": ("epsilon",),
    "Concat": ("axis",),
    "MaxPool": ("kernel_shape", "strides"),
    "Resize": ("mode", "nearest_mode", "coordinate_transformation_mode"),
    "Transpose": ("perm",),
}
"""Attributes whose usual value in ONNX is not torch's."""


def _conv(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    pads: Any = (0, 0, 0, 0),
    strides: Any = (1, 1),
    group: int = 1,
    **_: Any,
) -> Tensor:
    return F.conv2d(x, w, b, tuple(strides), tuple(pads[:2]), 1, group)


def _conv_transpose(
    x: Tensor, w: Tensor, b: Tensor | None = None, *, strides: Any = (1, 1), **_: Any
) -> Tensor:
    return F.conv_transpose2d(x, w, b, tuple(strides))


def _batch_norm(
    x: Tensor, w: Tensor, b: Tensor, mean: Tensor, variance: Tensor, *, epsilon: float, **_: Any
) -> Tensor:
    return F.batch_norm(x, mean, variance, w, b, eps=epsilon)


def _max_pool(x: Tensor, *, kernel_shape: Any, strides: Any, **_: Any) -> Tensor:
    return F.max_pool2d(x, tuple(kernel_shape), tuple(strides))


def _resize(x: Tensor, _: Value, scales: NDArray[np.float32], **__: Any) -> Tensor:
    return F.interpolate(x, scale_factor=tuple(map(float, scales[2:])), mode="nearest")


def _reshape(x: Tensor, shape: NDArray[np.int64], *, allowzero: int = 0) -> Tensor:
    kept = [x.shape[k] if size == 0 and not allowzero else int(size) for k, size in enumerate(shape)]
    return x.reshape(kept)


def _unsqueeze(x: Tensor, axes: NDArray[np.int64]) -> Tensor:
    for axis in sorted(axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def _concat(*parts: Value, axis: int) -> Value:
    if isinstance(parts[0], Tensor):
        return torch.cat(parts, dim=axis)  # type: ignore[arg-type]  # all of one kind
    return np.concatenate(parts, axis=axis)


def _gemm(a: Tensor, b: Tensor, c: Tensor, *, transB: int = 0, **_: Any) -> Tensor:
    return F.linear(a, b if transB else b.T, c)


_KINDS: dict[str, Callable[..., Any]] = {
    "Add": torch.add,
    "BatchNormalization": _batch_norm,
    "Cast": lambda x, **_: x.float(),
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Expand": lambda x, shape: x * x.new_ones(shape.tolist()),
    "Gemm": _gemm,
    "MaxPool": _max_pool,
    "Mul": torch.mul,
    "ReduceMean": lambda x, axes, *, keepdims=1, **_: x.mean(axes.tolist(), keepdim=bool(keepdims)),
    "ReduceSum": lambda x, axes, *, keepdims=1, **_: x.sum(axes.tolist(), keepdim=bool(keepdims)),
    "Relu": F.relu,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda x, *, start=0, end=None: np.array(tuple(x.shape)[start:end], dtype=np.int64),
    "Split": lambda x, sizes, *, axis=0: torch.split(x, sizes.tolist(), dim=axis),
    "Tile": lambda x, repeats: x.repeat(repeats.tolist()),
    "Transpose": lambda x, *, perm: x.permute(perm),
    "Unsqueeze": _unsqueeze,
}
"""ONNX's kinds of nodes, as far as our networks have them: opset 18."""
