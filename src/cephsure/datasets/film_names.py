"""What films of a data set are called."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.films.third_party import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


def film_ids(paths: Iterable[Path]) -> dict[Path, str]:
    """Give each film its file's stem, or its path from the common folder where stems repeat.

    Accents are composed (Unicode's form C), so that a film is called the same on every system; characters
    that cannot be shown are replaced.
    """
    ordered = sorted(paths)
    shown = {path: _shown(path.stem) for path in ordered}
    if len(set(shown.values())) == len(ordered):
        return shown
    # Not resolve(), which follows links: films are called by where they are said to lie.
    whole = {path: Path(os.path.abspath(path)) for path in ordered}  # noqa: PTH100
    common = Path(os.path.commonpath([path.parent for path in whole.values()]))
    relative = {path: absolute.relative_to(common) for path, absolute in whole.items()}
    # A film of the same name beside it (001.png and 001.jpg) keeps its suffix as well.
    bare = Counter(path.with_suffix("") for path in relative.values())
    named = {
        path: _shown((seen if bare[seen.with_suffix("")] > 1 else seen.with_suffix("")).as_posix())
        for path, seen in relative.items()
    }
    # Names that differ only in what cannot be shown, or in the form of their accents.
    counts = Counter(named.values())
    return {
        path: name if counts[name] == 1 else f"{name} [{place}]"
        for place, (path, name) in enumerate(named.items(), start=1)
    }


def _shown(name: str) -> str:
    return printable(unicodedata.normalize("NFC", name), longest=4096) or "?"
