"""Recipes as training sees them: their numbers, jobs and stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, is_dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.training.stage import FitSettings, StageFacts
    from cephsure.training.worker import Job

GOING_ON_EPOCHS, GOING_ON_PATIENCE = 40, 15
"""Of a network that goes on from another model's: epochs at most, and epochs without gain until it stops."""
GOING_ON_SHARE = 0.25
"""Its learning rate beside the recipe's own."""
STOPPED = "stopped below"
"""How the change begins by which under-trained models are known."""


@dataclass(frozen=True)
class Recipe(ABC):
    """A way to train and to predict: a frozen dataclass of all the numbers it depends on.

    Attributes:
        name: what users and bundles call it.
        samples: stochastic passes of MC-Dropout.
        version: of its numbers and its way to predict; runs and bundles keep the one they were begun with.
        changes: what was changed of the recipe's own numbers, in words.
        member_stages: the networks of each member, in the order they are fitted.
        extra_jobs: networks that a run has once, beside its members: job -> stages.
        can_go_on: whether its networks can begin as those of a bundle (``Job.start``).
        draws_old_films: whether it draws anew, for each epoch, which of the old films are mixed in.
    """

    name: str
    samples: int
    version: int = 1
    changes: tuple[str, ...] = ()

    member_stages: ClassVar[tuple[StageFacts, ...]]
    extra_jobs: ClassVar[Mapping[str, tuple[StageFacts, ...]]] = {}
    can_go_on: ClassVar[bool] = False
    draws_old_films: ClassVar[bool] = False

    @abstractmethod
    def member_films(
        self, films: Sequence[AnnotatedFilm], member: int, *, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the films that a member is trained and validated on."""

    @abstractmethod
    def train(self, job: Job) -> dict[str, Any]:
        """Fit a job's networks, export them into its folder, and give what the bundle is told beside.

        Whatever needs torch is imported here: a recipe's numbers are read where there is none.
        """

    def with_width(self, factor: float) -> Self:
        """The recipe with networks ``factor`` times as wide; InputError where its width is fixed."""
        raise InputError(f"recipe {self.name!r} has one width", remedy=f"leave out --width {factor:g}")

    def with_folds(self, count: int, first: int = 0) -> Self:  # noqa: ARG002 - for recipes with folds
        """The recipe with the films in ``count`` folds, its first member validated on fold ``first``.

        InputError where films are not divided into folds, or there is no such fold.
        """
        raise InputError(f"recipe {self.name!r} has no folds", remedy=f"leave out --folds {count}")

    def with_fits(self, change: str, *, landmarks_only: bool = False, **settings: Any) -> Self:
        """The recipe with other settings in its fits, named in its changes.

        Args:
            change: what is changed, in words.
            landmarks_only: whether the extra jobs' fits stay as they are.
            settings: the new ones, as of ``FitSettings``.
        """
        extra = () if landmarks_only else chain(*self.extra_jobs.values())
        stages = (*self.member_stages, *extra)
        fits: dict[str, Any] = {stage.fit: replace(self.fit_of(stage), **settings) for stage in stages}
        return replace(self, **fits, changes=(*self.changes, change))

    def going_on(self, name: str, *, with_old_films: bool = False) -> Self:
        """The recipe as it trains a model ``name`` on: shorter, gently, and keeping what is best.

        With old films that are drawn anew for each epoch it is trained to the end, and keeps that: validation
        is of the new films alone, and what serves them best too early has not yet found the old ones again.
        The numbers were chosen on films of another site (docs/training.md).
        """
        to_its_end = with_old_films and self.draws_old_films
        fits: dict[str, Any] = {}
        for stage in self.member_stages:
            usual = self.fit_of(stage)
            fits[stage.fit] = replace(
                usual,
                epochs=GOING_ON_EPOCHS,
                learning_rate=GOING_ON_SHARE * usual.learning_rate,
                schedule="cosine",
                stop_patience=None if to_its_end else GOING_ON_PATIENCE,
                stop_below_mm=None,
                keep="last" if to_its_end else "best",
                judge_start=not to_its_end,
            )
        return replace(self, **fits, changes=(*self.changes, f"goes on from {name}"))

    def job_names(self, members: int) -> list[str]:
        """The members' numbers, and the extra jobs."""
        return [*map(str, range(members)), *self.extra_jobs]

    def stages(self, job: str) -> dict[str, StageFacts]:
        """The stages of a job by name, in their order."""
        return {stage.name: stage for stage in self.extra_jobs.get(job, self.member_stages)}

    def fit_of(self, stage: StageFacts) -> FitSettings:
        """A stage's settings."""
        settings: FitSettings = getattr(self, stage.fit)
        return settings

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain JSON data."""
        return asdict(self)

    @classmethod
    def of_version(cls, version: int) -> Self:
        """The recipe as it is, or as it was in an earlier version; ValueError for one that is not known."""
        usual = cls()  # type: ignore[call-arg]  # every recipe has its own name and samples
        if not 1 <= version <= usual.version:
            raise ValueError(f"version {version} of the recipe {usual.name!r} is unknown")
        return usual

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """A recipe from what ``to_dict`` gave.

        What is missing is as usual in its version, which is the first where none is told; an unknown key is
        an error.
        """
        usual = cls.of_version(int(data.get("version", 1)))
        known: dict[str, Any] = {}
        for key, value in data.items():
            current = getattr(usual, key)
            if is_dataclass(current) and not isinstance(current, type):
                known[key] = replace(current, **{k: _tuples(v) for k, v in value.items()})
            else:
                known[key] = _tuples(value)
        return replace(usual, **known)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def changes_as_trained(recipe: Recipe, members: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A recipe's ``changes`` once the members' facts tell which networks were stopped.

    A network that never fell below the error it was to be stopped at is trained to its end, and must not pass
    for one that was stopped.
    """
    below_mm = recipe.fit_of(recipe.member_stages[0]).stop_below_mm
    if below_mm is None:
        return recipe.changes
    names = [stage.name for stage in recipe.member_stages]
    errors = [member["stages"][name]["validation_mre_mm"] for member in members for name in names]
    never = sum(error is None or not error < below_mm for error in errors)
    if never == len(errors):
        words = f"never below {below_mm:g} mm, so not stopped"
    else:
        words = stopped_words(below_mm)
        words += f" ({never} of {len(errors)} networks never were)" if never else ""
    return tuple(words if change == stopped_words(below_mm) else change for change in recipe.changes)


def stopped_words(below_mm: float) -> str:
    """How a recipe says that its landmark networks were stopped at a validation error."""
    return f"{STOPPED} {below_mm:g} mm"
