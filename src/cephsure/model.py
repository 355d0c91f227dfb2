"""Models: a bundle ready to predict. Baseline, Ensemble and MC-Dropout are used alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure import films
from cephsure.bundles.bundle import FACTS_FILE, Bundle, read_bundle
from cephsure.errors import BundleError, InputError
from cephsure.films import Film
from cephsure.inference.test_time_augmentation import AUGMENTED_COPIES
from cephsure.preprocessing import square_film, stretch_grey
from cephsure.recipes.registry import RecipeEntry, recipe_entry, register_recipe
from cephsure.uncertainty.calibration.calibration import (
    CALIBRATION_FILE,
    DEFAULT_LEVEL,
    calibrated,
    moved,
    read_calibration,
)
from cephsure.uncertainty.calibration.calibration import region_kind as kind_of_region
from cephsure.uncertainty.gate import apply_gate, read_gate
from cephsure.uncertainty.measures import mean_position
from cephsure.uncertainty.missing import say_what_is_missing
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, Prediction, to_prediction
from cephsure.uncertainty.quantile import check_level
from cephsure.uncertainty.readers.choice import choose_reader
from cephsure.uncertainty.reference import read_reference
from cephsure.uncertainty.regions import REGION_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from cephsure.films.reader import FilmSource
    from cephsure.films.spacing import UserScale
    from cephsure.inference.orientation import AskedFacing, AskedPolarity, Orientation
    from cephsure.inference.samples import HeatMaps, Samples
    from cephsure.inference.session import Device
    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.calibration.calibration import Calibration
    from cephsure.uncertainty.prediction import Region, RegionKind
    from cephsure.uncertainty.readers.cases import TruthOf
    from cephsure.uncertainty.readers.reader import Reader

DEFAULT_MODEL = "default-ensemble"
GPU_FILMS = 8
"""Films that a GPU's networks are given together."""


def shipped_models() -> dict[str, Path]:
    """Names and folders of the models that come with the package."""
    root = Path(str(files("cephsure") / "data" / "models"))
    return {facts.parent.name: facts.parent for facts in sorted(root.glob(f"*/{FACTS_FILE}"))}


