"""The cases in which a calibration was rehearsed: how well a reader is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

TruthOf = Literal["one", "mean"]
ReaderKind = Literal["definition", "mean", "annotator", "profile", "site"]

KNOWN = "known"
"""The case of a reader whose habit is known from many films, as the annotators' of a bundle."""

KNOWN_MEAN = "known mean"
"""The case of the annotators' mean."""

FILMS_SEEN = (0, 1, 3, 10, 30)
"""How many films of a new reader are rehearsed; as cases "0", "1", ..."""


def case_of(kind: ReaderKind, films: int, truth_of: TruthOf, cases: Iterable[str]) -> str:
    """The rehearsed case that a reader is like: known, or new with so many films or the next fewer ones.

    >>> case_of("site", 7, "one", ["0", "1", "10", "known"])
    '1'
    """
    named = list(cases)
    if kind in ("annotator", "mean"):
        return KNOWN_MEAN if truth_of == "mean" and KNOWN_MEAN in named else KNOWN
    seen = [int(case) for case in named if case.isdigit() and int(case) <= films]
    return str(max(seen)) if seen else KNOWN


def case_title(case: str) -> str:
    """What a case is, in words.

    >>> case_title("0"), case_title("1"), case_title("known mean")
    ('a reader not met before', 'a new reader, 1 film corrected', 'the mean of the annotators')
    """
    if case == KNOWN:
        return "the annotators, each"
    if case == KNOWN_MEAN:
        return "the mean of the annotators"
    films = "1 film" if case == "1" else f"{case} films"
    return "a reader not met before" if case == "0" else f"a new reader, {films} corrected"
