"""Writes docs/dicom-codes.md: every code of cephsure's private scheme, from the code that writes the objects.

python scripts/write_dicom_codes.py
"""

from __future__ import annotations

from pathlib import Path

from cephsure.cephalometry import load_analyses
from cephsure.dicom import codes
from cephsure.landmarks import load_landmark_set, shipped_landmark_sets

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dicom-codes.md"

HEAD = f"""# Codes in DICOM objects

Scheme `{codes.SCHEME}`, version {codes.VERSION}: the private codes of [cephsure's DICOM objects](dicom.md),
made by `scripts/write_dicom_codes.py` from the program itself. The version goes up when a code comes to mean
something else. Finding sites are standard codes (SCT: SNOMED CT, FMA: Foundational Model of Anatomy), all of
them in the tables of DICOM PS3.16; only sella turcica and nasion are sites of the point itself, the others
are the structure that it lies on. A landmark set of your own gets codes `L-` with a digest of the set's name
and the landmark's code.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Statements\n", _table(["code", "meaning"], _statements())]
    for name in shipped_landmark_sets():
        landmark_set = load_landmark_set(name)
        rows = []
        for landmark in landmark_set.landmarks:
            site = codes.finding_site(landmark)
            code = codes.landmark_code(landmark, landmark_set)
            where = f"{site.meaning} ({site.scheme_designator} {site.value})"
            rows.append([f"`{code.value}`", landmark.name, landmark.definition, where])
        parts.append(f"## Landmarks of {name}\n")
        parts.append(_table(["code", "meaning", "definition", "finding site"], rows))
    parts += ["## Measurements\n", _table(["code", "meaning", "unit", "analyses"], _measurements())]
    return "\n".join(parts)


def _statements() -> list[list[str]]:
    return [[f"`{code.value}`", code.meaning] for code in codes.own_concepts()]


def _measurements() -> list[list[str]]:
    rows: dict[str, list[str]] = {}
    for analysis in load_analyses("all"):
        for entry in analysis.entries:
            what = entry.measurement
            code = codes.measurement_code(what.code, what.name)
            row = rows.setdefault(code.value, [f"`{code.value}`", code.meaning, what.unit, ""])
            row[3] = f"{row[3]}, {analysis.name}" if row[3] else analysis.name
    return list(rows.values())


def _table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
