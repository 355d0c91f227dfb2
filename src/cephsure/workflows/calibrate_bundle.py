"""Calibrate a bundle: films with known points in, a bundle that knows its errors in millimetres out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure import __version__
from cephsure.atomic import check_folders, write_atomically
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets import KnownFilms, annotators, select
from cephsure.errors import InputError
from cephsure.evaluation.calibration_figures import document
from cephsure.text_files import is_there
from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE, Calibration, FittedOn
from cephsure.uncertainty.calibration.fitting import Readings, fit
from cephsure.uncertainty.calibration.rehearsal import fit_bounds, rehearsal_steps, rehearse, smallest_kind
from cephsure.uncertainty.gate import GateTarget, write_gate
from cephsure.uncertainty.gate import card_section as gate_section
from cephsure.uncertainty.gate.gate import GATE_FILE
from cephsure.uncertainty.readers.cases import KNOWN
from cephsure.uncertainty.readers.definitions import definitions_of
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    MEAN,
    WHOLE,
    AnnotatedData,
    Counter,
    OnProgress,
    Workplace,
    open_model,
    silent,
    usual_split,
)
from cephsure.workflows.calibration_films import (
    collect,
    means_of,
    not_trained_on,
    out_of_fold,
    read_films,
)
from cephsure.workflows.gate_films import check_on_halves, gate_films, gate_way_out
from cephsure.workflows.networks import Networks, folds_of
from cephsure.workflows.training_films import trained_before, training_films

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.datasets import Dataset
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.model import Model
    from cephsure.uncertainty.calibration.rehearsal import Rehearsed
    from cephsure.uncertainty.gate import Gate
    from cephsure.workflows.calibration_films import Collected, NotTrainedOn
    from cephsure.workflows.gate_films import HalfCheck

REPORT_FOLDER, FIGURES_FILE, DIAGRAM_FILE = "calibration", "figures.json", "reliability.png"


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """How to calibrate.

    Attributes:
        seed: of MC-Dropout's passes, of folds and of partings.
        folds: films are judged by what the others tell, in so many folds.
        gate: what is asked of the gate.
        gate_halves: try the gate on so many random halves of the films; 0 for not at all.
        other_folds: bundles that were trained likewise on the other folds of the same films, where films that
            this bundle was trained on are to be predicted by those that have not seen them.
        further_readers: films of other sites that no network has seen, for how readers differ.
    """

    seed: int = 0
    folds: int = 5
    gate: GateTarget = field(default_factory=GateTarget)
    gate_halves: int = 20
    other_folds: tuple[Path, ...] = ()
    further_readers: tuple[AnnotatedData, ...] = ()


@dataclass(frozen=True, slots=True)
class LearnedGate:
    """A gate, or why there is none; how it did on halves of the films; and the way out where it is no use."""

    gate: Gate | None
    reason: str | None = None
    halves: tuple[HalfCheck, ...] = ()
    way_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What came of calibrating.

    Attributes:
        figures: of the rehearsal, as JSON data: errors expected and actual, coverage and areas of regions.
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

    All is fitted and rehearsed (``uncertainty.calibration``), on the annotators' marks and those of
    further readers; the gate is learned from the same films. Films that the bundle's networks were trained on
    are predicted out of fold, by those that have not seen them. Each film's file is opened once; once more,
    for the hash of its content, where the bundle may have been trained on it.

    Args:
        out: the new bundle's folder; None for the figures alone.
        report: a folder for figures and diagram; None puts them into the new bundle.

    Raises:
        InputError: ``out`` is there already; data or model cannot be used; a film was trained on by every
            network; none has a scale; no annotator marked two independent films.
    """
    options, data = options or CalibrateOptions(), AnnotatedData.of(data)
    if out is not None and is_there(out):
        raise InputError("is there already", where=out, remedy="name a new folder, or remove this one")
    check_folders(out, report)
    loaded, at = open_model(model, device, executor, on_progress)
    whole = data.open(loaded.landmark_set, at.remark)
    split, known = data.split or usual_split(whole), KnownFilms()
    networks, chosen = _choose(loaded, whole, split, known, options)
    at.remark(chosen.checked)
    for reason, names in chosen.left_out.items():
        at.remark(f"left out: {len(names)} films, {reason} ({', '.join(names)})")
    collected = collect(
        networks, chosen.dataset, whole, at, split=split, truth=data.truth, seed=options.seed, known=known
    )
    further = [
        collect(Networks(loaded), films, films, at, split=WHOLE, seed=options.seed, heads=collected.heads)
        for films in _named_apart(whole, options.further_readers, loaded.landmark_set, at.remark)
    ]
    readings = _readings(collected, chosen.dataset, further, loaded, data.truth)
    groups = sorted(set(collected.data.groups))
    order = np.random.default_rng(options.seed).permutation(len(groups))
    count = min(options.folds, len(groups))
    folds = [[groups[i] for i in order[k::count]] for k in range(count)]
    step = Counter("readers and folds", rehearsal_steps(readings, folds), at.on_progress)
    rehearsed = rehearse(readings, folds, seed=options.seed, on_step=step)
    if not any(films.case == KNOWN for films in rehearsed):
        raise InputError(
            "no annotator marked two independent films: of one film nothing can be said about others",
            remedy="calibrate on more films; for a few films of one reader see: cephsure site-calibrate",
        )
    samples = networks.samples(chosen.dataset.films)
    calibration = _calibration(collected, chosen, readings, rehearsed, samples=samples, seed=options.seed)
    figures = document(rehearsed, calibration, collected.data.source, loaded.landmark_set, seed=options.seed)
    gate = _learned(collected, rehearsed, further, options)
    files = _report_files(figures, at)
    if out is not None:
        inside = files if report is None else {}
        write_calibrated(loaded.bundle, calibration, out, gate=gate.gate, report=inside)
    if report is not None:
        for name, content in files.items():
            write_atomically(report / name, content)
    errors = {path: error for one in (collected, *further) for path, error in one.errors.items()}
    return CalibrationResult(figures, gate, chosen, collected, calibration, out, errors)


