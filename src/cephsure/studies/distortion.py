"""Distortion: do the measures rise as a film is distorted, and do they rise where the error does?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cephsure.datasets import film_of
from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.quality import spearman, weighted_spearman
from cephsure.studies.cases import Case, films_of_split, spread_over, truths_px
from cephsure.studies.distortion_figures import (
    MeasuredDistortion,
    all_measures_figure,
    distortion_picture,
    own_measure_figure,
)
from cephsure.studies.held_out import truth_for
from cephsure.studies.measured import measured
from cephsure.studies.predictions import predict_cases
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ExperimentResult, ResultTable, frame_of, method_text, with_ends
from cephsure.studies.shifts.distortion import BLUR_CELLS, CELL_MM, MAX_MAGNITUDE, ElasticField
from cephsure.studies.statistics.trends import trend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.films import Film
    from cephsure.studies.cases import PointTable
    from cephsure.studies.measured import Measured
    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.statistics.trends import Trend
    from cephsure.studies.study import Study, StudyModel

MAGNITUDES: tuple[float, ...] = tuple(np.linspace(0.0, MAX_MAGNITUDE, 40).tolist())
"""As in the reference: 40 steps from none to the strongest."""

# Tens of thousands of points are ranked anew in each resample: fewer of them will do.
_POINT_RESAMPLES = 300
_COLUMNS = (
    *("model", "measure", "truth"),
    *("error_spearman", "error_spearman_low", "error_spearman_high"),
    *("magnitude_pearson", "magnitude_pearson_low", "magnitude_pearson_high", "published_pearson"),
    *("magnitude_spearman", "magnitude_spearman_low", "magnitude_spearman_high"),
    *("n_films", "n_magnitudes", "n_points"),
)
# What figures need beside the table's columns.
_ABOUT = ("label", "own", "name", "key", "axis_label", "direction")


@dataclass(frozen=True, slots=True)
class Distorted:
    """F films at M magnitudes.

    Attributes:
        items: the films.
        magnitudes: (M,).
        fields: each film's random field.
        given_px: by annotation, (F, L, 2) the points as marked, NaN where nobody did.
        truths_px: by annotation, (F, M, L, 2) the points moved with the film; NaN where nobody marked one or
            where it has no place on the distorted film.
        tables: by the model's label, F times M rows: every magnitude of the first film, then of the next.
    """

    items: tuple[AnnotatedFilm, ...]
    magnitudes: NDArray[np.float64]
    fields: tuple[ElasticField, ...]
    given_px: dict[str, NDArray[np.float64]]
    truths_px: dict[str, NDArray[np.float64]]
    tables: dict[str, PointTable]

    def errors_mm(self, model: StudyModel, truth: str) -> NDArray[np.float64]:
        """(F, M, L) radial errors of a model against the moved truth, mm."""
        truth_px = self.truths_px[truth]
        return self.by_film(self.tables[model.label].errors_mm(truth_px.reshape(-1, *truth_px.shape[2:])))

    def by_film(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(F, M, L) of a table's (F * M, L) values."""
        return values.reshape(len(self.items), len(self.magnitudes), -1)


def distortion(study: Study, *, magnitudes: Sequence[float] = MAGNITUDES) -> ExperimentResult:
    """Distort test films elastically with rising magnitude; measures and errors beside it.

    Source: Drevický & Kodým 2020, their second experiment; the error against the moved truth is ours.

    Args:
        study: models, data set, seed; ``shift_films`` films are distorted at every magnitude.
        magnitudes: of the distortion.

    Raises:
        InputError: a film cannot be read or has no scale.
    """
    done = distorted_films(study, magnitudes)
    found = measures_by_magnitude(study, done)
    figures: dict[str, Figure | DrawnFigure] = {
        "distortion-own-measure": own_measure_figure(study, found),
        "distortion-measures": all_measures_figure(study, found),
    }
    middle = len(done.items) // 2
    picture = distortion_picture(study, done.items[middle], done.fields[middle])
    if picture is not None:
        figures["distortion-samples"] = picture
    coefficients = ResultTable(
        "Measures under elastic distortion",
        found.measures[[*_COLUMNS]],
        "error_spearman: point by point, unbinned, over every magnitude. magnitude_pearson and "
        "magnitude_spearman: of the magnitude and the mean over all points. A measure that does not vary is "
        "left out. The radial error's own rows say how steadily the error itself grows.",
    )
    changes = [name for name in found.means if name.startswith("change")]
    by_magnitude = ResultTable(
        "Means at each magnitude",
        found.means.drop(columns=["label", *changes]),
        "Means over all points of all films, with 95 % intervals.",
    )
    return ExperimentResult(
        name="distortion",
        title="Elastic distortion",
        method=method_text(
            "distortion",
            test=study.test_name,
            n_films=len(done.items),
            magnitudes=done.magnitudes,
            blur_cells=BLUR_CELLS,
            cell_mm=CELL_MM,
            seed=study.seed,
        ),
        tables={
            "distortion": coefficients,
            "distortion-by-magnitude": by_magnitude,
            "distortion-field": _field(done),
        },
        figures=figures,
        shown=coefficients.select(
            *("model", "measure", "magnitude_pearson", "published_pearson", "error_spearman"),
            where=found.measures["own"],
        ),
    )


