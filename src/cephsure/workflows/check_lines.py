"""A look at labels in words and tables, for a terminal and for a page alike."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.label_check import KINDS
from cephsure.uncertainty.text_lines import (
    Arrangement,
    Column,
    Line,
    printable,
    sentence,
    side_by_side,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.evaluation.label_check import Finding
    from cephsure.workflows.data_check import DataCheck

NONE = "-"
RESEARCH = "a look, not a proof: what is not found may still be wrong, and what is found may be right"
_NAMED = 4


def check_lines(found: DataCheck, width: int) -> list[Line]:
    """Everything that was found, as lines that are no longer than ``width``; nothing is cut."""
    lines = [Line(printable(found.dataset.name), "title")]
    for fact in heading_lines(found):
        lines += sentence(printable(fact), width)
    first, *others = landmark_columns(found)
    lines += [Line(""), *side_by_side(first, others, width, [""] * len(first.cells))]
    findings = found.check.findings
    for serious, title in ((True, "to be looked at"), (False, "good to know")):
        chosen = [finding for finding in findings if finding.serious is serious]
        for kind, own in groupby(chosen, key=lambda finding: finding.kind):
            lines += [Line(""), *_of_kind(f"{title}: {KINDS[kind]}", list(own), width, serious=serious)]
    lines.append(Line(""))
    for note in found.check.notes:
        lines += sentence(f"note: {printable(note)}", width, "warning")
    lines += sentence(conclusion(found), width, "warning" if found.serious else "fit")
    return lines + sentence(RESEARCH, width, "dim")


def heading_lines(found: DataCheck) -> list[str]:
    """What was read: films, annotators, landmarks, sizes and scales."""
    films = found.films
    seen = [look for look in films.looks if look is not None]
    annotated = ", ".join(f"{name} ({found.marked(name)[0]})" for name in films.points)
    splits = Counter(split for split in films.splits if split is not None)
    lines = [f"{_counted(len(films.film_ids), 'film')}, {len(films.codes)} landmarks of {_set_of(found)}"]
    if splits:
        lines.append("splits: " + ", ".join(f"{name} ({count})" for name, count in splits.items()))
    lines.append(f"annotators and the films they marked: {annotated}")
    sizes = Counter("{} x {} px".format(*look.size_px) for look in seen)
    scales = Counter(
        "no scale" if look.mm_per_px is None else f"{look.mm_per_px[0]:.4g} mm/px" for look in seen
    )
    lines.append(f"sizes: {_most(sizes)}")
    lines.append(f"scales: {_most(scales)}")
    return lines


def conclusion(found: DataCheck) -> str:
    """How much must be looked at, in one sentence."""
    serious = [finding for finding in found.check.findings if finding.serious]
    if not serious:
        return "nothing must be looked at"
    films = {finding.film for finding in serious if finding.film}
    # Films that were left out when the data set was read count as well.
    of = len(films.union(found.films.film_ids))
    on = f" on {len(films)} of {_counted(of, 'film')}" if films else ""
    return f"{_counted(len(serious), 'thing')} to be looked at{on}"


def landmark_columns(found: DataCheck) -> tuple[Column, ...]:
    """A row a landmark: on how many films each annotator left it out, and how far they are apart."""
    codes, check = found.films.codes, found.check
    columns = [Column("code", tuple(printable(code) for code in codes))]
    for name in found.films.points:
        films, marked = found.marked(name)
        cells = tuple(str(films - int(count)) for count in marked)
        columns.append(Column(f"missing: {printable(name)}", cells, right=True))
    for pair in check.pairs:
        both = f"{printable(pair.first)}, {printable(pair.second)}"
        lengths = np.hypot(pair.offset[:, 0], pair.offset[:, 1])
        columns.append(Column(f"{both} {check.unit} apart", _figures(pair.mean), right=True))
        columns.append(Column(f"usual offset {check.unit}", _figures(lengths), right=True))
    return tuple(columns)


def _of_kind(title: str, findings: Sequence[Finding], width: int, *, serious: bool) -> Iterator[Line]:
    """The findings of one kind as a table."""
    yield from sentence(f"{title} ({len(findings)})", width, "title")
    columns = []
    if any(finding.film for finding in findings):
        columns.append(Column("film", tuple(printable(finding.film) or NONE for finding in findings)))
    if any(finding.annotator for finding in findings):
        columns.append(Column("whose", tuple(printable(finding.annotator) or NONE for finding in findings)))
    said = Column("what", tuple(printable(finding.said) for finding in findings), words=True)
    ways = [Arrangement(((*columns, said),), most_lines=None)] if _narrow(columns, width) else []
    if columns:
        ways.append(Arrangement((tuple(columns), (said,)), most_lines=None))
    ways.append(Arrangement(tuple((column,) for column in (*columns, said)), most_lines=None))
    yield from table(ways, width, ["review" if serious else ""] * len(findings))


def _narrow(columns: Sequence[Column], width: int) -> bool:
    """Whether words beside the columns still have half of the width."""
    taken = sum(max(map(len, (column.heading, *column.cells))) + 2 for column in columns)
    return taken <= width / 2


def _figures(values: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[str, ...]:
    return tuple(f"{value:.1f}" if np.isfinite(value) else NONE for value in values)


def _set_of(found: DataCheck) -> str:
    return found.dataset.landmark_set.name


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _most(counts: Counter[str]) -> str:
    """The most frequent, with how many of each there are."""
    if not counts:
        return "not known"
    if len(counts) == 1:
        return next(iter(counts))
    named = [f"{name} ({count})" for name, count in counts.most_common(_NAMED)]
    more = len(counts) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
