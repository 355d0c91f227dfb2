"""Words from files and from third parties, made fit for one line in a terminal."""

from __future__ import annotations


def printable(text: str, *, longest: int = 200) -> str:
    r"""Fold ``text`` into one line without control characters, cut to ``longest`` characters.

    Example:
        >>> printable("cannot read\n\ttile \x1b[31m1")
        'cannot read tile ?[31m1'
    """
    line = "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