def load_model(name_or_path: str | Path = DEFAULT_MODEL, *, device: Device = "cpu") -> Model:
    """Load a shipped model by name, or a bundle by its folder; "auto" is a GPU where there is one.

    Raises:
        BundleError: no such model, or a bundle that is damaged, unknown or unsafe.
    """
    shipped = shipped_models()
    return Model(read_bundle(shipped.get(str(name_or_path), Path(name_or_path))), device=device)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a prediction is asked for, as of ``Model.predict``."""

    samples: int | None = None
    seed: int = 0
    facing: AskedFacing = "auto"
    polarity: AskedPolarity = "auto"
    level: float | None = None
    region: RegionKind | None = None
    reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class RawPrediction:
    """What the networks say of a film, before any calibration: the annotators' mean.

    Attributes:
        marks_px: (T, K, L, 2) samples of each annotator whom the networks tell apart, else of the one.
        maps: one an annotator, or None if they were not asked for.
        seen: of a film whose pixels are not square, the prediction in px of the film that was made square for
            the networks, and that film.
    """

    prediction: Prediction
    marks_px: NDArray[np.float64]
    maps: tuple[HeatMaps, ...] | None = None
    seen: tuple[Prediction, Film] | None = None

    def as_seen(self, film: Film) -> tuple[Prediction, Film]:
        """The prediction and the film as the networks saw them: what the gate looks at."""
        return self.seen or (self.prediction, film)


@dataclass(frozen=True, slots=True)
class DetailedPrediction:
    """A prediction, and what whoever looks closely wants to see besides.

    Attributes:
        regions: by level and by the landmark's number.
        maps: the samples' averaged heat maps, one an annotator whom the networks tell apart, else one.
    """

    prediction: Prediction
    regions: dict[float, dict[int, Region]]
    maps: tuple[HeatMaps, ...]


class Model:
    """A bundle with its networks loaded.

    Attributes:
        bundle: the checked bundle, whose ``name``, ``kind`` and ``landmark_set`` are the model's.
        device: where its networks are computed, "cpu" or "cuda".
        default_samples: samples drawn a film unless asked otherwise: 1, the members, or the passes.
        calibration, gate: the bundle's, or None.
        reference: what the bundle knows of its training films.
        networks_sha256: of the bundle as it was trained, before any calibration.

    Examples:
        >>> from cephsure import load_model, sample_films
        >>> sample = sample_films.sample_film("vhm_lateral_0deg")
        >>> prediction = load_model("default-baseline").predict(sample.path, mm_per_px=sample.mm_per_px)
        >>> prediction.landmarks[0].name
        'sella'
    """

    def __init__(self, bundle: Bundle, *, device: Device = "cpu") -> None:
        self.bundle, self.name, self.kind = bundle, bundle.name, bundle.kind
        self.landmark_set: LandmarkSet = bundle.landmark_set
        self._entry = _entry(bundle)
        try:
            self._localizer = self._entry.localizer(bundle, device=device)
            self.device: Literal["cpu", "cuda"] = self._localizer.device
            passes = len(bundle.members) if bundle.kind != "mc-dropout" else int(bundle.recipe.samples or "")
        except InputError:
            raise
        except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
            raise BundleError(
                f"its recipe is incomplete or malformed: {error}", where=bundle.folder / FACTS_FILE
            ) from error
        self.default_samples = passes
        self.calibration: Calibration | None = None
        if (path := bundle.folder / CALIBRATION_FILE).is_file():
            numbers = tuple(mark.number for mark in bundle.landmark_set.landmarks)
            self.calibration = read_calibration(path, numbers=numbers)
        self.gate = read_gate(bundle.folder)
        self.reference = read_reference(bundle.folder)
        self._thorough = False
        self._members: tuple[int, ...] | None = None
        self.networks_sha256 = (
            bundle.sha256 if self.calibration is None else self.calibration.fitted_on.model_sha256
        )

    def uncalibrated(self) -> Model:
        """The same networks without calibration and gate: points and raw measures, in less time."""
        return self._but(calibration=None, gate=None)

    def thorough(self) -> Model:
        """The same model, whose predictions also have the measures that take time of their own.

        These are of the averaged heat maps, under test-time augmentation and of the network's features.
        """
        return self._but(_thorough=True)

    def unseen(self, film_id: str) -> Model | None:
        """The same model with only those members that were not trained on a film of its training data.

        None where no member's validation films name it: then all or none have seen it, which their names do
        not tell.
        """
        members = self.unseen_members(film_id)
        return self.only(members) if members else None

    def unseen_members(self, film_id: str) -> tuple[int, ...]:
        """Places of the members that were not trained on a film of the training data."""
        return tuple(i for i, films in enumerate(self.bundle.validation_films) if film_id in films)

    def only(self, members: tuple[int, ...]) -> Model:
        """The same model with some of its members."""
        count = self.default_samples if self.kind == "mc-dropout" else len(members)
        return self._but(_localizer=self._localizer.only(members), _members=members, default_samples=count)

    def _but(self, **changed: Any) -> Model:
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | changed
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """A model travels to another process as the place of its bundle, where it is loaded again."""
        given = (self.bundle.folder.resolve(), self.bundle.sha256, self.device, self._entry)
        bare = self.calibration is None and self.gate is None
        changed = {"calibration": None, "gate": None} if bare else {}
        return _loaded_again, (*given, self._members), {"_thorough": self._thorough, **changed}

    def predict(
        self,
        film: Film | FilmSource,
        *,
        samples: int | None = None,
        seed: int = 0,
        facing: AskedFacing = "auto",
        polarity: AskedPolarity = "auto",
        mm_per_px: UserScale | None = None,
        level: float | None = None,
        region: RegionKind | None = None,
        reader: Reader | Path | str | None = None,
        truth_of: TruthOf | None = None,
    ) -> Prediction:
        """Find the landmarks on a film, and measure how uncertain each is.

        The same film, seed and bundle give the same numbers. A calibrated bundle adds to each landmark of a
        film with a scale the expected error in mm and a region that holds the true point; not if fewer or
        more samples are asked for than it was calibrated with. A bundle with a gate gives verdicts too.

        Args:
            film: a film, or what ``films.read`` reads one from: a file's path, its content as bytes or as an
                open binary file, or an array of grey values. Where pixels are not square, by spacing or file,
                the networks see them made square.
            samples: how many members (the first ones) or passes; by default all members, or the recipe's
                passes.
            seed: of MC-Dropout's masks.
            facing: which way the head faces; "auto" finds out.
            polarity: whether bone is bright; "auto" finds out.
            mm_per_px: scale, along x or (x, y); it goes before what the file states, and before the one that
                a film has. Where these differ, a note says so.
            level: probability with which each region holds the true point; 0.9 unless given.
            region: the kind of region, "hdr", "ellipse" or "disc"; by default the calibration's own.
            reader: whose marks are foretold: as ``reader`` takes it.
            truth_of: whether regions hold "one" reader's marks, or the "mean" of two readers'.

        Returns:
            Positions in the given film's own pixels, and in mm where its scale is known.

        Raises:
            FilmError: the file cannot be read.
            InputError: more samples than there are members; an unknown facing or polarity; a negative seed; a
                level or region of a bundle without calibration, or one that it has not.
        """
        chosen = self.reader(reader, truth_of=truth_of)
        asked = _Asked(samples, seed, facing, polarity, level, region, chosen)
        self._calibration_for(asked)  # before the film is read
        return self._predict([_read(film, mm_per_px)], asked)[0]

    def _predict(self, many: Sequence[Film], asked: _Asked) -> list[Prediction]:
        """Predictions of films that go through the networks together."""
        calibration = self._calibration_for(asked)
        needs_maps = self._thorough or (
            calibration is not None
            and any(film.spacing is not None for film in many)
            and REGION_KINDS[kind_of_region(calibration, asked.region)].needs_maps
        )
        found = self._raw(many, asked, with_maps=needs_maps)
        return [self._finished(film, raw, asked) for film, raw in zip(many, found, strict=True)]

    def predict_in_detail(
        self,
        film: Film | FilmSource,
        *,
        levels: Sequence[float] = (),
        mm_per_px: UserScale | None = None,
        reader: Reader | Path | str | None = None,
    ) -> DetailedPrediction:
        """The prediction that ``predict`` gives, with regions at several levels and the heat maps behind it.

        Raises what ``predict`` raises. Of a film of which nothing is promised there are no regions.
        """
        given, asked = _read(film, mm_per_px), _Asked(reader=self.reader(reader))
        raw = self._raw([given], asked, with_maps=True)[0]
        prediction = self._finished(given, raw, asked)
        regions: dict[float, dict[int, Region]] = {}
        for level in levels if prediction.level is not None else ():
            at_level = self._calibrated(raw, replace(asked, level=level))
            regions[level] = {
                mark.number: mark.region for mark in at_level.landmarks if mark.region is not None
            }
        return DetailedPrediction(prediction, regions, raw.maps or ())

    def _finished(self, film: Film, raw: RawPrediction, asked: _Asked) -> Prediction:
        """A film's prediction with calibration and verdict, as far as there are these."""
        prediction = self._calibrated(raw, asked)
        if self.gate is not None and self._as_fitted(asked, self.gate.source.samples):
            seen, square = raw.as_seen(film)
            prediction = apply_gate(
                prediction,
                square,
                self.gate,
                raw=self._as_all_see(seen),
                reader=asked.reader,
                find=self._find,
            )
        return self._saying_what_is_missing(prediction)

    def _calibrated(self, raw: RawPrediction, asked: _Asked) -> Prediction:
        """A film's prediction with expected errors and regions, where the model is calibrated."""
        calibration, reader = self._calibration_for(asked), asked.reader
        if reader is None:
            return raw.prediction
        if calibration is None:
            return moved(raw.prediction, raw.marks_px, reader)
        level = DEFAULT_LEVEL if asked.level is None else asked.level
        return calibrated(
            raw.prediction,
            raw.marks_px,
            calibration,
            reader,
            maps=raw.maps,
            level=level,
            kind=asked.region,
        )

    def _saying_what_is_missing(self, prediction: Prediction) -> Prediction:
        calibration, gate = self.calibration, self.gate
        stands_in = self.default_samples if self._members is not None else None
        return say_what_is_missing(
            prediction,
            calibrated_for=None if calibration is None else stands_in or calibration.fitted_on.samples,
            judged_for=None if gate is None else stands_in or gate.source.samples,
        )

    def _as_all_see(self, prediction: Prediction) -> Prediction:
        """For the gate: features are those of the whole model's first network, or none."""
        own = self._members is None or self._members[0] == 0
        return prediction if own else prediction.model_copy(update={"features": None})

    def predict_raw(
        self,
        film: Film | FilmSource,
        *,
        samples: int | None = None,
        seed: int = 0,
        facing: AskedFacing = "auto",
        polarity: AskedPolarity = "auto",
        mm_per_px: UserScale | None = None,
        with_maps: bool = True,
    ) -> RawPrediction:
        """The prediction without calibration, and the marks and heat maps behind it; else as ``predict``."""
        asked, given = _Asked(samples, seed, facing, polarity), _read(film, mm_per_px)
        return self._raw([given], asked, with_maps=with_maps)[0]

    def marks_px(self, film: Film | FilmSource) -> NDArray[np.float64]:
        """(K, L, 2) each annotator's marks on a film, in its px; K = 1 where networks tell none apart."""
        return np.asarray(self.predict_raw(film, with_maps=False).marks_px.mean(axis=0))

    def _raw(self, many: Sequence[Film], asked: _Asked, *, with_maps: bool) -> list[RawPrediction]:
        """Films' predictions without calibration, and what is behind them."""
        orientations, uprights = [], []
        squares = [square_film(film) for film in many]
        for square in squares:
            pixels = square.film.pixels
            stretched = stretch_grey(pixels)
            orientation = self._localizer.find_orientation(
                stretched, facing=asked.facing, polarity=asked.polarity
            )
            turned = orientation.left or orientation.negative
            orientations.append(orientation)
            uprights.append(orientation.upright(pixels) if turned else stretched)
        found = []
        sampled = self._sample(uprights, orientations, asked.samples, asked.seed, with_maps=with_maps)
        for film, square, orientation, upright, own in zip(
            many, squares, orientations, uprights, sampled, strict=True
        ):
            drawn = self._compared(own, square.film, upright, orientation, asked.seed)
            prediction, seen = self._prediction(drawn, square.film, orientation, asked.seed), None
            if square.to_given is not None:
                seen, drawn = (prediction, square.film), drawn.moved(square.to_given)
                prediction = self._prediction(drawn, film, orientation, asked.seed)
            marks = drawn.positions_px[:, None] if drawn.marks_px is None else drawn.marks_px
            found.append(RawPrediction(prediction, marks, drawn.maps, seen))
        return found

    def _prediction(self, drawn: Samples, film: Film, orientation: Orientation, seed: int) -> Prediction:
        return to_prediction(
            # Regions may ask for maps: they must not change which measures a prediction has.
            drawn if self._thorough else replace(drawn, maps=None),
            film_info=_film_info(film, orientation),
            model_info=ModelInfo(
                name=self.name,
                kind=self.kind,
                recipe=self.bundle.recipe.name,
                samples=drawn.positions_px.shape[0],
                seed=seed,
                sha256=self.bundle.sha256,
            ),
            landmark_set=self.landmark_set,
        )

    def _calibration_for(self, asked: _Asked) -> Calibration | None:
        """The calibration, where it holds: None without one, or for another number of samples.

        Raises:
            InputError: regions are asked for that cannot be given.
        """
        calibration = self.calibration
        needed = asked.level is not None or asked.region is not None
        if calibration is None:
            if needed:
                what = f"{self.name} is not calibrated: it has no regions"
                raise InputError(what, remedy="see: cephsure calibrate")
            return None
        if asked.level is not None:
            check_level(asked.level)
        kind_of_region(calibration, asked.region)
        fitted = calibration.fitted_on.samples
        if self._as_fitted(asked, fitted):
            return calibration
        if needed:
            raise InputError(f"{self.name} is calibrated for {fitted} samples, and for no other number")
        return None

    def _as_fitted(self, asked: _Asked, samples: int) -> bool:
        """Whether as many samples are asked for as calibration or gate were fitted with."""
        if asked.samples is None:
            # Members that have not seen a film stand for all.
            return self._members is not None or self.default_samples == samples
        return asked.samples == samples

    def reader(
        self, asked: Reader | Path | str | None = None, *, truth_of: TruthOf | None = None
    ) -> Reader | None:
        """The reader whose marks are to be foretold.

        Args:
            asked: a reader, its file, or a name: "definition" for one of whom nothing is known, "mean" for
                the mean of the annotators, or one of them; by default "definition", for a bundle that is
                calibrated by one reader this one, and for one that is not calibrated the annotators' mean.
            truth_of: whose marks regions are to hold; by default as the reader says.

        Returns:
            None for an uncalibrated bundle of which nothing is asked.

        Raises:
            InputError: no such reader or file, or one that is of another bundle or another ``truth_of``.
        """
        found = choose_reader(
            asked,
            name=self.name,
            sha256=self.bundle.sha256,
            numbers=[mark.number for mark in self.landmark_set.landmarks],
            told_apart=self.annotators,
            calibration=self.calibration,
        )
        return found if found is None or truth_of is None else found.whose(truth_of)

    @property
    def annotators(self) -> tuple[str, ...]:
        """The two annotators that the networks tell apart, as far as the bundle names them."""
        return (
            self.bundle.provenance.annotators
            if self.calibration is None
            else self.calibration.readers.annotators
        )

    def predict_many(
        self,
        many: Iterable[Film | FilmSource],
        *,
        samples: int | None = None,
        seed: int = 0,
        batch: int | None = None,
    ) -> Iterator[Prediction]:
        """Predictions of films, or files to read, in their order as they are asked for; as ``predict`` gives.

        ``batch`` films go through the networks together: by default one on a CPU, eight on a GPU.

        Raises:
            FilmError: a file of the batch that is due cannot be read.
        """
        count = batch or (GPU_FILMS if self.device == "cuda" else 1)
        coming, asked = iter(many), _Asked(samples, seed, reader=self.reader())
        while together := list(islice(coming, count)):
            yield from self._predict(list(map(_read, together)), asked)

    def orientation(
        self, film: Film, *, facing: AskedFacing = "auto", polarity: AskedPolarity = "auto"
    ) -> Orientation:
        """How the film is turned: as given, or found."""
        stretched = stretch_grey(square_film(film).film.pixels)
        return self._localizer.find_orientation(stretched, facing=facing, polarity=polarity)

    def sample(
        self, film: Film, orientation: Orientation, *, samples: int | None = None, seed: int = 0
    ) -> Samples:
        """The samples behind a prediction, in the given film's own pixels."""
        square = square_film(film)
        drawn = self._sample([orientation.upright(square.film.pixels)], [orientation], samples, seed)[0]
        return drawn if square.to_given is None else drawn.moved(square.to_given)

    def features(self, film: Film) -> NDArray[np.float64] | None:
        """(C,) what the first network's deepest level makes of a film; None if it does not tell."""
        film = square_film(film).film
        return self._localizer.features(self.orientation(film).upright(film.pixels))

    def _find(self, views: Sequence[NDArray[np.float32]], *, are_upright: bool) -> list[NDArray[np.float64]]:
        """(L, 2) points on a film's views, in px of the upright view, by one sample each; for the gate."""
        uprights = [stretch_grey(view) for view in views]
        if not are_upright:
            found = [
                self._localizer.find_orientation(view, facing="auto", polarity="auto") for view in uprights
            ]
            uprights = [how.upright(view) for how, view in zip(found, uprights, strict=True)]
        return [mean_position(own) for own in self._localizer.sample(uprights, samples=1, seed=0)]

    def _compared(
        self, drawn: Samples, film: Film, upright: NDArray[np.float32], orientation: Orientation, seed: int
    ) -> Samples:
        """The samples with what the training films say of them and, if thorough, augmented copies."""
        width_px, scale = upright.shape[1], film.spacing
        # Turned twice is as it was: back on the upright film, since the training heads face one way.
        points = orientation.to_given(mean_position(drawn), width_px)
        points = points * ((1.0, 1.0) if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px))
        features = drawn.features
        if features is None:  # the pass that drew the samples did not tell
            features = self._localizer.features(upright)
        drawn = replace(drawn, shape_residuals=self.reference.residuals(points), features=features)
        if not self._thorough:
            return drawn
        augmented = self._localizer.augmented(upright, count=AUGMENTED_COPIES, seed=seed)
        return replace(
            drawn,
            augmented_positions_px=orientation.to_given(augmented, width_px),
            feature_distance=self.reference.distance(features),
        )

    def _sample(
        self,
        uprights: Sequence[NDArray[np.float32]],
        orientations: Sequence[Orientation],
        samples: int | None,
        seed: int,
        *,
        with_maps: bool = False,
    ) -> list[Samples]:
        """Samples of upright films (H, W), each in the given film's own pixels."""
        count = self.default_samples if samples is None else samples
        most = None if self.kind == "mc-dropout" else self.default_samples
        if count < 1 or (most is not None and count > most):
            known = "1 or more" if most is None else f"1 to {most}"
            raise InputError(f"{self.name} gives {known} samples a film, not {count}")
        if seed < 0:
            raise InputError(f"a seed is 0 or more, not {seed}")
        drawn = self._localizer.sample(uprights, samples=count, seed=seed, with_maps=with_maps)
        for k, (own, orientation, upright) in enumerate(zip(drawn, orientations, uprights, strict=True)):
            coarse, marks, maps, width_px = own.coarse_positions_px, own.marks_px, own.maps, upright.shape[1]
            drawn[k] = replace(
                own,
                positions_px=orientation.to_given(own.positions_px, width_px),
                coarse_positions_px=None if coarse is None else orientation.to_given(coarse, width_px),
                marks_px=None if marks is None else orientation.to_given(marks, width_px),
                maps=tuple(own_maps.mirrored(width_px) for own_maps in maps)
                if maps and orientation.left
                else maps,
            )
        return drawn


