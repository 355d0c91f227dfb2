"""The experiments: what each asks, which data it needs, and where it is; in the order of the report.

An experiment is a function of a ``Study`` that gives an ``ExperimentResult``. It has the name of its module:
"error-correlation" is ``cephsure.studies.error_correlation.error_correlation``, unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Study


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment by name; its module, and what that needs, is imported only when it is made."""

    name: str  # as on the command line
    question: str  # in one line
    needs: Literal["", "--ct", "--other-site"] = (
        ""  # what gives its data, where annotated films are not enough
    )
    function: str = ""  # its module and the function in it, where they are not called like the experiment
    judges_films: bool = True  # whether it measures anything on the annotated films of the study
    follows_reader: bool = True  # whether its figures can be of one reader's marks

    def __call__(self, study: Study) -> ExperimentResult:
        """Make the experiment.

        Raises:
            InputError: an input of the study cannot be used.
        """
        function = self.function or self.name.replace("-", "_")
        experiment = getattr(import_module(f"cephsure.studies.{function}"), function)
        result: ExperimentResult = experiment(study)
        return result

    def lacks(self, study: Study) -> str:
        """The option whose data the study does not have, or "" if it has all."""
        given = {"": True, "--ct": bool(study.cts), "--other-site": study.other_site is not None}
        return "" if given[self.needs] else self.needs


EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        Experiment("accuracy", "How far are the points from the truth, for each annotator and split?"),
        Experiment("error-correlation", "Does each measure follow the error, point by point?"),
        Experiment("distortion", "Do the measures rise as films are distorted?"),
        Experiment("rotation", "Do the measures rise as the head is turned?", "--ct", judges_films=False),
        Experiment("other-site", "What changes on the films of another scanner?", "--other-site"),
        Experiment("observers", "Does uncertainty tell where experts disagree?"),
        Experiment("detection", "Which measure tells films that a model was not made for?"),
        Experiment("referral", "What is gained by referring the most uncertain points and films?"),
        Experiment(
            "samples",
            "How many members, passes or altered films are needed, and what do they cost?",
            function="sample_count",
            follows_reader=False,
        ),
    )
}
"""By name."""
