"""What predicts: the small film through each member's network, and the middles of its maps."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Warp, local_centroids, read_maps, softmax_maps
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import Samples
from cephsure.inference.session import Session
from cephsure.inference.test_time_augmentation import augmentations
from cephsure.preprocessing import standardise, whole_view, whole_warp, working_film

if TYPE_CHECKING:
    from cephsure.bundles.bundle import Bundle


def small_view(film, side, move=None):
    """The whole film, moved if asked, on (side, side) pixels, and the map from them to film px."""
    warp = whole_warp(film, side)
    warp = warp if move is None else Warp(move.after(warp.affine))
    return standardise(whole_view(film, warp, side)), warp


class ToyLocalizer:
    """The networks of a bundle of the recipe."""

    def __init__(self, bundle: Bundle, *, device: str = "cpu") -> None:
        self.side = int(bundle.recipe.numbers["side"])
        self.networks = [Session(folder / "toy.onnx", device=device) for folder in bundle.members]
        self.device = self.networks[0].device

    def only(self, members):
        chosen = copy(self)
        chosen.networks = [self.networks[i] for i in members]
        return chosen

    def find_orientation(self, stretched, *, facing="auto", polarity="auto"):
        return find_orientation(stretched, None, 0, facing=facing, polarity=polarity)

    def sample(self, films, *, samples, seed, with_maps=False):
        return [self._sample(pixels, samples) for pixels in films]

    def _sample(self, pixels, samples):
        image, warp = small_view(working_film(pixels, self.side), self.side)
        maps = [softmax_maps(network.run(image[None, None])[0]) for network in self.networks[:samples]]
        readings = [read_maps(each, local_centroids(each, 2)) for each in maps]
        return Samples(
            positions_px=np.stack([warp.source(reading.positions) for reading in readings]),
            activations=np.stack([reading.activations for reading in readings]),
            expected_errors_px=np.stack([reading.expected_errors for reading in readings])
            * warp.affine.scale,
            entropies=np.stack([reading.entropies for reading in readings]),
        )

    def features(self, pixels):
        return None

    def augmented(self, pixels, *, count, seed):
        film = working_film(pixels, self.side)
        ways = [way.move(film.film_size_px) for way in augmentations(count, seed)]
        views = [small_view(film, self.side, way) for way in ways]
        maps = [softmax_maps(self.networks[0].run(image[None, None])[0]) for image, _ in views]
        return np.stack(
            [warp.source(local_centroids(each, 2)) for each, (_, warp) in zip(maps, views, strict=True)]
        )
