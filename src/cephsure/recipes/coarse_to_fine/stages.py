"""Fitting the recipe's networks: each one's examples, loss and validation; a member from films to graphs.

The coarse network sees the whole film in random poses, shapes and grey curves; the fine one patches round
displaced landmarks, in a deformed frame; the orientation network films facing either way, positive or not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cephsure.geometry import Warp, local_centroids, softmax_maps
from cephsure.inference.session import channel_masks
from cephsure.preprocessing import orient, standardise, thumbnail, whole_view, whole_warp
from cephsure.recipes.coarse_to_fine.augmentation import (
    blur_and_noise,
    coarse_warp,
    fine_warp,
    furniture,
    grey_curve,
    patch_jitter,
)
from cephsure.recipes.coarse_to_fine.networks import (
    CoarseNet,
    FineNet,
    OrientationNet,
    UNetConfig,
    spatial_cross_entropy,
)
from cephsure.recipes.coarse_to_fine.patches import (
    Pyramid,
    build_pyramid,
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)
from cephsure.training.device import run_in_parts
from cephsure.training.graphs import export_network
from cephsure.training.material import TrainingFilm, mean_of_known, radial_errors_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.recipes.coarse_to_fine.patches import PatchLayout
    from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
    from cephsure.training.worker import Job


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
    coarse_stage = CoarseStage(recipe, train, held, dropout=job.dropout)
    coarse = job.fit(coarse_stage, 0)
    starts = coarse_stage.positions(coarse, held)
    fine_stage = FineStage(recipe, train, held, shape=job.shape, coarse=starts, dropout=job.dropout)
    fine = job.fit(fine_stage, 1)
    export_coarse(coarse, recipe, coarse_stage.config, job.folder)
    export_fine(fine, recipe, fine_stage.config, job.folder)
    return {"mean_shape": job.shape.tolist()}


def train_orientation(recipe: CoarseToFineRecipe, job: Job) -> None:
    """Fit and export the orientation network."""
    train, held = job.films(recipe.coarse_side, lambda film, _: film)
    export_orientation(job.fit(OrientationStage(recipe, train, held), 2), recipe, job.folder)


def export_coarse(network: nn.Module, recipe: CoarseToFineRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``coarse.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S/2, S/2) logits and features."""
    film = torch.zeros(2, 1, recipe.coarse_side, recipe.coarse_side)
    export_network(
        network, "coarse", folder, example=("film", film), mask_sizes=config.mask_sizes, with_features=True
    )


