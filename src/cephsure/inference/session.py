"""Networks on ONNX Runtime or, on a GPU without it, on torch; and how a film's passes go through them."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from cephsure.errors import BundleError, InputError
from cephsure.inference.forks import computing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

Device = Literal["cpu", "cuda", "auto"]
"""Where networks are computed; "auto" is a GPU where one can be used."""
Runtime = Literal["onnxruntime", "torch"]
Job = TypeVar("Job")
Reading = TypeVar("Reading")

MAPS, FEATURES = "maps", "features"
"""The graphs' outputs; not every network has the second."""
MASKS = "masks"
"""The second input of networks that take dropout masks."""
MOST_DROPPED = 0.99
"""Probability of the masks to drop a channel."""
_MOST_CHANNELS = 1_000_000
GPU_BATCH = 32
"""Inputs that a GPU computes together; a CPU computes them one by one, side by side in threads."""

_CUDA = "CUDAExecutionProvider"
_log = logging.getLogger(__name__)
_arena_lock = Lock()
_has_shared_arena = False


class _Graph(Protocol):
    """A loaded network: shapes of what it takes, by name; names of what it gives."""

    inputs: dict[str, tuple[Any, ...]]
    outputs: tuple[str, ...]

    def compute(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Some of its outputs."""


class Session:
    """One network; ``run`` may be called from several threads at once.

    Attributes:
        device: where it is computed, "cpu" or "cuda".
        runtime: what computes it.
        inputs: names of what it takes.
        mask_channels: of the dropout masks it takes; 0 if it takes none.
        has_features: whether it tells what its deepest level has seen.
    """

    def __init__(self, path: Path, *, device: Device = "cpu", runtime: Runtime | None = None) -> None:
        """Load ``path`` (an ONNX graph).

        ``runtime`` computes it: by default ONNX Runtime, torch on a GPU that only torch can use.

        Raises:
            BundleError: the network cannot be loaded.
            InputError: "cuda" is asked for, and neither can use a GPU.
        """
        self._graph, self.runtime, self.device = _open(path, device, runtime)
        self._path, self._process = path, os.getpid()
        self.inputs = tuple(self._graph.inputs)
        self.has_features = FEATURES in self._graph.outputs
        self.mask_channels = 0
        if MASKS in self._graph.inputs:
            channels = self._graph.inputs[MASKS][1:]
            known = len(channels) == 1 and isinstance(channels[0], int) and 0 < channels[0] <= _MOST_CHANNELS
            self.mask_channels = channels[0] if known else 0
        takes = 2 if self.mask_channels else 1
        if len(self.inputs) != takes or self.inputs[0] == MASKS or MAPS not in self._graph.outputs:
            raise BundleError("not a network of ours: it takes or gives something else", where=path)
        self._gives: tuple[int | None, ...] | None = None

    def check_shapes(self, takes: Sequence[int], gives: Sequence[int | None]) -> None:
        """See that an input is of the shape ``takes``, and have all maps be of the shape ``gives``.

        Both are without the batch's axis; None is any number.

        Raises:
            BundleError: the network takes something else.
        """
        self._gives = tuple(gives)
        found = self._graph.inputs[self.inputs[0]][1:]
        # 0 and names stand for numbers that the network leaves open.
        known = [(a, b) for a, b in zip(found, takes, strict=False) if isinstance(a, int) and a > 0]
        if len(found) != len(takes) or any(a != b for a, b in known):
            what = f"takes inputs of {_size(found)}, and the bundle's recipe gives it {_size(takes)}"
            raise BundleError(what, where=self._path)

    def run(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Maps of a batch; ``masks`` (N, M) where the network takes them."""
        return self._compute([MAPS], image, masks)[0]

    def run_with_features(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """Maps and features of a batch in one run; None for the features that a network does not tell."""
        if not self.has_features:
            return self.run(image, masks), None
        maps, pooled = self._compute([MAPS, FEATURES], image, masks)
        return maps, pooled.astype(np.float64)

    def features(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64] | None:
        """(N, C) mean activations of the deepest level; None of a network that does not tell them."""
        return self._compute([FEATURES], image, masks)[0].astype(np.float64) if self.has_features else None

    def _compute(
        self, outputs: Sequence[str], image: NDArray[np.float32], masks: NDArray[np.float32] | None
    ) -> list[NDArray[np.float32]]:
        feeds = {self.inputs[0]: image} | ({} if masks is None else {MASKS: masks})
        with computing(self._process, survives=(self.runtime, self.device) == ("onnxruntime", "cpu")):
            found = self._graph.compute(outputs, feeds)
        if outputs[0] == MAPS:
            self._check_maps(found[0])
        return found

    def _check_maps(self, maps: NDArray[np.float32]) -> None:
        wanted = maps.shape[1:] if self._gives is None else self._gives
        fits = len(maps.shape[1:]) == len(wanted)
        if not fits or any(b is not None and a != b for a, b in zip(maps.shape[1:], wanted, strict=True)):
            what = f"gives maps of {_size(maps.shape[1:])}, where {_size(wanted)} are needed"
            raise BundleError(what, where=self._path)
        if not np.isfinite(maps).all():
            raise BundleError("gives numbers that are not finite: its weights are damaged", where=self._path)


def _size(shape: Sequence[Any]) -> str:
    """A shape in words."""
    return " x ".join("any" if size is None else str(size) for size in shape) or "no axes"


def _open(
    path: Path, device: Device, runtime: Runtime | None
) -> tuple[_Graph, Runtime, Literal["cpu", "cuda"]]:
    """Load a network where it is asked for, or where "auto" finds a place for it."""
    if runtime == "torch":
        from cephsure.inference.torch_graph import TorchGraph

        where: Literal["cpu", "cuda"] = "cpu" if device == "cpu" else "cuda"
        return TorchGraph(path, where), "torch", where
    graph = _OnnxRuntimeGraph(path, on_gpu=device != "cpu")
    if device == "cpu" or graph.on_gpu:
        return graph, "onnxruntime", "cuda" if graph.on_gpu else "cpu"
    if runtime is None and _torch_has_gpu():
        return _open(path, "cuda", "torch")
    if device == "cuda":
        raise InputError(
            "no CUDA GPU can be used here",
            remedy="--device cpu, or install onnxruntime-gpu or a torch built for CUDA",
        )
    return graph, "onnxruntime", "cpu"


def _torch_has_gpu() -> bool:
    """Whether torch is there and finds a GPU; it is not loaded where there is no driver for one."""
    import ctypes

    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        if find_spec("torch") is None:
            return False
        from cephsure.inference.torch_graph import torch_has_gpu

        return torch_has_gpu()
    return False


class _OnnxRuntimeGraph:
    """A network on ONNX Runtime, one thread a run on a CPU, so that members run side by side."""

    def __init__(self, path: Path, *, on_gpu: bool) -> None:
        """Load it, on a GPU if asked and if ONNX Runtime can use one; ``on_gpu`` says whether it does."""
        import onnxruntime

        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        providers: list[Any] = ["CPUExecutionProvider"]
        if on_gpu and _CUDA in onnxruntime.get_available_providers():
            if hasattr(onnxruntime, "preload_dlls"):  # CUDA's libraries as pip installs them
                onnxruntime.preload_dlls()
            # In full precision, and without a search for the quickest algorithm at each new batch size.
            providers.insert(0, (_CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}))
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:
            _log.debug("ONNX Runtime: %s", error)
            raise BundleError(
                "ONNX Runtime cannot load this network", where=path, remedy="get the bundle again"
            ) from error
        self.on_gpu = _CUDA in self._session.get_providers()
        self.inputs: dict[str, tuple[Any, ...]] = {
            entry.name: tuple(entry.shape) for entry in self._session.get_inputs()
        }
        self.outputs = tuple(entry.name for entry in self._session.get_outputs())

    def compute(
        self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Some of the graph's outputs."""
        try:
            return list(map(np.asarray, self._session.run(list(outputs), dict(feeds))))
        except Exception as error:
            _log.debug("ONNX Runtime: %s", error)
            what = "ONNX Runtime cannot compute this network"
            raise BundleError(f"{what}: {error}", where=self._path) from error


@dataclass(frozen=True, slots=True)
class Call:
    """One pass through a network: its input (1, ...) and, where it takes them, dropout masks (1, M).

    ``with_features``: whether the network's features are wanted besides its maps.
    """

    network: Session
    image: NDArray[np.float32]
    masks: NDArray[np.float32] | None = None
    with_features: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a network found in one pass, without the batch's axis; features (C,) where asked for and told."""

    maps: NDArray[np.float32]
    features: NDArray[np.float64] | None = None


def run_each(
    jobs: Sequence[Job],
    call: Callable[[Job], Call],
    read: Callable[[Job, Found], Reading],
    *,
    pool: Executor,
    stacked: bool,
) -> list[Reading]:
    """Take jobs through their networks; what was read comes in the jobs' order.

    Args:
        jobs: what is to be done.
        call: prepares a job's pass.
        read: makes of a job and what its network found what is wanted.
        pool: threads to do it in.
        stacked: whether each network's jobs are computed together, as suits a GPU. Otherwise each job is
            done by itself, and its numbers do not depend on which others there are.
    """
    if stacked:
        return list(pool.map(read, jobs, _run_stacked(list(pool.map(call, jobs)))))

    def alone(job: Job) -> Reading:
        made = call(job)
        return read(job, _run(made.network, made.image, made.masks, with_features=made.with_features)[0])

    return list(pool.map(alone, jobs))


def _run(
    network: Session,
    images: NDArray[np.float32],
    masks: NDArray[np.float32] | None,
    *,
    with_features: bool,
) -> list[Found]:
    """What a network finds in each of a batch."""
    if not with_features:
        return list(map(Found, network.run(images, masks)))
    maps, features = network.run_with_features(images, masks)
    return [Found(own, None if features is None else features[k]) for k, own in enumerate(maps)]


def _run_stacked(calls: Sequence[Call]) -> list[Found]:
    """What each call found; the calls of one network together, at most ``GPU_BATCH`` at a time."""
    found: dict[int, Found] = {}
    by_network: dict[int, list[int]] = {}
    for number, made in enumerate(calls):
        by_network.setdefault(id(made.network), []).append(number)
    for numbers in by_network.values():
        for start in range(0, len(numbers), GPU_BATCH):
            part = numbers[start : start + GPU_BATCH]
            masks = [mask for number in part if (mask := calls[number].masks) is not None]
            together = _run(
                calls[part[0]].network,
                np.concatenate([calls[number].image for number in part]),
                np.concatenate(masks) if masks else None,
                with_features=any(calls[number].with_features for number in part),
            )
            found.update(zip(part, together, strict=True))
    return [found[number] for number in range(len(calls))]


def channel_masks(
    rng: np.random.Generator, count: int, sizes: Sequence[int], probability: float
) -> NDArray[np.float32]:
    """Dropout masks (count, sum of sizes) over channels: 0 where dropped, 1 / (1 - p) where kept."""
    kept = rng.uniform(size=(count, sum(sizes))) >= probability
    return (kept / (1.0 - probability)).astype(np.float32)


def undropped(network: Session) -> NDArray[np.float32] | None:
    """Masks (1, M) that drop nothing; None of a network that takes none."""
    return np.ones((1, network.mask_channels), dtype=np.float32) if network.mask_channels else None


def load_networks(
    paths: Sequence[Path], pool: Executor, *, takes_masks: bool, device: Device = "cpu"
) -> list[Session]:
    """Load networks from their ONNX graphs, side by side in the pool's threads.

    Raises:
        BundleError: one cannot be loaded, or takes masks where it should not or the other way round.
        InputError: "cuda" is asked for where no GPU can be used.
    """
    networks = list(pool.map(lambda path: Session(path, device=device), paths))
    for path, network in zip(paths, networks, strict=True):
        if bool(network.mask_channels) != takes_masks:
            raise BundleError("this network does not fit the bundle's kind", where=path)
    return networks


def _share_arena() -> None:
    """Let all networks of this process draw their memory from one arena.

    Left alone, each of an ensemble's 30 networks keeps the memory of its own largest run: several times as
    much in all, and the first film waits for it.
    """
    import onnxruntime

    global _has_shared_arena  # noqa: PLW0603 - ONNX Runtime's environment is the process's own as well
    with _arena_lock:
        if _has_shared_arena:
            return
        memory = onnxruntime.OrtMemoryInfo(
            "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
        )
        try:
            # No limit, and the runtime's own choice of how to grow.
            onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(0, -1, -1, -1))
        except RuntimeError as error:  # the program around us has registered one: that serves as well
            _log.debug("ONNX Runtime: %s", error)
        _has_shared_arena = True