def _named_apart(
    whole: Dataset, others: Sequence[AnnotatedData], landmarks: LandmarkSet, tell: Callable[[str], None]
) -> list[Dataset]:
    """Other sites' films: persons and films are told apart by data set, and many a table is points.csv."""
    names, found = [whole.name], []
    for other in others:
        films = other.open(landmarks, tell)
        name, count = films.name, 2
        while name in names:
            name, count = f"{films.name} {count}", count + 1
        names.append(name)
        found.append(replace(films, name=name))
    return found


def _choose(
    model: Model, whole: Dataset, split: str, known: KnownFilms, options: CalibrateOptions
) -> tuple[Networks, NotTrainedOn]:
    """The films, and the networks that have not seen them."""
    selected, trained_on = select(whole, split), training_films(whole, model.bundle, known)
    if not any(film.film_id in trained_on for film in selected.films):
        return Networks(model), not_trained_on(whole, split, model.bundle, known)
    before = trained_before(whole, model.bundle, known)
    if any(film.film_id in before for film in selected.films):
        raise InputError(
            f"{model.name} goes on from a model that was trained on these films: all of it has seen them",
            remedy="calibrate on the films that it went on with (out of fold), or on others",
        )
    networks = folds_of(model, options.other_folds, whole)
    return networks, out_of_fold(selected, networks)


def _readings(
    collected: Collected, dataset: Dataset, further: Sequence[Collected], model: Model, truth: str
) -> Readings:
    """All readers, and how the written definitions fit what two marked whom the networks tell apart."""
    one = list(read_films(collected, dataset, truth=truth))
    for other in further:
        films = replace(
            dataset, name=other.data.source.dataset, films=tuple(f.annotated for f in other.films)
        )
        one += [replace(reader, annotator=None) for reader in read_films(other, films)]
    scales = collected.data.upright_mm_per_px
    told_apart = model.bundle.provenance.annotators or annotators(dataset.films)
    if collected.data.marks_px.shape[1] != 2 or len(told_apart) != 2:
        return Readings(tuple(one), means_of(collected, dataset) if truth == MEAN else ())
    points = [[film.truth_by(name) for name in told_apart] for film in collected.films]
    return Readings(
        one=tuple(one),
        mean=means_of(collected, dataset) if truth == MEAN else (),
        annotators=told_apart,
        definitions=definitions_of(model.landmark_set, np.array(points) * scales[:, None, None]),
    )


