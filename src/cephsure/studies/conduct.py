"""Make experiments one after the other, keep what they give, and report all that a folder holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.catalogue import QUESTIONS
from cephsure.studies.report import REPORT_FILE, report_html
from cephsure.studies.result import read_result
from cephsure.studies.study_record import Made, StudyRecord, read_record, study_facts
from cephsure.studies.summaries import summaries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Study
    from cephsure.studies.study_record import StudyFacts


class Conduct:
    """A study's folder while experiments are made in it.

    Args:
        study: models, data and folder.
        arguments: of the command that makes them, kept in ``study.json``.

    Raises:
        InputError: the folder holds results of other data or of another seed, or an input cannot be read.
    """

    def __init__(self, study: Study, *, arguments: Sequence[str] = ()) -> None:
        self._study, self._arguments = study, tuple(arguments)
        self._facts: StudyFacts = study_facts(study)
        self._record: StudyRecord = read_record(study.out)
        self._record.check(self._facts, study.out)

    def make(self, name: str, experiment: Callable[[Study], ExperimentResult]) -> ExperimentResult:
        """Make an experiment and write its files to the folder of its name.

        Raises:
            InputError: an input cannot be used, or a file cannot be written.
        """
        start = time.monotonic()
        result = experiment(self._study)
        result.write(self._study.out / name)
        made = Made(study=self._facts, arguments=self._arguments, seconds=round(time.monotonic() - start, 1))
        self._record = self._record.with_experiment(name, made)
        self._record.write(self._study.out)
        return result


def write_report(out: Path, *, on_damage: Callable[[InputError], None]) -> Path | None:
    """Write report and summaries of all experiments that a folder holds, of this and of earlier calls.

    Args:
        out: a study's folder.
        on_damage: is given what is wrong with a result that cannot be read; the report goes without it.

    Returns:
        The report's file, or None where there is nothing to report.

    Raises:
        InputError: the folder's record is damaged, or the report cannot be written.
    """
    made = read_record(out).experiments
    results = []
    for name in [
        *(name for name in QUESTIONS if name in made),
        *(name for name in made if name not in QUESTIONS),
    ]:
        try:
            results.append(read_result(out / name, name))
        except InputError as error:
            on_damage(error)
    if not results:
        return None
    summaries = summaries_of(results)
    for name, table in summaries.items():
        write_atomically(out / f"{name}.csv", table.csv().encode("utf-8"))
    page = report_html(results, {name: one.study for name, one in made.items()}, summaries=summaries)
    return write_atomically(out / REPORT_FILE, page.encode("utf-8"))
