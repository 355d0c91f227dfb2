"""Calibrate a bundle: films with known points in, a bundle that knows its errors in millimetres out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cephsure import __version__
from cephsure.atomic import write_atomically
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import KnownFilms, group_folds
from cephsure.errors import InputError
from cephsure.evaluation.calibration_figures import document
from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE
from cephsure.uncertainty.calibration.fitting import cross_fit, fit_calibration
from cephsure.uncertainty.gate import GateTarget, write_gate
from cephsure.uncertainty.gate import card_section as gate_section
from cephsure.uncertainty.gate.gate import GATE_FILE
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    AnnotatedData,
    Counter,
    OnProgress,
    Workplace,
    open_model,
    silent,
    usual_split,
)
from cephsure.workflows.calibration_films import collect, not_trained_on
from cephsure.workflows.gate_films import check_on_halves, gate_films

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty.calibration.calibration import Calibration
    from cephsure.uncertainty.gate import Gate
    from cephsure.workflows.calibration_films import Collected, NotTrainedOn
    from cephsure.workflows.gate_films import HalfCheck

REPORT_FOLDER, FIGURES_FILE, DIAGRAM_FILE = "calibration", "figures.json", "reliability.png"


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """How to calibrate.

    Attributes:
        seed: of MC-Dropout's passes, of folds and of partings.
        folds: of the cross-fitted figures.
        gate: what is asked of the gate.
        gate_halves: try the gate on so many random halves of the films; 0 for not at all.
    """

    seed: int = 0
    folds: int = 10
    gate: GateTarget = field(default_factory=GateTarget)
    gate_halves: int = 20


@dataclass(frozen=True, slots=True)
class LearnedGate:
    """A gate, or why there is none, and how it did on halves of the films."""

    gate: Gate | None
    reason: str | None = None
    halves: tuple[HalfCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What came of calibrating.

    Attributes:
        figures: cross-fitted, as JSON data: errors expected and actual, coverage and areas of regions.
        gate: it, or why there is none.
        chosen: the films that were looked at, and those left out.
        collected: what was found on them.
        calibration: fitted on all of them; None, as ``bundle``, where no bundle was asked for.
        bundle: the new bundle's folder.
        errors: film -> why it could not be used.
    """

    figures: dict[str, Any]
    gate: LearnedGate
    chosen: NotTrainedOn
    collected: Collected
    calibration: Calibration | None
    bundle: Path | None
    errors: dict[Path, Exception]