def _calibration(
    collected: Collected,
    chosen: NotTrainedOn,
    readings: Readings,
    rehearsed: Sequence[Rehearsed],
    *,
    samples: int,
    seed: int,
) -> Calibration:
    """All together, fitted on all films."""
    known = np.flatnonzero(np.isfinite(collected.data.radial_mm).any(axis=1))
    used = tuple(collected.data.film_ids[place] for place in known)
    unused = tuple(film.film_id for film in chosen.dataset.films if film.film_id not in used)
    left_out = chosen.left_out | ({"could not be used": unused} if unused else {})
    source = asdict(collected.data.source) | {"seed": seed}
    del source["model_kind"]
    fitted, bounds = fit(readings), fit_bounds(rehearsed)
    return Calibration(
        fitted_on=FittedOn(
            **source,
            films=used,
            left_out=left_out,
            out_of_fold=samples,
            made=f"{datetime.now(UTC):%Y-%m-%d} with cephsure {__version__}",
        ),
        scatter=fitted.scatter,
        readers=fitted.readers,
        annotators=fitted.annotators,
        bounds=bounds,
        default=smallest_kind(rehearsed, bounds),
    )


def _learned(
    collected: Collected,
    rehearsed: Sequence[Rehearsed],
    further: Sequence[Collected],
    options: CalibrateOptions,
) -> LearnedGate:
    """The gate; none where there are too few films even for the heads' shape."""
    target, units = options.gate, len(set(collected.data.groups))
    try:
        films = gate_films(collected, rehearsed, further)
    except InputError as error:
        return LearnedGate(None, error.what, way_out=gate_way_out(None, None, target, units))
    halves = check_on_halves(films, target, repeats=options.gate_halves, seed=options.seed)
    gate = films.learn(target)
    return LearnedGate(gate, halves=halves, way_out=gate_way_out(films, gate, target, units))


def _report_files(figures: dict[str, Any], at: Workplace) -> dict[str, bytes]:
    """The report's files by name; without matplotlib no diagram."""
    files = {FIGURES_FILE: (json.dumps(figures, indent=1, allow_nan=False) + "\n").encode()}
    try:
        from cephsure.evaluation.diagrams import reliability_diagram

        files[DIAGRAM_FILE] = reliability_diagram(figures)
    except ImportError:
        at.remark("no reliability diagram: it needs matplotlib (pip install 'cephsure[studies]')")
    return files


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
    fitted, readers = calibration.fitted_on, calibration.readers
    left_out = "".join(
        f"\nLeft out: {len(names)} films ({reason})." for reason, names in fitted.left_out.items()
    )
    seen = "none of them trained on"
    if fitted.out_of_fold:
        seen = f"each predicted by the {fitted.out_of_fold} samples that had not seen it (out of fold)"
        if fitted.out_of_fold < fitted.samples:
            seen += (
                f";\nthey spread a little less surely than all {fitted.samples}, and are taken as without end"
            )
    known = "; ".join(f"{reader.name} ({reader.films} films)" for reader in readers.rests_on)
    persons = "1 person" if readers.persons == 1 else f"{readers.persons} persons"
    names = " or ".join(annotator.name for annotator in calibration.annotators)
    return (
        "## Calibration\n"
        f"Expected errors and regions are calibrated on {len(fitted.films)} films of {fitted.dataset}\n"
        f'(split "{fitted.split}"), {seen}.{left_out}\n'
        f"How readers differ is learned from {persons}: {known}.\n"
        "\n"
        + (
            "For a reader not met before a landmark's region of level p holds this reader's point with\n"
            "probability p, over readers who differ as these do and over all landmarks; with each person\n"
            "left out in turn it was so on average over persons.\n"
            if readers.persons > 1
            else "How another reader would differ is not known: the claim is for the one above.\n"
        )
        + f"For marks as {names} makes them, and for a site of which films were corrected (cephsure\n"
        "site-calibrate), it holds over films drawn like these. It is no promise for a single film, nor for\n"
        "films of another scanner before some of them are corrected.\n"
        f"Networks: bundle `{fitted.model_sha256}`.\n"
    )
