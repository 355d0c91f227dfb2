"""A network on ONNX Runtime, one thread a run, so that members run side by side."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy.typing import NDArray

MAPS, FEATURES = "maps", "features"
"""The graphs' outputs; not every network has the second."""

_log = logging.getLogger(__name__)
_arena_lock = Lock()
_has_shared_arena = False


class Session:
    """One network; ``run`` may be called from several threads at once."""

    def __init__(self, path: Path) -> None:
        """Load ``path`` (an ONNX graph); BundleError when ONNX Runtime cannot."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        providers = [
            p
            for p in ("CUDAExecutionProvider", "CPUExecutionProvider")
            if p in onnxruntime.get_available_providers()
        ]
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:
            _log.debug("ONNX Runtime: %s", error)
            raise BundleError(
                "ONNX Runtime cannot load this network", where=path, remedy="get the bundle again"
            ) from error
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self.has_features = any(entry.name == FEATURES for entry in self._session.get_outputs())
        self.mask_channels = next(
            (int(e.shape[1]) for e in self._session.get_inputs() if e.name == "masks"), 0
        )

    def run(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Maps of a batch; ``masks`` (N, M) where the network takes them."""
        maps: NDArray[np.float32] = self._session.run([MAPS], self._feeds(image, masks))[0]
        return maps

    def features(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64] | None:
        """(N, C) mean activations of the deepest level; None of a network that does not tell them."""
        if not self.has_features:
            return None
        pooled: NDArray[np.float32] = self._session.run([FEATURES], self._feeds(image, masks))[0]
        return pooled.astype(np.float64)

    def _feeds(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None
    ) -> dict[str, NDArray[np.float32]]:
        return {self.inputs[0]: image} | ({} if masks is None else {"masks": masks})


def channel_masks(
    rng: np.random.Generator, count: int, sizes: Sequence[int], probability: float
) -> NDArray[np.float32]:
    """Dropout masks (count, sum of sizes) over channels: 0 where dropped, 1 / (1 - p) where kept."""
    kept = rng.uniform(size=(count, sum(sizes))) >= probability
    return (kept / (1.0 - probability)).astype(np.float32)


def undropped(network: Session) -> NDArray[np.float32] | None:
    """Masks (1, M) that drop nothing; None of a network that takes none."""
    if not network.mask_channels:
        return None
    return np.ones((1, network.mask_channels), dtype=np.float32)


def load_networks(paths: Sequence[Path], pool: Executor, *, takes_masks: bool) -> list[Session]:
    """Load networks side by side.

    Args:
        paths: their ONNX graphs.
        pool: the threads to load them in.
        takes_masks: whether they are meant to take dropout masks.

    Raises:
        BundleError: one cannot be loaded, or takes masks where it should not or the other way round.
    """
    networks = list(pool.map(Session, paths))
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
