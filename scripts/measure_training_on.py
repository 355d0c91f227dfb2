"""Measure what training a model on brings; print the table of docs/training.md.

    python scripts/measure_training_on.py --isbi DIR --other-site DIR --work DIR parts   # the data sets
    cephsure train --data DIR/new30 --mm-per-px 0.127 --start-from default-baseline --folds 5 \
        --precision bfloat16 --out DIR/runs/on
    cephsure train --data DIR/new30 --mm-per-px 0.127 --model baseline --folds 5 --precision bfloat16 \
        --out DIR/runs/nothing
    cephsure train --data DIR/new30 --mm-per-px 0.127 --start-from default-baseline --old-films DIR/old_seen \
        --folds 5 --precision bfloat16 --out DIR/runs/mixed
    cephsure site-calibrate --data DIR/new30 --mm-per-px 0.127 --model default-baseline --name site \
        --out DIR/site.json
    python scripts/measure_training_on.py --work DIR figures                               # some minutes

The other site's films, label files of labelme beside a folder ``pictures``, are parted by a seed into 30 to
learn from and the others; ISBI 2015's into those that the shipped Baseline saw in training and those that it
did not. Truth is the mean of all readers.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import film_of, open_dataset, truth
from cephsure.evaluation.bootstrap import film_weights, interval_of, mean_interval
from cephsure.model import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.model import Model

START = "default-baseline"
SEED, LEARNED, RESAMPLES = 20261130, 30, 4000
OTHER_SITE_MM_PER_PX, ISBI_MM_PER_PX = 0.127, 0.1
NEW, OTHERS, SEEN, UNSEEN = "new30", "others", "old_seen", "old_unseen"
TRAINED = {
    "nothing": "nothing/bundle",
    "on": "on/bundle",
    "mixed": "mixed/bundle",
    "mixed, marking as before": "mixed/bundle_before",
}
LEFT_OUT = {OTHERS: {"mixed, marking as before"}, UNSEEN: {"nothing"}}
"""Models that are not for these films."""


def part_site(site: Path, work: Path) -> None:
    """The other site's label files in two folders, with links to the films."""
    readers = sorted(folder for folder in site.iterdir() if folder.name.startswith("labelme_"))
    names = sorted(file.stem for file in readers[0].glob("*.json"))
    order = np.random.default_rng(SEED).permutation(len(names))
    for part, places in ((NEW, order[:LEARNED]), (OTHERS, order[LEARNED:])):
        for name in sorted(names[place] for place in places):
            for reader in readers:
                if (reader / f"{name}.json").exists():
                    target = work / part / reader.name
                    target.mkdir(parents=True, exist_ok=True)
                    shutil.copy(reader / f"{name}.json", target)
            for film in (site / "pictures").glob(f"{name}.*"):
                link(film, work / part / "pictures")


def part_isbi(isbi: Path, work: Path) -> None:
    """ISBI's films as two tables, with links to the films."""
    unseen = set(load_model(START).bundle.validation_films[0])
    films = open_dataset(isbi).films
    for part, is_unseen in ((SEEN, False), (UNSEEN, True)):
        (work / part).mkdir(parents=True, exist_ok=True)
        with (work / part / "points.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream)
            table.writerow(["image", "annotator", "landmark", "x", "y", "mm_per_px"])
            for film in films:
                if (film.film_id in unseen) == is_unseen:
                    link(film.path, work / part)
                    table.writerows(rows_of(film))


def rows_of(film: AnnotatedFilm) -> list[list[str]]:
    """A film's points, a row each."""
    return [
        [film.path.name, annotator, str(number), repr(float(x)), repr(float(y)), str(ISBI_MM_PER_PX)]
        for annotator, points in film.annotations.items()
        for number, (x, y) in enumerate(points, start=1)
    ]


def link(film: Path, folder: Path) -> None:
    """A link to a film."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / film.name
    if not place.exists():
        place.symlink_to(film.resolve())


def errors_mm(
    model: Model, folder: Path, mm_per_px: float, reader: Path | None = None
) -> NDArray[np.float64]:
    """(F, L, 2) found minus true, in mm."""
    found = []
    for film in open_dataset(folder, mm_per_px=mm_per_px).films:
        prediction = model.predict(film_of(film), reader=reader)
        found.append((prediction.points_px - truth(film)) * mm_per_px)
    return np.array(found)


def show(name: str, errors: NDArray[np.float64]) -> None:
    """Mean radial error with its interval, and without each landmark's mean offset."""
    distances = np.linalg.norm(errors, axis=2)
    low, high = mean_interval(distances, film_weights(len(errors), n_resamples=RESAMPLES))
    level = np.nanmean(np.linalg.norm(errors - np.nanmean(errors, axis=0), axis=2))
    print(f"{name}: {np.nanmean(distances):.2f} mm ({low:.2f} to {high:.2f}); offsets taken out {level:.2f}")


def compare(name: str, one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    """How much larger the errors of one are than the other's, film by film."""
    first, second = (np.linalg.norm(errors, axis=2) for errors in (one, other))
    known = np.isfinite(first) & np.isfinite(second)
    difference = np.where(known, first - second, np.nan)
    weights = film_weights(len(difference), n_resamples=RESAMPLES)
    low, high = interval_of((weights @ np.nansum(difference, axis=1)) / (weights @ known.sum(axis=1)))
    print(f"{name}: {np.nanmean(difference):+.2f} mm ({low:+.2f} to {high:+.2f})")


def figures(work: Path) -> None:
    """Judge each model on the site's other films, and on the old ones that the start has not seen."""
    unchanged = load_model(START).uncalibrated()
    models: dict[str, Model] = {"unchanged": unchanged}
    models |= {name: load_model(work / "runs" / place) for name, place in TRAINED.items()}
    parts = ((OTHERS, OTHER_SITE_MM_PER_PX, "nothing"), (UNSEEN, ISBI_MM_PER_PX, "unchanged"))
    for part, mm_per_px, beside in parts:
        print(part)
        found = {
            name: errors_mm(model, work / part, mm_per_px)
            for name, model in models.items()
            if name not in LEFT_OUT[part]
        }
        if part == OTHERS:
            site = work / "site.json"
            found["site-calibrate"] = errors_mm(load_model(START), work / part, mm_per_px, site)
        for name, errors in found.items():
            show(f"  {name}", errors)
        references = [beside, *(["site-calibrate"] if part == OTHERS else [])]
        for name in [name for name in TRAINED if name in found and name != "nothing"]:
            for reference in references:
                compare(f"  {name} minus {reference}", found[name], found[reference])


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the data sets, or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--isbi", type=Path)
    parser.add_argument("--other-site", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("step", choices=("parts", "figures"))
    given = parser.parse_args(arguments)
    if given.step == "figures":
        figures(given.work)
    elif given.isbi is None or given.other_site is None:
        parser.error("give --isbi and --other-site")
    else:
        part_site(given.other_site, given.work)
        part_isbi(given.isbi, given.work)


if __name__ == "__main__":
    main()
