"""A model's card for those who build it into something: all that is known of it, and what is not.

Everything is read: from the bundle's own files, its calibration and gate, the program's own sources, and
figures that were measured with this very bundle. What none of these says is None, and is shown as unknown.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure import __version__
from cephsure.bundles.bundle import FACTS_FILE, Bundle, read_bundle
from cephsure.bundles.bundle_files import NETWORK
from cephsure.bundles.edit import CARD_FILE
from cephsure.model import shipped_models
from cephsure.recipes.registry import recipe_entry
from cephsure.text_files import is_file, read_json_object, read_text, sha256_of
from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE, read_calibration
from cephsure.uncertainty.gate import read_gate
from cephsure.uncertainty.readers.cases import case_title
from cephsure.workflows.model_figures import own_figures, shipped_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = "cephsure.model-card/1"
_PREPROCESSING, _DECODER = "cephsure.preprocessing", "cephsure.geometry.heatmaps"
_LESS_THAN_PROMISED = 0.05


def model_card(model: str | Path, *, figures: Sequence[Path] = ()) -> dict[str, Any]:
    """All that is known of a model, as a JSON document ``cephsure.model-card/1``.

    Args:
        model: a shipped model's name, or a bundle's folder.
        figures: documents of ``cephsure evaluate --json`` with this bundle, beside the shipped figures.

    Raises:
        InputError: no such model, a damaged bundle, or figures that are not of it.
    """
    shipped = shipped_models()
    bundle = read_bundle(shipped.get(str(model), Path(model)))
    told = read_json_object(bundle.folder / FACTS_FILE)
    measured = shipped_figures(bundle)
    measured["evaluations"] = [*measured["evaluations"], *own_figures(bundle, figures)]
    card = {
        "format": FORMAT,
        "disclaimer": told.get("disclaimer"),
        "name": bundle.name,
        "kind": bundle.kind,
        "sha256": bundle.sha256,
        "read_by": f"cephsure {__version__}",
        "licence": _licence(told, is_shipped=bundle.folder in shipped.values()),
        "training": _training(told, bundle),
        "landmark_set": bundle.landmark_set.to_dict(),
        "hashes": _hashes(bundle),
        "calibration": _calibration(bundle),
        "gate": _gate(bundle),
        "evaluations": measured["evaluations"],
        "observers": _observers(bundle, measured["observers"]),
        "limits": _section(bundle, "## Limits"),
    }
    return card | {"known_failures": known_failures(card)}


def _licence(told: dict[str, Any], *, is_shipped: bool) -> dict[str, str | None]:
    """Of the weights: what the bundle says, else of shipped ones the package's; of the data: what it says."""
    of_package = None
    if is_shipped:
        try:
            found = metadata("cephsure").json.get("license_expression")
            of_package = f"{found} (of the package that they come with)" if found else None
        except PackageNotFoundError:  # run from its sources, without being installed
            of_package = None
    return {"weights": told.get("licence", of_package), "data": told.get("data_licence")}


def _training(told: dict[str, Any], bundle: Bundle) -> dict[str, Any]:
    origin, recipe = told["provenance"], bundle.recipe
    stages = [list(member.get("stages", {}).values()) for member in told["members"]]
    errors = [own[-1].get("validation_mre_mm") for own in stages if own]
    known = [error for error in errors if error is not None]
    return {
        "data": origin.get("data"),
        "data_sha256": origin.get("data_sha256"),
        "split": origin.get("split"),
        "truth": origin.get("truth"),
        "annotators": list(origin.get("annotators", ())),
        "films": len(origin["films"]) if "films" in origin else None,
        "films_that_a_member_left_out": len(frozenset[str]().union(*bundle.validation_films)) or None,
        "networks": len(bundle.members),
        "recipe": {"name": recipe.name, "version": recipe.version, "changes": list(recipe.changes)},
        "samples": recipe.samples,
        "seed": origin.get("seed"),
        "precision": origin.get("precision"),
        "made": origin.get("made") or None,
        "versions": origin.get("versions", {}),
        "validation_mre_mm": sum(known) / len(known) if known else None,
        "earlier": origin.get("earlier", []),
    }