def distorted_films(study: Study, magnitudes: Sequence[float] = MAGNITUDES) -> Distorted:
    """Distort films spread over the split, predict them, and move the truth along.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    items = spread_over(films_of_split(study.dataset, study.split), study.shift_films)
    by_id = {item.film_id: item for item in items}

    @lru_cache(maxsize=1)
    def read(film_id: str) -> Film:
        # A film's magnitudes follow each other: it is read once for all of them.
        return film_of(by_id[film_id])

    def distorted(film_id: str, field: ElasticField, magnitude: float) -> Film:
        return field.distort(read(film_id), magnitude)

    fields = tuple(ElasticField.of_film(read(i.film_id), seed=study.seed, film_id=i.film_id) for i in items)
    cases = [
        Case(item.film_id, condition(strength), partial(distorted, item.film_id, field, strength))
        for item, field in zip(items, fields, strict=True)
        for strength in magnitudes
    ]
    truths = sorted({truth_for(model, study.dataset) for model in study.models})
    given = {truth: truths_px(items, truth) for truth in truths}
    moved = {truth: np.empty((len(items), len(magnitudes), *given[truth].shape[1:])) for truth in truths}
    for truth, film, strength in product(truths, range(len(items)), range(len(magnitudes))):
        moved[truth][film, strength] = fields[film].move(given[truth][film], magnitudes[strength])
    tables = predict_cases(study, "distortion", cases)
    return Distorted(tuple(items), np.array(magnitudes), fields, given, moved, tables)


def condition(magnitude: float) -> str:
    """How a case's condition is written."""
    return f"{magnitude:.6g}"


def measures_by_magnitude(study: Study, done: Distorted) -> MeasuredDistortion:
    """Every model's error and measures against the magnitude."""
    weights = film_weights(len(done.items), seed=study.seed)
    records: list[dict[str, Cell]] = []
    means: list[pd.DataFrame] = []
    for model in study.models:
        truth = truth_for(model, study.dataset)
        errors = done.errors_mm(model, truth)
        named: dict[str, Cell] = {"model": model.title, "label": model.label, "truth": truth}
        named |= {"n_films": len(done.items), "n_magnitudes": len(done.magnitudes)}
        along = {"error_mm": trend(done.magnitudes, errors, weights)}
        for found in measured(done.tables[model.label]).values():
            values, measure = done.by_film(found.values), found.measure
            along[found.key] = trend(done.magnitudes, values, weights)
            along[f"change_{found.key}"] = trend(done.magnitudes, _change(found, values), weights)
            own = measure.name == model.own_measure
            published = REFERENCE[model.kind].distortion_pearson if own else None
            about: dict[str, Cell] = {"measure": measure.title, "name": measure.name, "key": found.key}
            about |= {"axis_label": found.label, "direction": measure.direction, "own": own}
            figures = _with_error(values, errors, weights) | _coefficients(along[found.key])
            records.append(named | about | {"published_pearson": published} | figures)
        about = {"measure": "radial error (no measure)", "key": "error_mm", "own": False}
        records.append(named | about | _coefficients(along["error_mm"]))
        columns = {"model": model.title, "label": model.label, "magnitude": done.magnitudes}
        for key, of_key in along.items():
            columns |= {key: of_key.means, f"{key}_low": of_key.low, f"{key}_high": of_key.high}
        means.append(pd.DataFrame(columns))
    frames = frame_of(records, [*_COLUMNS, *_ABOUT]), pd.concat(means, ignore_index=True)
    return MeasuredDistortion(study.test_name, len(done.items), done.magnitudes, *frames)


def _change(found: Measured, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each point's change from the first magnitude, up for more uncertain, in SD of the points there."""
    first_sd = float(np.nanstd(values[:, 0]))
    # A measure that is the same on all undistorted points has no such unit.
    return found.measure.direction * (values - values[:, :1]) / (first_sd if first_sd > 0 else np.nan)


def _with_error(
    values: NDArray[np.float64], errors: NDArray[np.float64], weights: NDArray[np.float64]
) -> dict[str, Cell]:
    """Measure and error over every point of every film and magnitude, unbinned; films resampled."""
    films, _, _ = there = np.nonzero(np.isfinite(values) & np.isfinite(errors))
    x, y = values[there], errors[there]
    # A film drawn w times brings each of its points w times.
    interval = percentile_interval(
        lambda block: weighted_spearman(x, y, block[:, films]), weights[:_POINT_RESAMPLES]
    )
    return {"n_points": len(x), **with_ends("error_spearman", spearman(x, y), interval)}


def _coefficients(along: Trend) -> dict[str, Cell]:
    """Of the magnitude and the mean."""
    pearson = with_ends("magnitude_pearson", along.pearson, along.pearson_ci95)
    return {**pearson, **with_ends("magnitude_spearman", along.spearman, along.spearman_ci95)}


def _field(done: Distorted) -> ResultTable:
    """What a magnitude is in mm, and what it does to the true points, of the first annotation."""
    truth = next(iter(done.given_px))
    marked = np.isfinite(done.given_px[truth]).all(axis=-1)
    there = np.isfinite(done.truths_px[truth]).all(axis=-1)
    lost = (np.expand_dims(marked, 1) & ~there).sum(axis=(0, 2))
    sizes = np.array([[field.size_mm(magnitude) for field in done.fields] for magnitude in done.magnitudes])
    folded = [[field.folded_share(magnitude) for field in done.fields] for magnitude in done.magnitudes]
    frame = pd.DataFrame(
        {
            "magnitude": done.magnitudes,
            "rms_mm": np.sqrt(np.mean(sizes[..., 0] ** 2, axis=1)),
            "max_mm": sizes[..., 1].max(axis=1),
            "folded_percent": 100.0 * np.mean(folded, axis=1),
            "points_without_place": lost,
            "n_points": int(marked.sum()),
        }
    )
    note = (
        "rms_mm and max_mm: length of the displacement over all films, root mean square and largest. "
        "folded_percent: share of the film where the map has turned over. points_without_place: true points "
        "that a fold shows several times or that left the film."
    )
    return ResultTable("The field in millimetres", frame, note)