def calibrate(
    data: AnnotatedData | Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    out: Path | None = None,
    report: Path | None = None,
    options: CalibrateOptions | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> CalibrationResult:
    """Calibrate a bundle on films that it was not trained on, as ``cephsure calibrate`` does.

    The figures are cross-fitted: each film is judged by a calibration fitted without it and without films of
    its group. The gate is learned from the same films. Each film's file is opened once.

    Args:
        out: the new bundle's folder; None for the figures alone.
        report: a folder for figures and diagram; None puts them into the new bundle.

    Raises:
        InputError: ``out`` is there already; data or model cannot be used; the films were trained on; none
            has a scale.
    """
    options, data = options or CalibrateOptions(), AnnotatedData.of(data)
    if out is not None and out.exists():
        raise InputError("is there already", where=out, remedy="name a new folder, or remove this one")
    loaded, at = open_model(model, device, executor, on_progress)
    whole = data.open(loaded.landmark_set)
    split, known = data.split or usual_split(whole), KnownFilms()
    chosen = not_trained_on(whole, split, loaded.bundle.provenance, known)
    at.remark(chosen.checked)
    for reason, names in chosen.left_out.items():
        at.remark(f"left out: {len(names)} films, {reason} ({', '.join(names)})")
    collected = collect(
        loaded, chosen.dataset, whole, at, split=split, truth=data.truth, seed=options.seed, known=known
    )
    figures = _cross_fitted(collected, loaded, options, at)
    gate = _learned(collected, options)
    files, calibration = _report_files(figures, at), None
    if out is not None:
        calibration = _fitted(collected, chosen, options)
        inside = files if report is None else {}
        write_calibrated(loaded.bundle, calibration, out, gate=gate.gate, report=inside)
    if report is not None:
        for name, content in files.items():
            write_atomically(report / name, content)
    return CalibrationResult(figures, gate, chosen, collected, calibration, out, collected.errors)


def _cross_fitted(
    collected: Collected, model: Model, options: CalibrateOptions, at: Workplace
) -> dict[str, Any]:
    """The honest figures."""
    folds = min(options.folds, len(set(collected.data.groups)))
    parts = group_folds([film.annotated for film in collected.films], folds, seed=options.seed)
    step = Counter("folds", folds, at.on_progress)
    crossed = cross_fit(collected.data, parts, seed=options.seed, on_fold=step)
    return document(crossed, collected.data, model.landmark_set)


def _learned(collected: Collected, options: CalibrateOptions) -> LearnedGate:
    """The gate; none where there are too few films even for the heads' shape."""
    try:
        films = gate_films(collected)
    except InputError as error:
        return LearnedGate(None, error.what)
    halves = check_on_halves(films, options.gate, repeats=options.gate_halves, seed=options.seed)
    return LearnedGate(films.learn(options.gate), halves=halves)


def _report_files(figures: dict[str, Any], at: Workplace) -> dict[str, bytes]:
    """The report's files by name; without matplotlib no diagram."""
    files = {FIGURES_FILE: (json.dumps(figures, indent=1, allow_nan=False) + "\n").encode()}
    try:
        from cephsure.evaluation.diagrams import reliability_diagram

        files[DIAGRAM_FILE] = reliability_diagram(figures)
    except ImportError:
        at.remark("no reliability diagram: it needs matplotlib (pip install 'cephsure[studies]')")
    return files


def _fitted(collected: Collected, chosen: NotTrainedOn, options: CalibrateOptions) -> Calibration:
    """The calibration fitted on all films."""
    used = {film.film_id for film in collected.films}
    unused = tuple(film.film_id for film in chosen.dataset.films if film.film_id not in used)
    left_out = chosen.left_out | ({"could not be used": unused} if unused else {})
    made = f"{datetime.now(UTC):%Y-%m-%d} with cephsure {__version__}"
    return fit_calibration(collected.data, seed=options.seed, left_out=left_out, made=made)


def write_calibrated(
    bundle: Bundle,
    calibration: Calibration,
    folder: Path,
    *,
    gate: Gate | None = None,
    report: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a new bundle: the networks of an old one with a calibration and a gate.

    The old one stays as it is. A calibration that it has is not taken over, and neither is a gate, which
    rests on the bundle it was made for. ``report`` are files to go with the new one, name -> content.

    Raises:
        InputError: there is something at ``folder``, it cannot be written, or the old bundle is no longer
            the one that was calibrated.
    """
    with edit_bundle(bundle, folder) as edit:
        for name in (REPORT_FOLDER, GATE_FILE):
            edit.remove(name)
        edit.write(CALIBRATION_FILE, calibration.to_json().encode())
        for name, content in (report or {}).items():
            edit.write(f"{REPORT_FOLDER}/{name}", content)
        edit.set_section(card_section(calibration))
        if gate is None:
            edit.remove_section("## Gate")  # of the old bundle's: its promise does not hold here
        else:
            write_gate(gate, edit.folder)
            edit.set_section(gate_section(gate))
    return folder


def card_section(calibration: Calibration) -> str:
    """What the calibration rests on, as a section of a model card."""
    fitted, regions = calibration.fitted_on, calibration.regions
    left_out = "".join(
        f"\nLeft out: {len(names)} films ({reason})." for reason, names in fitted.left_out.items()
    )
    return (
        "## Calibration\n"
        f"Expected errors and regions are calibrated on {len(fitted.films)} films of {fitted.dataset}\n"
        f'(split "{fitted.split}", truth: {fitted.truth}), none of them trained on, with {fitted.samples} '
        f"sample{'' if fitted.samples == 1 else 's'} a landmark.{left_out}\n"
        f"Regions: split conformal prediction, shapes from {len(regions.shaped_on)} films, bounds from "
        f"{len(regions.scored_on)} others.\n"
        "The promise: over films drawn like these, a landmark's region of level p holds the point that\n"
        "these annotators would have marked with probability p or more. It is no promise for films of\n"
        "another site, device or annotator, nor for each single film.\n"
        f"Networks: bundle `{fitted.model_sha256}`.\n"
    )
