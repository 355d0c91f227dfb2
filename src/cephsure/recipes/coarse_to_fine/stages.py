"""Fitting the recipe's networks: each one's examples, loss and validation; a member from films to graphs.

The coarse network sees the whole film in random poses, shapes and grey curves; the fine one patches round
displaced landmarks, in a deformed frame; the orientation network films facing either way, positive or not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from scipy import ndimage

from cephsure.errors import BundleError
from cephsure.geometry import Affine, Warp, WaveField, linear, local_centroids, softmax_maps
from cephsure.inference.session import channel_masks
from cephsure.preprocessing import orient, standardise, thumbnail, whole_view, whole_warp
from cephsure.recipes.coarse_to_fine.localizer import (
    Pyramid,
    build_pyramid,
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)
from cephsure.recipes.coarse_to_fine.networks import (
    CoarseNet,
    FineNet,
    OrientationNet,
    UNetConfig,
    export_coarse,
    export_fine,
    export_orientation,
    spatial_cross_entropy,
)
from cephsure.recipes.start import go_on_from, maps_of
from cephsure.training.device import run_in_parts
from cephsure.training.material import TrainingFilm, mean_error_mm
from cephsure.training.old_films import of_an_epoch
from cephsure.training.stage import Batch, shuffled
from cephsure.training.start import BEFORE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.recipes.coarse_to_fine.localizer import PatchLayout
    from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
    from cephsure.training.stage import FitSettings
    from cephsure.training.start import StartNetworks
    from cephsure.training.worker import Job

    Example = tuple[NDArray[np.float32], NDArray[np.float64]]
    """A network's input, and its landmarks on the maps."""


@dataclass(frozen=True, slots=True)
class PatchFilm(TrainingFilm):
    """A training film with the reductions its patches are sampled from; None without a frame."""

    pyramid: Pyramid | None


def patch_film(film: TrainingFilm, pixels: NDArray[np.float32], layout: PatchLayout) -> PatchFilm:
    """A film, with its grey values (H, W) in [0, 1] reduced to what patches are sampled from."""
    pyramid = None if film.frame is None else build_pyramid(pixels, film.frame.scale, layout)
    return PatchFilm(**{field.name: getattr(film, field.name) for field in fields(film)}, pyramid=pyramid)


def train_member(recipe: CoarseToFineRecipe, job: Job) -> dict[str, Any]:
    """Fit and export a member's two networks, and give the mean shape that its patches lie by."""
    train, held = job.films(recipe.coarse_side, lambda film, pixels: patch_film(film, pixels, recipe.layout))
    coarse_stage = CoarseStage(recipe, train, held, dropout=job.dropout, start=job.start)
    coarse = job.fit(coarse_stage, 0)
    starts = coarse_stage.positions(coarse, held)
    fine_stage = FineStage(
        recipe, train, held, shape=job.shape, coarse=starts, dropout=job.dropout, start=job.start
    )
    fine = cast("FineNet", job.fit(fine_stage, 1))
    export_coarse(coarse, recipe, coarse_stage.config, job.folder)
    for maps, folder in fine_stage.whose_maps(job.folder):
        folder.mkdir(exist_ok=True)
        chosen = fine.with_maps(maps)
        export_fine(chosen, recipe, chosen.config, folder)
    return {"mean_shape": job.shape.tolist()}


def train_orientation(recipe: CoarseToFineRecipe, job: Job) -> None:
    """Fit and export the orientation network."""
    train, held = job.films(recipe.coarse_side, lambda film, _: film)
    export_orientation(job.fit(OrientationStage(recipe, train, held), 2), recipe, job.folder)


def coarse_input(film: TrainingFilm, side: int) -> tuple[NDArray[np.float32], Warp]:
    """The plain view (side, side) as the network sees it in prediction, and its map to film px."""
    warp = whole_warp(film.working, side)
    return standardise(whole_view(film.working, warp, side)), warp