def _loaded_again(
    place: Path, sha256: str, device: Device, entry: RecipeEntry, members: tuple[int, ...] | None
) -> Model:
    """The model that another process had loaded; its recipe may be one that was registered there."""
    register_recipe(entry)
    bundle = read_bundle(place)
    if bundle.sha256 != sha256:
        raise BundleError("was changed since it was loaded", where=place, remedy="load the model again")
    model = Model(bundle, device=device)
    return model if members is None else model.only(members)


def _read(film: Film | FilmSource, mm_per_px: UserScale | None = None) -> Film:
    if isinstance(film, Film):
        return films.with_scale(film, mm_per_px)
    return films.read(film, mm_per_px=mm_per_px)


def _entry(bundle: Bundle) -> RecipeEntry:
    try:
        return recipe_entry(bundle.recipe.name)
    except InputError as error:
        what, where = f"recipe {bundle.recipe.name!r} is unknown", bundle.folder / FACTS_FILE
        raise BundleError(what, where=where, remedy="update cephsure") from error


def _film_info(film: Film, orientation: Orientation) -> FilmInfo:
    spacing = film.spacing
    return FilmInfo(
        path=None if film.path is None else str(film.path),
        width_px=film.width_px,
        height_px=film.height_px,
        mm_per_px=None if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px),
        spacing_source="none" if spacing is None else spacing.source.value,
        facing=orientation.facing,
        facing_source=orientation.facing_source,
        polarity=orientation.polarity,
        polarity_source=orientation.polarity_source,
        notes=film.notes,
    )
