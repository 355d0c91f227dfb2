"""From a film to samples of landmark positions: bundles on ONNX Runtime, no torch."""

from cephsure.inference.samples import Samples

__all__ = ["Samples"]
