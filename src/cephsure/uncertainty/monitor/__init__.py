"""Monitoring: does promised coverage still hold on the films that come in?"""

from cephsure.uncertainty.monitor.drift import DriftMonitor, Reading, watch
from cephsure.uncertainty.monitor.outside import outside_share

__all__ = ["DriftMonitor", "Reading", "outside_share", "watch"]
