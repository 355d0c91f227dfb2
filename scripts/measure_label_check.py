"""Measure what ``cephsure check`` finds: faults of known kinds are made in good labels, and looked for.

    python scripts/measure_label_check.py --data isbi2015 --split test1 --annotator senior [--repeats N]

Prints the table of docs/checking.md: of each kind, on what share of the films with a fault it is found, and
on how many of the films as they are something is. With several annotators the faults are made in the labels
of the first one. A fault counts as found where something must be looked at that need not be without it.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.datasets import film_of, select
from cephsure.evaluation.label_check import FilmLook, LabelledFilms, check_labels, look_at
from cephsure.landmarks import load_landmark_set
from cephsure.workflows.batch import AnnotatedData

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Small = NDArray[np.uint8]

FAULTY = 15
NEIGHBOURS = (("Pog", "Gn"), ("Me", "Gn"), ("LIT", "UIT"), ("Po", "Ar"), ("Pog", "Me"), ("A", "Sn"))
AGAIN_MM = 0.8  # along an axis: how far marks lie apart that were set once more


@dataclass
class Data:
    """Films whose labels and pictures are changed; faults are made in the labels of ``name``."""

    films: LabelledFilms
    name: str
    rng: np.random.Generator

    def __post_init__(self) -> None:
        """Leave the given films as they are."""
        self.points = {name: points.copy() for name, points in self.films.points.items()}
        self.looks = list(self.films.looks)

    @property
    def own(self) -> Array:
        """(F, L, 2) the points that are changed."""
        return self.points[self.name]

    def look(self, film: int) -> FilmLook:
        """What was seen of a film."""
        look = self.looks[film]
        assert look is not None
        return look

    def another(self, film: int) -> int:
        """A film that keeps its labels."""
        return (film + len(self.films.film_ids) // 4) % len(self.films.film_ids)

    def away(self, mm: float) -> Array:
        """(2,) so far in any direction, px of the first film."""
        turn = self.rng.uniform(0, 2 * np.pi)
        return mm * np.array([np.cos(turn), np.sin(turn)]) / self.films.scales()[0, 0]

    def marked_again(self, film: int) -> None:
        """Give all annotators the points of another film, as if they had marked it once more."""
        for points in self.points.values():
            noise = self.rng.normal(0, AGAIN_MM, points[film].shape) / self.films.scales()[0]
            points[film] = points[self.another(film)] + noise

    def checked(self) -> set[tuple[str, str]]:
        """(kind, film) of all that must be looked at."""
        films = replace(self.films, points=self.points, looks=tuple(self.looks))
        return {
            (finding.kind, film)
            for finding in check_labels(films).findings
            if finding.serious
            for film in (finding.film, *finding.others)
        }


def move_point(mm: float) -> Callable[[Data, int], None]:
    """One point is off."""

    def fault(data: Data, film: int) -> None:
        data.own[film, data.rng.integers(data.own.shape[1])] += data.away(mm)

    return fault


def move_all(mm: float) -> Callable[[Data, int], None]:
    """All points are off, as on a film that was cut after it was marked."""

    def fault(data: Data, film: int) -> None:
        data.own[film] += data.away(mm)

    return fault


def resize(factor: float) -> Callable[[Data, int], None]:
    """The labels are of an image of another size."""

    def fault(data: Data, film: int) -> None:
        data.own[film] *= factor

    return fault


def swap(data: Data, film: int) -> None:
    """Any two labels are exchanged."""
    pair = data.rng.choice(data.own.shape[1], 2, replace=False)
    data.own[film, pair] = data.own[film, pair[::-1]]


def swap_neighbours(data: Data, film: int) -> None:
    """Two labels of points that lie close together are exchanged."""
    codes = data.films.codes
    pair = [codes.index(code) for code in NEIGHBOURS[data.rng.integers(len(NEIGHBOURS))]]
    data.own[film, pair] = data.own[film, pair[::-1]]


def mirror(data: Data, film: int) -> None:
    """The labels are mirrored, the film is not."""
    data.own[film, :, 0] = data.look(film).size_px[0] - 1 - data.own[film, :, 0]


def other_labels(data: Data, film: int) -> None:
    """The labels are another film's, which was marked twice."""
    points = data.own[data.another(film)]
    data.own[film] = points + data.rng.normal(0, AGAIN_MM, points.shape) / data.films.scales()[0]