def _hashes(bundle: Bundle) -> dict[str, dict[str, str]]:
    """SHA-256 of what makes views of films, of what makes points of maps, and of the networks' files."""
    localizer = recipe_entry(bundle.recipe.name).localizer.__module__
    networks = sorted(file for kind in (NETWORK, ".safetensors") for file in bundle.folder.rglob(f"*{kind}"))
    return {
        "preprocessing": {_PREPROCESSING: _of_module(_PREPROCESSING)},
        "decoder": {name: _of_module(name) for name in (_DECODER, localizer)},
        "networks": {file.relative_to(bundle.folder).as_posix(): sha256_of(file) for file in networks},
    }


def _of_module(name: str) -> str:
    return sha256_of(Path(str(import_module(name).__file__)))


def _calibration(bundle: Bundle) -> dict[str, Any] | None:
    if not is_file(bundle.folder / CALIBRATION_FILE):
        return None
    found = read_calibration(bundle.folder / CALIBRATION_FILE)
    fitted = found.fitted_on.model_dump(mode="json")
    return {
        **{key: fitted[key] for key in ("dataset", "data_sha256", "split", "truth", "samples", "made")},
        "films": len(fitted["films"]),
        "region": found.default,
        "cases": {case: case_title(case) for case in found.bounds},
        "readers": [{"name": reader.name, "films": reader.films} for reader in found.readers.rests_on],
    }


def _gate(bundle: Bundle) -> dict[str, Any] | None:
    gate = read_gate(bundle.folder)
    if gate is None:
        return None
    rules = {
        case: {"for": case_title(case), **rule.model_dump(mode="json")} for case, rule in gate.rules.items()
    }
    return {**gate.target.model_dump(mode="json"), "films": gate.films, "units": gate.units, "rules": rules}


def _observers(bundle: Bundle, measured: list[dict[str, Any]]) -> dict[str, Any]:
    """How far people are apart: as measured, and by landmark as the calibration has it."""
    by_landmark: dict[str, Any] = {}
    between: list[str] = []
    if is_file(bundle.folder / CALIBRATION_FILE):
        readers = read_calibration(bundle.folder / CALIBRATION_FILE).readers
        between = list(readers.annotators)
        codes = [mark.code for mark in bundle.landmark_set.landmarks]
        pairs = zip(codes, readers.landmarks, strict=True)
        by_landmark = {code: mark.apart_mm for code, mark in pairs} if len(between) == 2 else {}
    return {
        "inter_observer": measured,
        "median_distance_mm": {"between": between, "by_landmark": by_landmark},
        "intra_observer": None,
    }


def _section(bundle: Bundle, heading: str) -> str | None:
    """The text under a heading of the bundle's own card."""
    if not is_file(bundle.folder / CARD_FILE):
        return None
    _, found, rest = read_text(bundle.folder / CARD_FILE).partition(f"{heading}\n")
    return " ".join(rest.split("\n## ")[0].split()) if found else None


def known_failures(card: dict[str, Any]) -> list[str]:
    """What a card's figures say that goes wrong, a sentence each."""
    found = []
    for each in card["evaluations"]:
        where = f"{each['dataset']} ({each['split']})"
        for mark in each["per_landmark"]:
            held, level = mark["coverage"], each["level"]
            if held is not None and level is not None and held < level - _LESS_THAN_PROMISED:
                found.append(
                    f"{where}: the {100 * level:.0f} % regions of {mark['code']} hold {100 * held:.0f} % "
                    "of points"
                )
        worst = max(each["per_landmark"], key=lambda mark: float(mark["p95_mm"]), default=None)
        if worst is not None:
            found.append(
                f"{where}: largest errors at {worst['code']}, one in twenty beyond {worst['p95_mm']:.1f} mm"
            )
    gate = card["gate"]
    rules = () if gate is None else gate["rules"].values()
    return found + [
        f"gate, {rule['for']}: against the worst person's marks {100 * rule['worst_person']:.0f} % of "
        f"accepted points were off by more than {gate['tolerance_mm']:g} mm"
        for rule in rules
        if rule["worst_person"] > gate["max_missed_rate"]
    ]
