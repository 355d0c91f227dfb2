"""The words of a study: texts on method from their templates, a value with its interval, a list of words."""

from __future__ import annotations

from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "–"


def with_interval(value: float | None, interval: Sequence[float] | None, *, digits: int = 2) -> str:
    """A value with the ends of its 95 % interval.

    Examples:
        >>> with_interval(0.314, (0.25, 0.375))
        '0.31 [0.25, 0.38]'
        >>> with_interval(-0.5, None)
        '−0.50'
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    text = f"{value:.{digits}f}"
    if interval is not None and all(map(isfinite, interval)):
        text += f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return text.replace("-", "−")


def ends(interval: Sequence[float] | None) -> tuple[float | None, float | None]:
    """The two cells of an interval in a table: empty where there is none."""
    return (None, None) if interval is None else (interval[0], interval[1])


def with_ends(name: str, value: float | None, interval: Sequence[float] | None) -> dict[str, float | None]:
    """The three cells of a value and its interval in a table.

    Examples:
        >>> with_ends("auc", 0.8, (0.7, 0.9))
        {'auc': 0.8, 'auc_low': 0.7, 'auc_high': 0.9}
    """
    return dict(zip((name, f"{name}_low", f"{name}_high"), (value, *ends(interval)), strict=True))


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    Examples:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def method_text(name: str, **facts: Any) -> tuple[str, ...]:
    """How an experiment was made: ``templates/NAME.md.j2``, filled in.

    Args:
        name: of the experiment ("error-correlation").
        facts: what the template asks for; the filter ``listed`` writes a list as "a, b and c".

    Returns:
        Its paragraphs, which an empty line parts in the template, each in one line.

    Raises:
        jinja2.UndefinedError: the template asks for a fact that is not given.
    """
    text = templates().get_template(f"{name}.md.j2").render(facts)
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


@cache
def templates() -> Environment:
    """The texts and pages in ``cephsure/studies/templates``; what is put into a page (HTML) is escaped."""
    found = Environment(
        loader=PackageLoader("cephsure.studies"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(["html.j2"]),
    )
    found.filters["listed"] = listed
    return found
