"""Recipes as data: every number a training depends on, in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from cephsure.recipes.coarse_to_fine.patches import PatchLayout

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


@dataclass(frozen=True, slots=True)
class PaperRecipe:
    """The reference's recipe (Drevický & Kodým 2020), to the letter unless ``changes`` says otherwise."""

    name: str = "paper"
    side: int = 128
    filters: tuple[int, ...] = (64, 128, 256, 512, 1024)
    target_sigma_px: float = 5.0
    target_amplitude: float = 1000.0
    dropout: float = 0.4
    validation_share: float = 0.15
    samples: int = 15
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=400,
            learning_rate=1e-3,
            optimiser="adam",
            schedule="plateau",
            stop_patience=30,
            ema_decay=None,
            keep="best",
        )
    )
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefaultRecipe:
    """Coarse to fine: a small network over the whole film, then one over patches in the head's own frame.

    Attributes:
        orientation_side: pixels of the orientation network's square input.
        coarse_side: pixels of the coarse network's square input; its maps have half as many.
        coarse_sigma_px: Gaussian target's sigma in map pixels.
        coarse_radius_px: decoder's window in map pixels.
        layout: sizes of the fine patches, in frame units (about mm).
        fine_sigma: Gaussian target's sigma, in frame units.
        fine_radius_px: decoder's window in map pixels.
        fine_distance_weight: weight of the expected radial error (frame units) beside the cross-entropy.
        fine_grey_share: share of the films whose patches get another grey curve, and that get blur and grain.
        tell_annotators_apart: whether a mean truth is learnt as its annotators' points, each with own maps.
        dropout: probability of the channel masks (MC-Dropout only).
        folds: parts the training films are divided into; member k is validated on part k, trained on others.
        samples: stochastic passes of MC-Dropout.
        changes: what was changed of the recipe's own numbers, in words.
    """

    name: str = "default"
    orientation_side: int = 64
    coarse_side: int = 160
    coarse_widths: tuple[int, ...] = (24, 40, 64, 64, 64)
    coarse_sigma_px: float = 1.0
    coarse_radius_px: int = 3
    layout: PatchLayout = field(default_factory=PatchLayout)
    fine_widths: tuple[int, ...] = (32, 48, 64, 64)
    fine_sigma: float = 1.0
    fine_radius_px: int = 3
    fine_distance_weight: float = 0.3
    fine_grey_share: float = 0.5
    tell_annotators_apart: bool = True
    dropout: float = 0.15
    folds: int = 15
    samples: int = 15
    coarse_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=30))
    fine_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=24, batch_films=4))
    orientation_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=12, batch_films=16))
    changes: tuple[str, ...] = ()


Recipe = PaperRecipe | DefaultRecipe
RECIPES: dict[str, type[PaperRecipe | DefaultRecipe]] = {"paper": PaperRecipe, "default": DefaultRecipe}


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain JSON data."""
    return asdict(recipe)


def recipe_from_dict(data: dict[str, Any]) -> Recipe:
    """A recipe from what ``recipe_to_dict`` gave."""
    known = dict(data)
    base = RECIPES[known["name"]]()
    for key, value in known.items():
        current = getattr(base, key)
        if isinstance(current, (FitSettings, PatchLayout)):
            known[key] = replace(current, **{k: _tuples(v) for k, v in value.items()})
        else:
            known[key] = _tuples(value)
    return replace(base, **known)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
