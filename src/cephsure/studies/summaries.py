"""Tables over several experiments: what heads the report of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.studies.best_of import BEST, best_of
from cephsure.studies.overview import OVERVIEW, overview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.studies.result import ExperimentResult, ResultTable


def summaries_of(results: Sequence[ExperimentResult]) -> dict[str, ResultTable]:
    """Those that the results have something for, by file name without ending."""
    tables = {OVERVIEW: overview(results), BEST: best_of(results)}
    return {name: table for name, table in tables.items() if table is not None}
