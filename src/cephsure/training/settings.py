"""Choices that every training has, whatever its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["baseline", "ensemble", "mc-dropout"]
Precision = Literal["float32", "bfloat16"]
Schedule = Literal["cosine", "plateau"]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How one network is fitted.

    Attributes:
        epochs: passes over the training films (at most, where training stops by itself).
        batch_films: films a step.
        learning_rate: peak learning rate.
        optimiser: "adam" (reference) or "adamw" (with decoupled weight decay).
        weight_decay: of adamw.
        schedule: "cosine" (short warm-up, then down to zero) or "plateau" (down on a validation plateau).
        plateau_patience: epochs without gain before the rate goes down tenfold.
        stop_patience: epochs without gain before training stops; None never stops early.
        stop_below_mm: stop after the first epoch whose validation MRE is under this, and keep that epoch's
            weights whatever ``keep`` says; None never does.
        ema_decay: decay a step of the averaged weights that are kept (less in the first steps); None keeps
            the plain ones.
        keep: "last" epoch's weights or those of the "best" validation epoch.
        least_gain: share by which a score must be under the best one to be a gain.
    """

    epochs: int
    batch_films: int = 8
    learning_rate: float = 2e-3
    optimiser: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = 1e-2
    schedule: Schedule = "cosine"
    plateau_patience: int = 15
    stop_patience: int | None = None
    stop_below_mm: float | None = None
    ema_decay: float | None = 0.99
    keep: Literal["last", "best"] = "last"
    least_gain: float = 0.0