def same_labels(data: Data, film: int) -> None:
    """The labels are a copy of another film's."""
    data.own[film] = data.own[data.another(film)]


def double(data: Data, film: int) -> None:
    """Another film under this name too, encoded anew and marked once more."""
    file = io.BytesIO()
    Image.fromarray(data.look(data.another(film)).small).save(file, "JPEG", quality=30)
    small = np.asarray(Image.open(file))
    data.looks[film] = replace(data.look(data.another(film)), small=small, sha256=None)
    data.marked_again(film)


def double_cut(data: Data, film: int) -> None:
    """The same, with a twentieth cut off at each edge."""
    look = data.look(data.another(film))
    (height, width), size = look.small.shape, np.array(look.size_px)
    top, left = height // 20, width // 20
    small = look.small[top : height - top, left : width - left]
    zoom = size / (width, height)
    cut = np.round(np.array(small.shape[::-1]) * zoom).astype(int).tolist()
    data.looks[film] = replace(look, small=small, size_px=(cut[0], cut[1]), sha256=None)
    data.marked_again(film)
    for points in data.points.values():
        points[film] -= (left, top) * zoom


def other_scale(data: Data, film: int) -> None:
    """Film and labels are smaller by a third, but the scale is said to be the same."""
    look = data.look(film)
    size = tuple(round(2 / 3 * side) for side in look.size_px)
    data.looks[film] = replace(look, size_px=(size[0], size[1]))
    for points in data.points.values():
        points[film] *= 2 / 3


FAULTS: dict[str, Callable[[Data, int], None]] = {
    "one point off by 10 mm": move_point(10),
    "one point off by 20 mm": move_point(20),
    "two labels swapped": swap,
    "two labels of close points swapped": swap_neighbours,
    "labels mirrored": mirror,
    "all points off by 10 mm": move_all(10),
    "film resized to 1/2 after it was marked": resize(2.0),
    "film resized to 9/10 after it was marked": resize(1 / 0.9),
    "labels of another film, marked once more": other_labels,
    "labels of another film, copied": same_labels,
    "film there twice, encoded anew": double,
    "film there twice, cut by 1/20 at each edge": double_cut,
    "film and labels smaller by 1/3, scale as before": other_scale,
}


def read(data: AnnotatedData, names: list[str]) -> LabelledFilms:
    """The films of a data set, with some annotators' labels."""
    dataset = select(data.open(load_landmark_set("isbi-19")), data.split or "all")
    films = LabelledFilms.of(dataset, [look_at(film_of(film)) for film in dataset.films])
    return replace(films, points={name: films.points[name] for name in names or films.points})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="all")
    parser.add_argument("--mm-per-px", type=float)
    parser.add_argument("--annotator", action="append", default=[])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    data = AnnotatedData(given.data, split=given.split, mm_per_px=given.mm_per_px)
    films = read(data, given.annotator)
    name, rng = next(iter(films.points)), np.random.default_rng(0)
    usual = Data(films, name, rng).checked()
    flagged = {film for kind, film in usual if film and kind != "copy"}
    print(f"{len(flagged)} of {len(films.film_ids)} films as they are", flush=True)
    for title, fault in FAULTS.items():
        found = []
        for _ in range(given.repeats):
            changed = Data(films, name, rng)
            chosen = rng.choice(len(films.film_ids), FAULTY, replace=False)
            for film in chosen.tolist():
                fault(changed, film)
            told = {film for _, film in changed.checked() - usual}
            found += [films.film_ids[film] in told for film in chosen.tolist()]
        print(f"| {title} | {100 * np.mean(found):.0f} % |", flush=True)


if __name__ == "__main__":
    main()