def export_fine(network: nn.Module, recipe: CoarseToFineRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``fine.onnx``: (N, L, C, P, P) patches [and (N, M) masks] to (N, K, L, P, P) logits."""
    layout = recipe.layout
    patches = torch.zeros(2, config.landmarks, layout.channels, layout.map_side, layout.map_side)
    export_network(network, "fine", folder, example=("patches", patches), mask_sizes=config.mask_sizes)


def export_orientation(network: nn.Module, recipe: CoarseToFineRecipe, folder: Path) -> None:
    """Write ``orientation.onnx``: (N, 1, S, S) film to (N, 2) logits of facing left and negative."""
    side = recipe.orientation_side
    export_network(network, "orientation", folder, example=("film", torch.zeros(2, 1, side, side)))


def coarse_input(film: TrainingFilm, side: int) -> tuple[NDArray[np.float32], Warp]:
    """The plain view (side, side) as the network sees it in prediction, and its map to film px."""
    warp = whole_warp(film.working, side)
    return standardise(whole_view(film.working, warp, side)), warp


class CoarseStage:
    """Stage of the coarse network."""

    name = "coarse"

    def __init__(
        self,
        recipe: CoarseToFineRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        dropout: bool,
    ) -> None:
        self.recipe, self.train, self.validation = recipe, train, validation
        self.settings = recipe.coarse_fit
        landmarks = train[0].points_px.shape[0]
        self.config = UNetConfig(landmarks, recipe.coarse_widths, dropout=dropout)

    def network(self) -> nn.Module:
        """A new coarse network."""
        return CoarseNet(self.config)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Augmented whole views and the landmarks in map pixels."""
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            images, positions = zip(*(self._example(self.train[i], rng) for i in indices), strict=True)
            inputs: tuple[NDArray[np.float32], ...] = (np.stack(images)[:, None],)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(indices), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (np.stack(positions).astype(np.float32),))

    def _example(
        self, film: TrainingFilm, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        side = self.recipe.coarse_side
        warp = coarse_warp(whole_warp(film.working, side), side, rng)
        surround = rng.choice([0.0, 1.0, rng.uniform()]) if rng.uniform() < 0.5 else None
        image = whole_view(film.working, warp, side, fill=surround)
        image = furniture(grey_curve([image], rng)[0], rng)
        image = blur_and_noise(image[None], rng)[0]
        on_grid = warp.output(film.points_px)
        on_grid[((on_grid < 0) | (on_grid > side - 1)).any(axis=1)] = np.nan
        return standardise(image), (on_grid - 0.5) / 2

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Spatial cross-entropy over all maps of the batch."""
        return spatial_cross_entropy(
            outputs.flatten(0, 1), targets[0].flatten(0, 1), self.recipe.coarse_sigma_px, 0.0
        )

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the plain views of the validation films."""
        errors = [
            radial_errors_mm(p, f)
            for p, f in zip(self.positions(network, self.validation), self.validation, strict=True)
        ]
        mre = mean_of_known(errors)
        return mre, mre

    def positions(self, network: nn.Module, films: Sequence[TrainingFilm]) -> list[NDArray[np.float64]]:
        """(L, 2) coarse positions in film px, without dropout."""
        images, warps = zip(*(coarse_input(film, self.recipe.coarse_side) for film in films), strict=True)
        found = []
        for logits, warp in zip(
            run_in_parts(network, np.stack(images)[:, None]).cpu().numpy(), warps, strict=True
        ):
            on_map = local_centroids(softmax_maps(logits), self.recipe.coarse_radius_px)
            found.append(warp.source(2 * on_map + 0.5))
        return found


class FineStage:
    """Stage of the fine network; ``coarse`` are the validation films' coarse positions (L, 2) in px."""

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
    ) -> None:
        self.recipe = recipe
        self.train = [film for film in train if film.frame is not None]
        self.validation, self.coarse, self.shape = validation, coarse, shape
        self.settings = recipe.fine_fit
        annotators = train[0].marks_px.shape[0] if recipe.tell_annotators_apart else 1
        self.config = UNetConfig(shape.shape[0], recipe.fine_widths, annotators, dropout)

    def network(self) -> nn.Module:
        """A new fine network."""
        return FineNet(self.config, self.recipe.layout.channels)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Augmented patches (N, L, C, P, P) and the landmarks in map pixels (N, K, L, 2)."""
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            patches, positions = zip(*(self._example(self.train[i], rng) for i in indices), strict=True)
            inputs: tuple[NDArray[np.float32], ...] = (np.stack(patches),)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(indices), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (np.stack(positions).astype(np.float32),))

    def _example(
        self, film: PatchFilm, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        if film.frame is None or film.pyramid is None:  # left out when the stage was made
            raise AssertionError(film.film_id)
        layout = self.recipe.layout
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
        layout = self.recipe.layout
        return spatial_cross_entropy(
            outputs.flatten(0, 2),
            targets[0].flatten(0, 2),
            self.recipe.fine_sigma / layout.map_step,
            self.recipe.fine_distance_weight * layout.map_step,
        )

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the whole way: coarse positions, patches round them, fine positions."""
        found = self.refine(network, self.validation, self.coarse)
        mre = mean_of_known([radial_errors_mm(p, f) for p, f in zip(found, self.validation, strict=True)])
        return mre, mre

    def refine(
        self, network: nn.Module, films: Sequence[PatchFilm], starts: Sequence[NDArray[np.float64]]
    ) -> list[NDArray[np.float64]]:
        """(L, 2) fine positions in each film's px from coarse ones, without dropout; NaN without a frame."""
        seen = [self._patches(film, start) for film, start in zip(films, starts, strict=True)]
        patches = [part[2] for part in seen if part is not None]
        outputs = iter(run_in_parts(network, np.stack(patches)).cpu().numpy() if patches else ())
        found = []
        for film, start, part in zip(films, starts, seen, strict=True):
            if part is None:
                found.append(np.full_like(start, np.nan) if film.pyramid is None else start)
                continue
            warp, centres, _ = part
            on_maps = [
                local_centroids(softmax_maps(maps), self.recipe.fine_radius_px) for maps in next(outputs)
            ]
            found.append(warp.source(centres + map_to_frame(np.mean(on_maps, axis=0), self.recipe.layout)))
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
            examples = [self._example(self.train[i // 4], bool(i & 1), bool(i & 2), rng) for i in indices]
            labels = np.array([(bool(i & 1), bool(i & 2)) for i in indices], dtype=np.float32)
            yield Batch((np.stack(examples)[:, None],), (labels,))

    def _example(
        self, film: TrainingFilm, left: bool, negative: bool, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        grid = 2 * self.side
        warp = coarse_warp(whole_warp(film.working, grid), grid, rng)
        surround = float(rng.choice([0.0, 1.0, rng.uniform()])) if rng.uniform() < 0.5 else None
        image = thumbnail(film.working, warp, self.side, fill=surround)
        image = furniture(grey_curve([image], rng)[0], rng)
        image = blur_and_noise(image[None], rng)[0]
        return standardise(orient(image, left=left, negative=negative))

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Binary cross-entropy of both answers, targets softened by 2 %."""
        soft = 0.02 + 0.96 * targets[0]
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, soft)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(share of wrong answers over augmented validation films in all orientations, NaN: no length)."""
        rng = np.random.default_rng(0)
        turns = [(bool(k & 1), bool(k & 2)) for k in range(4 * len(self.validation))]
        images = [self._example(self.validation[k // 4], *turn, rng) for k, turn in enumerate(turns)]
        answers = run_in_parts(network, np.stack(images)[:, None]).cpu().numpy() > 0
        return float((answers != np.array(turns)).any(axis=1).mean()), float("nan")
