"""Why a film is not fit, in words, each with the number that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.signs import SIGNS, WHITE_AT_LEAST
from cephsure.uncertainty.prediction import Evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.gate.film_reference import FilmReference
    from cephsure.uncertainty.gate.out_of_distribution import OutOfDistribution
    from cephsure.uncertainty.gate.signs import FilmSigns, HeadModel
    from cephsure.uncertainty.prediction import LandmarkPrediction

NOT_A_CEPHALOGRAM = "does not look like a lateral cephalogram"
UNLIKE = "unlike the calibration films"
UNFAMILIAR = (
    "unlike the films this model was calibrated on (another scanner? correct ten films and run cephsure "
    "site-calibrate)"
)
_SAID_OF = {
    "shape": "the landmarks together make an unusual head",
    "misfit": "the landmarks together make an unusual head",
    "stretched": "the head is stretched in one direction",
    "narrowed": "head probably rotated",
    "bilateral": "head probably rotated",
    "unfamiliar": UNFAMILIAR,
    "disagreement": "the model's samples disagree",
    "worst_disagreement": "the model's samples disagree",
    "blurred": "image blurred",
    "grainy": "image noisy",
}

# How many spreads beyond the median the points' shape and their uncertainty must both lie for a film to be
# called no cephalogram: a head that is only unusual, or a film that is only poor, is not that.
_NO_SHAPE_AT = 6.0
_UNSURE_AT = 3.0
# Beyond it the scale is no head's: a size that far from the median no calibration film has.
_NO_SIZE_AT = 4.0
_UNCERTAIN = ("uncertain", "worst_uncertain")
_UNSURE = (*_UNCERTAIN, "disagreement", "worst_disagreement")
_MEASURED_BY = ("sella", "nasion")
_MISFITS_NAMED = 3
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Why:
    """What is needed to say why a film is not fit.

    Attributes:
        found: how far it is out of distribution.
        seen: its signs.
        landmarks: what was found on it.
        head: what its points were looked at with.
        reference: the films that it was compared with.
        misfit: landmarks of a larger standard residual are named, the worst three.
    """

    found: OutOfDistribution
    seen: FilmSigns
    landmarks: tuple[LandmarkPrediction, ...]
    head: HeadModel
    reference: FilmReference
    misfit: float

    def evidence(self, level: float) -> tuple[Evidence, ...]:
        """The reasons with their numbers, the strongest first, each said once, four at most.

        A sign counts if it is a spread or more beyond the median and no more than a share ``level`` of the
        known films have it as strongly; the strongest one always counts. That a film is not fit is a test
        with a known false-alarm rate; which sign is named is a description of it.
        """
        found = self.found
        order = np.argsort(-found.strengths, kind="stable")
        named = [
            (SIGNS[i], "")
            for rank, i in enumerate(order)
            if rank == 0 or (found.deviations[i] >= 1.0 and found.sign_p_values[i] <= level)
        ]
        if head_is_impossible(found):
            # Said first: whatever is measured in mm is wrong with it.
            named.sort(key=lambda each: each[0] != "size")
        if makes_no_head(found):
            # Whatever else stands out there is a consequence of points that lie on nothing.
            named = [("shape", NOT_A_CEPHALOGRAM), *(each for each in named if each[0] in _UNCERTAIN)]
        said: dict[str, str] = {}
        for name, given in named:
            if words := given or self._words(name):
                said.setdefault(words, name)
        told = list((said or {UNLIKE: SIGNS[order[0]]}).items())[:_MOST_REASONS]
        return tuple(self._evidence(*each, level) for each in told)

    def _evidence(self, reason: str, sign: str, level: float) -> Evidence:
        """The number behind a reason."""
        place, known = SIGNS.index(sign), self.reference.column(sign)
        value = float(self.seen.signs[place])
        return Evidence(
            reason=reason,
            sign=sign,
            value=value if np.isfinite(value) else None,
            usual=(float(np.quantile(known, level)), float(np.quantile(known, 1.0 - level)))
            if known.size
            else None,
            p_value=float(self.found.sign_p_values[place]),
        )

    def _words(self, name: str) -> str:
        """What a sign says; nothing where the landmarks do not bear it out."""
        written = {"misfit": self._misfit, "size": self._size, "format": self._format}
        if name in _UNCERTAIN:
            count = int((self.seen.log_errors > np.array(self.reference.uncertain_from)).sum())
            return f"uncertainty high at {count} of {len(self.landmarks)} landmarks" if count else ""
        if name in written:
            return written[name]()
        if name == "over_exposed":
            white = max(np.exp(self._value(name)) - WHITE_AT_LEAST, 0.0)
            return f"over-exposed: {white:.0%} of the head's area is white"
        if name == "unfamiliar" and self.reference.site_films is not None:
            count = self.reference.site_films
            return f"unlike the {'corrected film' if count == 1 else f'{count} corrected films'} of this site"
        return _SAID_OF[name]

    def _value(self, name: str) -> float:
        return float(self.seen.signs[SIGNS.index(name)])

    def _misfit(self) -> str:
        worst = [
            f"{self.landmarks[i].number} ({self.landmarks[i].code})"
            for i in np.argsort(-self.seen.misfits)[:_MISFITS_NAMED].tolist()
            if self.seen.misfits[i] > self.misfit
        ]
        if not worst:
            return _SAID_OF["shape"]
        one = len(worst) == 1
        return f"landmark{'' if one else 's'} {', '.join(worst)} {'does' if one else 'do'} not fit the others"

    def _size(self) -> str:
        """The head's size, told by a distance that people know, of an average head brought to that size."""
        names, mean = [mark.name.lower() for mark in self.landmarks], self.head.shape.mean
        if set(_MEASURED_BY) <= set(names):
            first, second = (names.index(name) for name in _MEASURED_BY)
        else:
            apart = np.linalg.norm(mean[:, None] - mean, axis=-1)
            first, second = (int(place) for place in np.unravel_index(int(apart.argmax()), apart.shape))
        length = float(np.linalg.norm(mean[first] - mean[second]))
        low, high = length * np.exp(_range(self.reference.column("size")))
        return (
            f"the head measures about {length * np.exp(self._value('size')):.0f} mm from {names[first]} to "
            f"{names[second]}, people {low:.0f} to {high:.0f} mm: is the scale right?"
        )

    def _format(self) -> str:
        low, high = np.exp(_range(self.reference.column("format")))
        whose = "the calibration films'" if self.reference.site_films is None else "this site's"
        usual = " to ".join(dict.fromkeys((f"{low:.2f}", f"{high:.2f}")))
        return (
            f"the film's width is {np.exp(self._value('format')):.2f} of its height, {whose} {usual}: "
            "squeezed in one direction, or cropped?"
        )


def makes_no_head(found: OutOfDistribution) -> bool:
    """Whether the points lie on nothing: out of shape and unsure by far."""
    unsure = max(found.deviations[SIGNS.index(name)] for name in _UNSURE)
    return bool(found.deviations[SIGNS.index("shape")] >= _NO_SHAPE_AT and unsure >= _UNSURE_AT)


def head_is_impossible(found: OutOfDistribution) -> bool:
    """Whether the film's scale makes the head far larger or smaller than any known one."""
    return bool(found.deviations[SIGNS.index("size")] >= _NO_SIZE_AT)


def _range(known: NDArray[np.float64]) -> tuple[float, float]:
    """Least and greatest of the known films."""
    return (float(known.min()), float(known.max())) if known.size else (float("nan"), float("nan"))
