"""The networks that predict a film: a model's, or only those that have not seen it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.model import load_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.films import Film
    from cephsure.model import Model


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks that predict films.

    Attributes:
        model: it, with all of its members.
        folds: it and bundles of other folds, where a film is to be predicted out of fold; else empty.
        film_ids: path -> name of the films, for the same.
    """

    model: Model
    folds: tuple[Model, ...] = ()
    film_ids: Mapping[Path, str] = field(default_factory=dict)

    def of(self, film: Film) -> Model:
        """Those for one film: of the first fold that has not seen it; the whole model for any other film."""
        name = None if film.path is None else self.film_ids.get(Path(film.path))
        return self.model if name is None else self.unseen(name) or self.model

    def unseen(self, film_id: str) -> Model | None:
        """The networks that were not trained on a film of their training data; None if there are none."""
        return next((model for fold in self.folds if (model := fold.unseen(film_id)) is not None), None)

    def parts(self) -> list[tuple[Model, frozenset[str]]]:
        """The different sets of networks that are taken, each with the films that it is taken for."""
        found: dict[tuple[int, tuple[int, ...]], tuple[Model, set[str]]] = {}
        for name in self.film_ids.values():
            for place, fold in enumerate(self.folds):
                members = fold.unseen_members(name)
                if members:
                    if (place, members) not in found:
                        found[place, members] = (fold.only(members), set())
                    found[place, members][1].add(name)
                    break
        # The model's first network comes first: later films are told by it.
        return [
            (model, frozenset(names)) for _, (model, names) in sorted(found.items(), key=lambda each: each[0])
        ]

    def samples(self, films: Iterable[AnnotatedFilm]) -> int:
        """The most samples of a film that did not see it; 0 where none is predicted out of fold."""
        seen = (self.unseen(film.film_id) for film in films)
        return max((model.default_samples for model in seen if model is not None), default=0)


def folds_of(model: Model, other_folds: Sequence[Path], whole: Dataset) -> Networks:
    """A model and bundles that were trained likewise on the other folds of the same films.

    Raises:
        InputError: they were trained on different films.
    """
    folds = (model, *(load_model(path, device=model.device) for path in other_folds))
    if len({fold.bundle.provenance.data_sha256 for fold in folds}) > 1:
        raise InputError("the bundles of the other folds were trained on other films than this one")
    return Networks(model, folds, {film.path: film.film_id for film in whole.films})
