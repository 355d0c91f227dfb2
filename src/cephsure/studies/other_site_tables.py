"""The tables of the experiment on another site's films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.evaluation.errors import THRESHOLDS_MM
from cephsure.studies.measured import CORRELATION_COLUMNS, CORRELATION_NOTE
from cephsure.studies.result import ResultTable
from cephsure.studies.wording import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.studies.other_site_figures import Noticed, Site
    from cephsure.studies.result import Cell


def accuracy_table(pairs: Sequence[tuple[Site, Site]]) -> ResultTable:
    """Each model's accuracy at home and away."""
    rates = [str(threshold) for threshold in THRESHOLDS_MM]
    rows: list[tuple[Cell, ...]] = []
    for site in (one for pair in pairs for one in pair):
        found = site.evaluation
        rows.append(
            (
                *(site.model.title, site.name, site.truth, found.n_films, found.n_points),
                *(found.mre_mm, *ends(found.mre_ci95_mm), found.sd_mm),
                *((found.sdr or {}).get(rate) for rate in rates),
                *(site.without_offsets_mm, site.annotators_mm),
            )
        )
    return ResultTable.from_rows(
        f"Accuracy on the other site's films beside {pairs[0][0].name}",
        (
            *("model", "site", "truth", "n_films", "n_points"),
            *("mre_mm", "mre_low_mm", "mre_high_mm", "sd_mm"),
            *(f"sdr_{threshold:g}mm_percent" for threshold in THRESHOLDS_MM),
            *("mre_without_offsets_mm", "annotators_apart_mm"),
        ),
        tuple(rows),
        note="mre_without_offsets_mm: once each landmark's mean displacement on these films is taken off, "
        "which a convention of the site's annotators would explain. annotators_apart_mm: mean distance "
        "between the site's two annotators. Lengths in mm hang on the scale that was given for the site.",
    )


def correlation_table(pairs: Sequence[tuple[Site, Site]]) -> ResultTable:
    """Each measure beside the error, at home and away."""
    return ResultTable.from_rows(
        "Each measure against the radial error, point by point, at either site",
        ("model", "site", "truth", "n_films", *CORRELATION_COLUMNS),
        tuple(
            (site.model.title, site.name, site.truth, site.evaluation.n_films, *one.cells())
            for pair in pairs
            for site in pair
            for one in site.correlations.values()
        ),
        note=CORRELATION_NOTE,
    )


def noticed_table(noticed: Sequence[Noticed]) -> ResultTable:
    """How well each measure tells the sites apart."""
    return ResultTable.from_rows(
        "Which measures notice the change of site, film by film",
        (
            *("model", "measure", "key", "direction", "n_home", "n_away"),
            *("auc", "auc_low", "auc_high", "mean_home", "mean_away"),
        ),
        tuple(
            (
                *(one.model.title, one.home.measure.name, one.home.key, one.home.measure.direction),
                *(one.n_home, one.n_away, one.auc, *one.interval, one.mean_home, one.mean_away),
            )
            for one in noticed
        ),
        note="A film's score is the mean of the measure over its landmarks, turned so that larger is less "
        "certain; auc is the area under the ROC curve for telling the other site's films from the test "
        "films, 0.5 is chance. A key in px is that of the films as they are: a coarser film has fewer px for "
        "the same length.",
    )
