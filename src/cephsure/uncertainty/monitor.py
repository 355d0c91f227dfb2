"""Monitoring: tells, film by film and as early as it can be known, that regions no longer keep their promise.

Of film t a share m_t of the known points lies outside their regions. The promise is that, whatever was seen
before, its mean is at most alpha = 1 - level (plus a margin, if one is tolerated). A bettor against it starts
with 1 and multiplies the wealth at each film by 1 + b (m_t - alpha): while the promise holds, the expected
factor is at most 1, so the wealth is a supermartingale, and by Ville's inequality it *ever* reaches
1 / false_alarm_rate with at most that probability, however long one looks and whenever one stops.

A change may come late, when a bettor who began at the first film has lost all. So bettors begin at every
film: the one who begins at film j gets 1 / (j (j + 1)) of the stake, which sums to 1 over all j; and each
parts his between several bets b. A sum of such parts is a supermartingale again.

Source: Ville, Étude critique de la notion de collectif (1939); Waudby-Smith & Ramdas, Journal of the Royal
Statistical Society B 86 (2024), for bets on bounded means; Vovk, Petej, Nouretdinov, Ahlberg, Carlsson &
Gammerman, Retrain or not retrain: conformal test martingales for change-point detection (COPA 2021), and
Shin, Ramdas & Rinaldo, arXiv:2203.03532, for bettors that begin again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_BET_SHARES = np.array([1 / 16, 1 / 8, 1 / 4, 1 / 2])
"""Shares of the highest bet that can be paid, 1 / alpha; each bettor parts his stake among them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The monitor after one film.

    Attributes:
        films: so far.
        outside_share: of this film's points outside their regions; ``mean_outside`` over all films so far.
        wealth: the evidence that the promise does not hold; 1 is none.
        alarm: whether the wealth has ever reached 1 / false_alarm_rate.
    """

    films: int
    outside_share: float
    mean_outside: float
    wealth: float
    alarm: bool


@dataclass(slots=True)
class DriftMonitor:
    """Watches coverage over films in the order in which they came.

    Attributes:
        level: the coverage promised, between 0 and 1.
        false_alarm_rate: the probability that an alarm is ever raised while the promise holds.
        margin: how much more than 1 - level may lie outside before it counts as broken. Regions fitted to n
            films keep their level on average over such fittings; one fitting may be off by about
            sqrt(level (1 - level) / n), and a margin of that size keeps it from being reported as drift.

    >>> monitor = DriftMonitor(level=0.9)
    >>> for _ in range(30):
    ...     reading = monitor.add(0.1)
    >>> reading.alarm
    False
    >>> for _ in range(30):
    ...     reading = monitor.add(0.4)
    >>> reading.alarm
    True
    """

    level: float
    false_alarm_rate: float = 0.05
    margin: float = 0.0
    _films: int = field(default=0, init=False)
    _total: float = field(default=0.0, init=False)
    _begun: NDArray[np.float64] = field(init=False)
    _alarm: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        for name, value in (("level", self.level), ("false_alarm_rate", self.false_alarm_rate)):
            if not 0.0 < value < 1.0:
                raise InputError(f"{name} lies between 0 and 1, not {value:g}")
        if not 0.0 <= self.margin < self.level:
            raise InputError(f"a margin is 0 or more and below the level, not {self.margin:g}")
        self._begun = np.zeros(len(_BET_SHARES))

    @property
    def allowed(self) -> float:
        """The mean share of points outside that is within the promise."""
        return 1.0 - self.level + self.margin

    def add(self, outside_share: float) -> Reading:
        """Take one more film, of whose points a share from 0 to 1 (else InputError) lies outside."""
        if not 0.0 <= outside_share <= 1.0:
            raise InputError(f"a share lies between 0 and 1, not {outside_share:g}")
        self._films += 1
        self._total += outside_share
        count = self._films
        # _begun is the sum of what the bettors who have begun own, bet by bet; film by film one more joins.
        joined = self._begun + 1.0 / (count * (count + 1)) / len(_BET_SHARES)
        factors = 1.0 + _BET_SHARES / self.allowed * (outside_share - self.allowed)
        self._begun = np.minimum(joined * factors, 1e300)
        # Those who begin later still hold their stakes: the sum of 1 / (j (j + 1)) over j > t is 1 / (t + 1).
        wealth = float(self._begun.sum()) + 1.0 / (count + 1)
        self._alarm |= wealth >= 1.0 / self.false_alarm_rate
        return Reading(count, outside_share, self._total / count, wealth, self._alarm)


def watch(
    shares: Iterable[float], *, level: float, false_alarm_rate: float = 0.05, margin: float = 0.0
) -> list[Reading]:
    """A ``DriftMonitor``'s readings of films in time order, by their shares of points outside."""
    monitor = DriftMonitor(level, false_alarm_rate, margin)
    return [monitor.add(share) for share in shares]