class _MapStage:
    """A network that gives maps: how its augmented examples become batches."""

    recipe: CoarseToFineRecipe
    settings: FitSettings
    config: UNetConfig
    train: Sequence[Any]

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Augmented views (N, 1, S, S) or patches (N, L, C, P, P), and the landmarks in map pixels."""
        films = of_an_epoch(self.train, rng)
        for indices in shuffled(len(films), self.settings.batch_films, rng):
            views, positions = zip(*(self._example(films[i], rng) for i in indices), strict=True)
            inputs: tuple[NDArray[np.float32], ...] = (np.stack(views),)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(indices), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (np.stack(positions).astype(np.float32),))

    def _example(self, film: Any, rng: np.random.Generator) -> Example:
        raise NotImplementedError


class CoarseStage(_MapStage):
    """Stage of the coarse network; landmarks are (N, L, 2) on its maps."""

    name = "coarse"

    def __init__(
        self,
        recipe: CoarseToFineRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        dropout: bool,
        start: StartNetworks | None = None,
    ) -> None:
        self.recipe, self.settings, self.train, self.validation = recipe, recipe.coarse_fit, train, validation
        self.start = start
        self.config = UNetConfig(train[0].points_px.shape[0], recipe.coarse_widths, dropout=dropout)

    def network(self) -> nn.Module:
        """A new coarse network, or the one to go on from."""
        network = CoarseNet(self.config)
        if self.start is not None:
            side = self.recipe.coarse_side
            go_on_from(
                network, network.layers(), self.start.folder / "coarse.onnx", torch.ones(2, 1, side, side)
            )
        return network

    def _example(self, film: TrainingFilm, rng: np.random.Generator) -> Example:
        side = self.recipe.coarse_side
        warp = coarse_warp(whole_warp(film.working, side), side, rng)
        image = as_scanned(whole_view(film.working, warp, side, fill=surround(rng)), rng)
        on_grid = warp.output(film.points_px)
        on_grid[((on_grid < 0) | (on_grid > side - 1)).any(axis=1)] = np.nan
        return standardise(image)[None], (on_grid - 0.5) / 2

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Spatial cross-entropy over all maps of the batch."""
        maps, positions = outputs.flatten(0, 1), targets[0].flatten(0, 1)
        return spatial_cross_entropy(maps, positions, self.recipe.coarse_sigma_px, 0.0)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the plain views of the validation films."""
        mre = mean_error_mm(self.positions(network, self.validation), self.validation)
        return mre, mre

    def positions(self, network: nn.Module, films: Sequence[TrainingFilm]) -> list[NDArray[np.float64]]:
        """(L, 2) coarse positions in film px, without dropout."""
        images, warps = zip(*(coarse_input(film, self.recipe.coarse_side) for film in films), strict=True)
        logits = run_in_parts(network, np.stack(images)[:, None]).cpu().numpy()
        on_maps = (local_centroids(softmax_maps(maps), self.recipe.coarse_radius_px) for maps in logits)
        return [warp.source(2 * found + 0.5) for found, warp in zip(on_maps, warps, strict=True)]


class FineStage(_MapStage):
    """Stage of the fine network; landmarks are (N, K, L, 2) on its maps.

    Attributes:
        coarse: the validation films' coarse positions (L, 2) in px.
        meant: the first so many maps are the annotators' of the films that the training is for. Others are of
            those who taught the start: only old films have their marks, and validation passes them over.
    """

    name = "fine"

    def __init__(
        self,
        recipe: CoarseToFineRecipe,
        train: Sequence[PatchFilm],
        validation: Sequence[PatchFilm],
        *,
        shape: NDArray[np.float64],
        coarse: Sequence[NDArray[np.float64]],
        dropout: bool,
        start: StartNetworks | None = None,
    ) -> None:
        self.start = start
        self.recipe, self.settings, self.shape = recipe, recipe.fine_fit, shape
        self.train = [film for film in train if film.frame is not None]
        self.validation, self.coarse = validation, coarse
        annotators = train[0].marks_px.shape[0] if recipe.tell_annotators_apart else 1
        self.config = UNetConfig(shape.shape[0], recipe.fine_widths, annotators, dropout)
        self.meant = annotators - (0 if start is None else len(start.taught_by))

    def network(self) -> nn.Module:
        """A new fine network, or the one to go on from, with a map for each of the new annotators."""
        config, layout = self.config, self.recipe.layout
        if self.start is None:
            return FineNet(config, layout.channels)
        path = self.start.folder / "fine.onnx"
        patches = torch.ones(2, config.landmarks, layout.channels, layout.map_side, layout.map_side)
        known, taught_by = maps_of(path, patches).shape[1], self.start.taught_by
        if taught_by and len(taught_by) != known:
            raise BundleError(f"has maps of {known} annotators, not of {len(taught_by)}", where=path)
        network = FineNet(replace(config, annotators=known), layout.channels)
        go_on_from(network, network.layers(), path, patches)
        return network.beside(self.meant) if taught_by else network.told_apart(config.annotators)

    def whose_maps(self, folder: Path) -> Iterator[tuple[slice, Path]]:
        """Which maps are exported into which folder: those of the start's annotators into another one."""
        yield slice(self.meant), folder
        if self.meant < self.config.annotators:
            yield slice(self.meant, None), folder / BEFORE_FOLDER

    def _example(self, film: PatchFilm, rng: np.random.Generator) -> Example:
        layout = self.recipe.layout
        if film.frame is None or film.pyramid is None:  # left out when the stage was made
            raise AssertionError(film.film_id)
        warp = fine_warp(film.frame, rng)
        points = warp.output(film.points_px)
        anchors = np.where(np.isfinite(points), points, self.shape)
        centres = anchors + patch_jitter(len(points), layout.jitter_reach, rng)
        fine, wide = grey_patches(film.pyramid, warp, centres, layout)
        if rng.uniform() < self.recipe.fine_grey_share:
            fine, wide = grey_curve([fine, wide], rng)
        if rng.uniform() < self.recipe.fine_grey_share:
            fine = blur_and_noise(fine, rng)
        marks = film.marks_px if self.recipe.tell_annotators_apart else film.points_px[None]
        return network_input(fine, wide), frame_to_map(warp.output(marks) - centres, layout)

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Spatial cross-entropy over all maps of the batch."""
        recipe, step = self.recipe, self.recipe.layout.map_step
        maps, positions = outputs.flatten(0, 2), targets[0].flatten(0, 2)
        return spatial_cross_entropy(
            maps, positions, recipe.fine_sigma / step, recipe.fine_distance_weight * step
        )

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the whole way: coarse positions, patches round them, fine positions."""
        mre = mean_error_mm(self.refine(network, self.validation, self.coarse), self.validation)
        return mre, mre

    def refine(
        self, network: nn.Module, films: Sequence[PatchFilm], starts: Sequence[NDArray[np.float64]]
    ) -> list[NDArray[np.float64]]:
        """(L, 2) fine positions in each film's px from coarse ones, without dropout; NaN without a frame."""
        seen = [self._patches(film, start) for film, start in zip(films, starts, strict=True)]
        patches = [part[2] for part in seen if part is not None]
        outputs = iter(run_in_parts(network, np.stack(patches)).cpu().numpy() if patches else ())
        radius, layout = self.recipe.fine_radius_px, self.recipe.layout
        found = []
        for film, start, part in zip(films, starts, seen, strict=True):
            if part is None:
                found.append(np.full_like(start, np.nan) if film.pyramid is None else start)
                continue
            warp, centres, _ = part
            meant = next(outputs)[: self.meant]
            on_maps = [local_centroids(softmax_maps(maps), radius) for maps in meant]
            found.append(warp.source(centres + map_to_frame(np.mean(on_maps, axis=0), layout)))
        return found

    def _patches(
        self, film: PatchFilm, start: NDArray[np.float64]
    ) -> tuple[Warp, NDArray[np.float64], NDArray[np.float32]] | None:
        """Frame, centres and patches round coarse points; None where these make no frame.

        A coarse network that knows nothing yet may put all points in one place.
        """
        if film.pyramid is None:
            return None
        try:
            warp = Warp(frame_of(start, self.shape))
        except ValueError:
            return None
        centres = warp.output(start)
        return warp, centres, network_input(*grey_patches(film.pyramid, warp, centres, self.recipe.layout))


