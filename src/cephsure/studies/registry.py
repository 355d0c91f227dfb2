"""The experiments by name, in the order of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.studies.accuracy import accuracy
from cephsure.studies.detection import detection
from cephsure.studies.distortion import distortion
from cephsure.studies.error_correlation import error_correlation
from cephsure.studies.observers import observers
from cephsure.studies.other_site import other_site
from cephsure.studies.referral import referral
from cephsure.studies.rotation import rotation
from cephsure.studies.samples import samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Study

EXPERIMENTS: dict[str, Callable[[Study], ExperimentResult]] = {
    "accuracy": accuracy,
    "error-correlation": error_correlation,
    "distortion": distortion,
    "rotation": rotation,
    "other-site": other_site,
    "observers": observers,
    "detection": detection,
    "referral": referral,
    "samples": samples,
}


def chosen_experiments(name: str, study: Study) -> dict[str, Callable[[Study], ExperimentResult]]:
    """The experiment of that name, or for "all" every one whose data the study has.

    Raises:
        InputError: no such experiment, or its data are not given.
    """
    if name == "all":
        return {each: run for each, run in EXPERIMENTS.items() if not missing_data(each, study)}
    if name not in EXPERIMENTS:
        raise InputError(f"no experiment is called {name!r}", remedy=f"one of all, {', '.join(EXPERIMENTS)}")
    lacking = missing_data(name, study)
    if lacking:
        raise InputError(f"the experiment {name} needs {lacking}", remedy=f"give {lacking}")
    return {name: EXPERIMENTS[name]}


def missing_data(name: str, study: Study) -> str:
    """The option whose data an experiment lacks, or "" if it has all."""
    if name == "rotation" and not study.cts:
        return "--ct"
    if name == "other-site" and study.other_site is None:
        return "--other-site"
    return ""
