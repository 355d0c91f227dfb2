"""A network on ONNX Runtime, one thread a run, so that members run side by side."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cephsure.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)


class Session:
    """One network; ``run`` may be called from several threads at once."""

    def __init__(self, path: Path) -> None:
        """Load ``path`` (an ONNX graph); BundleError when ONNX Runtime cannot."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
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
        self.mask_channels = next(
            (int(e.shape[1]) for e in self._session.get_inputs() if e.name == "masks"), 0
        )

    def run(
        self, image: NDArray[np.float32], masks: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Maps of a batch; ``masks`` (N, M) where the network takes them."""
        feeds = {self.inputs[0]: image}
        if masks is not None:
            feeds["masks"] = masks
        maps: NDArray[np.float32] = self._session.run(None, feeds)[0]
        return maps
