"""Networks (torch): the reference's U-Net and the default recipe's coarse and fine networks."""

from cephsure.nets.coarse_fine import CoarseNet, FineNet, OrientationNet, UNetConfig
from cephsure.nets.paper_unet import PaperUNet, PaperUNetConfig

__all__ = ["CoarseNet", "FineNet", "OrientationNet", "PaperUNet", "PaperUNetConfig", "UNetConfig"]
