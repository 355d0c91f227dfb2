"""Figures of a model that were measured once and are shipped with the package, and those of a user's own.

``data/model_figures/NAME.json`` holds what ``scripts/ship_model_figures.py`` takes over from ``results/``. A
figure counts only for the very bundle that it was measured with, by its SHA-256.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.bundles.bundle import read_versioned
from cephsure.errors import InputError
from cephsure.text_files import is_file, read_json_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.bundles.bundle import Bundle

FORMAT = "cephsure.model-figures/1"
_KEPT = (
    ("n_films", "films"),
    ("n_points", "points"),
    ("bias_mm", "bias_mm"),
    ("mre_mm", "mre_mm"),
    ("p95_mm", "p95_mm"),
    ("sdr_2mm", "within_2_mm"),
)
_OF_REGIONS = (("level", "level"), ("coverage", "coverage"), ("median_area_mm2", "median_area_mm2"))
_OF_GATE = (("accepted_share", "accepted"), ("wrong_among_accepted", "wrong_among_accepted"))


def figures_of(evaluation: dict[str, Any], *, source: str) -> dict[str, Any]:
    """What a card says of one evaluation, a document of ``cephsure evaluate --json``.

    Raises:
        KeyError, TypeError: it is no such document, or has nothing about trust.
    """
    about, trust = evaluation["about"], evaluation["trust"][0]
    return {
        "source": source,
        "dataset": about["dataset"],
        "split": about["split"],
        "truth": trust["truth"],
        "reader": about.get("reader"),
        "samples": about.get("samples"),
        "mre_ci95_mm": evaluation.get("mre_ci95_mm"),
        **_shortened(trust),
        "worst_landmark": trust.get("worst_landmark"),
        "worst_coverage": trust.get("worst_coverage"),
        "film_verdicts": (trust.get("gate") or {}).get("films"),
        "per_landmark": [
            {"number": mark["number"], "code": mark["code"], **_shortened(mark)}
            for mark in trust["per_landmark"]
        ],
    }


def _shortened(trust: dict[str, Any]) -> dict[str, Any]:
    regions, gate = trust.get("regions") or {}, trust.get("gate") or {}
    found = {name: trust[key] for key, name in _KEPT}
    found |= {name: regions.get(key) for key, name in _OF_REGIONS}
    return found | {name: gate.get(key) for key, name in _OF_GATE}


def shipped_figures(bundle: Bundle) -> dict[str, Any]:
    """The package's figures of a bundle: ``evaluations`` and ``observers``; both empty where it has none."""
    path = Path(str(files("cephsure") / "data" / "model_figures" / f"{bundle.name}.json"))
    if not is_file(path):
        return {"evaluations": [], "observers": []}
    shipped = read_versioned(path, version=FORMAT, what="figures", kind=InputError)
    is_of_it = shipped["model_sha256"] == bundle.sha256
    is_of_its_data = shipped["data_sha256"] == bundle.provenance.data_sha256
    return {
        "evaluations": shipped["evaluations"] if is_of_it else [],
        "observers": shipped["observers"] if is_of_its_data else [],
    }


def own_figures(bundle: Bundle, documents: Sequence[Path]) -> list[dict[str, Any]]:
    """Figures of a bundle from documents that ``cephsure evaluate --json`` wrote.

    Raises:
        InputError: a file is none, or was measured with another bundle.
    """
    found = []
    for path in documents:
        document = read_json_object(path)
        try:
            is_of_it = document["about"]["model_sha256"] == bundle.sha256
            figures = figures_of(document, source=path.name)
        except (KeyError, TypeError, IndexError) as error:
            raise InputError("is no evaluation of a model", where=path, remedy=_REMEDY) from error
        if not is_of_it:
            raise InputError(
                f"was measured with another model than {bundle.name}", where=path, remedy=_REMEDY
            )
        found.append(figures)
    return found


_REMEDY = "cephsure evaluate --json FILE writes one"
