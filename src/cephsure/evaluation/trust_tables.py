"""Trust in tables of text, each at most 80 characters wide in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.evaluation.table import NOT_DEFINED, Column, Table, cell, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.evaluation.result import Strata, Trust, TrustFigures


def truth_table(every: Sequence[Trust]) -> Table:
    """A row for each truth."""
    rows = ((found.truth, found.n_films, found) for found in every)
    return _compact_table("trust, by truth", "truth", rows)


def strata_table(strata: Strata, truth: str) -> Table:
    """A row for each stratum, against one truth; a stratum that nobody of that name marked has dashes."""
    rows = (
        (group.name, group.n_films, next((found for found in group.trust if found.truth == truth), None))
        for group in strata.groups
    )
    return _compact_table(f"by {strata.column}, truth: {truth}", strata.column, rows)


def _compact_table(title: str, of: str, rows: Iterable[tuple[str, int, Trust | None]]) -> Table:
    errors, regions = ("films", "MRE\nmm", "p95\nmm", "≤ 2\nmm %"), ("held\n%", "worst\n%", "area\nmm²")
    others = ("exp./\nact.", "fit\n%", "acc.\n%", "wrong\n%")
    columns = (Column(of, "left"), *map(Column, (*errors, *regions, *others)))
    return Table(
        title, columns, tuple((name, str(films), *_compact_cells(found)) for name, films, found in rows)
    )


def _compact_cells(found: Trust | None) -> tuple[str, ...]:
    if found is None:
        return (NOT_DEFINED,) * 10
    held, area = _region_cells(found)
    worst = (
        f"{found.worst_landmark} {percent(found.worst_coverage, 0)}" if found.worst_landmark else NOT_DEFINED
    )
    fit = NOT_DEFINED
    if found.gate is not None:
        fit = percent(found.gate.films["fit"] / sum(found.gate.films.values()), 0)
    errors = (cell(found.mre_mm, 2), cell(found.p95_mm, 2), percent(found.sdr_2mm, 0))
    return (*errors, held, worst, area, _ratio(found), fit, *_gate_cells(found))


def landmark_trust_table(found: Trust) -> Table:
    """A row for each landmark: bias, 95th percentile, region, expected error and gate."""
    headings = ("n", "to the\nface mm", "down\nmm", "p95\nmm", "held\n%", "area\nmm²")
    more = ("expected\nmm", "actual\nmm", "acc.\n%", "wrong\n%")
    rows = []
    for mark in found.per_landmark:
        errors = [f"{mark.bias_mm[0]:+.2f}", f"{mark.bias_mm[1]:+.2f}", cell(mark.p95_mm, 2)]
        expected = None if mark.expected is None else mark.expected.mean_expected_mm
        ends = [cell(expected, 2), cell(mark.mre_mm, 2), *_gate_cells(mark)]
        rows.append((str(mark.number), mark.code, str(mark.n_points), *errors, *_region_cells(mark), *ends))
    columns = (Column("no"), Column("code", "left"), *map(Column, (*headings, *more)))
    return Table(f"trust, by landmark, truth: {found.truth}", columns, tuple(rows))


def tenths_table(found: Trust) -> Table:
    """Expected against actual errors, tenth by tenth of the points."""
    rows = tuple(
        (
            str(number),
            str(tenth.n_points),
            cell(tenth.expected_mm, 2),
            cell(tenth.actual_mm, 2),
            cell(tenth.expected_mm / tenth.actual_mm if tenth.actual_mm else None, 2),
        )
        for number, tenth in enumerate(found.tenths, start=1)
    )
    headings = ("tenth", "points", "expected mm", "actual mm", "ratio")
    return Table("expected and actual errors, by tenths", tuple(map(Column, headings)), rows)


def said(found: Trust) -> list[str]:
    """The figures of one truth in sentences."""
    x, y = found.bias_mm
    lines = [
        f"bias: {x:+.2f} mm to the face, {y:+.2f} mm down (found minus true)",
        f"95 % of the errors are below {found.p95_mm:.2f} mm",
    ]
    if (regions := found.regions) is not None:
        whole = f", all of the film {regions.whole_film_share:.0%}" if regions.whole_film_share else ""
        lines.append(
            f"regions at {100 * regions.level:g} %: hold {regions.coverage:.1%}"
            f"{_ends(regions.coverage_ci95)} of the true points, at the worst landmark "
            f"({found.worst_landmark}) {percent(found.worst_coverage, 0)} %; median area "
            f"{cell(regions.median_area_mm2, 1)} mm²{whole}"
        )
    if (expected := found.expected) is not None:
        lines.append(
            f"expected error: {expected.mean_expected_mm:.2f} mm, actual {expected.mean_actual_mm:.2f} mm, "
            f"ratio {cell(expected.ratio, 2)}"
        )
    if (gate := found.gate) is not None:
        films = ", ".join(f"{count} {verdict}" for verdict, count in gate.films.items())
        wrong = "none" if gate.wrong_among_accepted is None else f"{gate.wrong_among_accepted:.1%}"
        lines.append(
            f"films: {films}; points accepted: {gate.accepted_share:.1%}, off by more than "
            f"{gate.tolerance_mm:g} mm: {wrong}{_ends(gate.wrong_among_accepted_ci95)} of these, "
            f"{gate.wrong_share:.1%} of all"
        )
    return lines


def _region_cells(found: TrustFigures) -> tuple[str, str]:
    if found.regions is None:
        return NOT_DEFINED, NOT_DEFINED
    return percent(found.regions.coverage, 0), cell(found.regions.median_area_mm2, 1)


def _gate_cells(found: TrustFigures) -> tuple[str, str]:
    if found.gate is None:
        return NOT_DEFINED, NOT_DEFINED
    return percent(found.gate.accepted_share, 0), percent(found.gate.wrong_among_accepted)


def _ratio(found: TrustFigures) -> str:
    return NOT_DEFINED if found.expected is None else cell(found.expected.ratio, 2)


def _ends(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