class OrientationStage:
    """Stage of the orientation network; the training films face right and are positives."""

    name = "orientation"

    def __init__(
        self, recipe: CoarseToFineRecipe, train: Sequence[TrainingFilm], validation: Sequence[TrainingFilm]
    ) -> None:
        self.side, self.settings = recipe.orientation_side, recipe.orientation_fit
        self.train, self.validation = train, validation

    def network(self) -> nn.Module:
        """A new orientation network."""
        return OrientationNet(self.side)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Every film once in each of the four orientations, in random poses and grey curves."""
        for indices in shuffled(4 * len(self.train), self.settings.batch_films, rng):
            images, labels = self._examples(self.train, indices, rng)
            yield Batch((images,), (labels.astype(np.float32),))

    def _examples(
        self, films: Sequence[TrainingFilm], indices: NDArray[np.intp], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Views (N, 1, S, S) of film k // 4 in orientation k % 4, and whether each is left, and negative."""
        grid = 2 * self.side
        turns = np.stack([indices & 1, indices & 2], axis=1) > 0
        images = []
        for index, (left, negative) in zip(indices, turns, strict=True):
            film = films[index // 4].working
            warp = coarse_warp(whole_warp(film, grid), grid, rng)
            image = as_scanned(thumbnail(film, warp, self.side, fill=surround(rng)), rng)
            images.append(standardise(orient(image, left=left, negative=negative)))
        return np.stack(images)[:, None], turns

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Binary cross-entropy of both answers, targets softened by 2 %."""
        soft = 0.02 + 0.96 * targets[0]
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, soft)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(share of wrong answers over augmented validation films in all orientations, NaN: no length)."""
        every = np.arange(4 * len(self.validation))
        images, turns = self._examples(self.validation, every, np.random.default_rng(0))
        answers = run_in_parts(network, images).cpu().numpy() > 0
        return float((answers != turns).any(axis=1).mean()), float("nan")


def surround(rng: np.random.Generator) -> float | None:
    """What lies round a film: black, white or some grey; for every other one its own mean, None."""
    return float(rng.choice([0.0, 1.0, rng.uniform()])) if rng.uniform() < 0.5 else None


def as_scanned(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A whole view (side, side) as some machine and clinic might have made it."""
    image = furniture(grey_curve([image], rng)[0], rng)
    return np.asarray(blur_and_noise(image[None], rng)[0])


def grey_curve(images: list[NDArray[np.float32]], rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """One random rising grey curve for all images of a film, in [0, 1]: gamma, then an S-curve, then gain."""
    gamma = np.float32(np.exp(rng.normal(0, 0.35)))
    bend = np.float32(rng.uniform(-0.6, 0.9))
    gain, lift = np.float32(rng.uniform(0.75, 1.1)), np.float32(rng.uniform(-0.05, 0.15))

    powers = [np.maximum(image, np.float32(1e-4)) ** gamma for image in images]
    bent = [x + bend * x * (1 - x) * (2 * x - 1) for x in powers]
    return [np.asarray(np.clip(gain * x + lift, 0, 1)) for x in bent]


def blur_and_noise(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Unsharpness (or sharpening) and grain, alike for all images (N, H, W) of a film."""
    choice = rng.uniform()
    if choice < 0.35:
        images = ndimage.gaussian_filter(images, (0, *[rng.uniform(0.3, 1.3)] * 2))
    elif choice < 0.5:
        soft = ndimage.gaussian_filter(images, (0, 1.0, 1.0))
        images = images + np.float32(rng.uniform(0.2, 1.0)) * (images - soft)
    if rng.uniform() < 0.6:
        grain = rng.standard_normal(images.shape, dtype=np.float32)
        images = images + np.float32(rng.uniform(0.002, 0.05)) * grain
    return images


def furniture(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """What else is on films, drawn on a whole view (side, side): collimators, rulers, ear rods, plates."""
    image = image.copy()
    side = image.shape[0]
    if rng.uniform() < 0.45:
        value = np.float32(rng.choice([0.0, 1.0, rng.uniform()]))
        for edge in range(4):
            if rng.uniform() < 0.4:
                depth = int(rng.exponential(0.06) * side)
                np.rot90(image, edge)[:depth] = value
    for _ in range(rng.integers(0, 4)):
        width, height = rng.uniform(0.01, 0.12, 2) * side
        x, y = rng.uniform(0, side, 2)
        box = (slice(int(y), int(y + height) + 1), slice(int(x), int(x + width) + 1))
        image[box] = rng.choice([0.0, 1.0, rng.uniform()])
    if rng.uniform() < 0.3:
        yy, xx = np.mgrid[:side, :side]
        cx, cy = rng.uniform(0.15, 0.6, 2) * side
        radius = rng.uniform(1, 4)
        image[np.abs(np.hypot(xx - cx, yy - cy) - radius) < 0.8] = 1.0
    return image


def coarse_warp(plain: Warp, side: int, rng: np.random.Generator) -> Warp:
    """A random pose and shape of the whole film: scale 0.68 to 1.5, turn, shift, stretch, smooth field."""
    matrix = linear(
        rotation_deg=float(np.clip(rng.normal(0, 9), -25, 25)),
        scale=1.0 / float(np.exp(rng.uniform(np.log(0.68), np.log(1.5)))),
        stretch=float(np.exp(rng.normal(0, 0.05))),
        shear=float(rng.normal(0, 0.04)),
    )
    centre = np.full(2, (side - 1) / 2)
    shift = rng.uniform(-0.12, 0.12, 2) * side
    moved = Affine(np.eye(2), shift).after(Affine.about(centre, matrix))
    field = WaveField.random(rng, amplitude=rng.uniform(0, 0.02) * side, wavelength=0.5 * side)
    return Warp(plain.affine.after(moved), field)


def fine_warp(frame: Affine, rng: np.random.Generator) -> Warp:
    """A random turn and scale of the frame, as errors of the coarse points bring.

    Milder than the whole film's: with stretch, shear and a wave field the validation error was larger.
    """
    matrix = linear(
        rotation_deg=float(np.clip(rng.normal(0, 4), -12, 12)), scale=float(np.exp(rng.normal(0, 0.05)))
    )
    return Warp(frame.after(Affine(matrix, np.zeros(2))))


def patch_jitter(count: int, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(L, 2) offsets of patch centres from the truth, in frame units: as coarse errors are, some larger.

    None is beyond ``reach``, so that the truth stays on the patch's map.
    """
    spread = np.where(rng.uniform(size=(count, 1)) < 0.75, 2.0, 4.5)
    return np.clip(rng.normal(0, 1, (count, 2)) * spread, -reach, reach)
