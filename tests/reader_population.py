"""A made population of readers of the four dots: two annotators who part at the first three landmarks."""

from __future__ import annotations

from cephsure.uncertainty.readers.population import LandmarkHabits, Population

ANNOTATORS = ("junior", "senior")
APART_MM = (9.0, 2.4, 1.2, 1.0)
CENTRES = (-1.0, 0.4, 0.1, 0.0)


def made_population(*, annotators: tuple[str, ...] = ANNOTATORS) -> Population:
    return Population(
        annotators=annotators,
        landmarks=tuple(
            LandmarkHabits(
                number=number,
                centre=centre,
                w_sd=0.6,
                b_sd_mm=0.5,
                readers=6,
                apart_mm=apart,
                evidence="definition decides: junior is the brightest on 100% of films"
                if number == 1
                else "",
            )
            for number, (apart, centre) in enumerate(zip(APART_MM, CENTRES, strict=True), start=1)
        ),
    )
