"""Options that take several values: repeated, one after the other, or with commas between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SEVERAL = ("--models", "--ct")


class SeveralValues(TyperCommand):
    """A command whose options ``--models`` and ``--ct`` take all values up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, repeated(args, SEVERAL))


def repeated(arguments: Iterable[str], options: Collection[str]) -> list[str]:
    """Write an option before each of its values.

    Example:
        >>> repeated(["all", "--models", "a", "b", "--out", "o"], {"--models"})
        ['all', '--models', 'a', '--models', 'b', '--out', 'o']
    """
    spread: list[str] = []
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("-"):
            name, _, value = argument.partition("=")
            option, values = (name if name in options else ""), int(bool(value))
        elif option:
            if values:
                spread.append(option)
            values += 1
        spread.append(argument)
    return spread


def separated(values: Iterable[str]) -> list[str]:
    """Divide values at commas, but for those that name a file or folder.

    Example:
        >>> separated(["a,b", "c"])
        ['a', 'b', 'c']
    """
    parts = [[value] if Path(value).exists() else value.split(",") for value in values]
    return [part.strip() for some in parts for part in some if part.strip()]
