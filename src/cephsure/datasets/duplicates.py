"""Reads which films of a data set are the same exposure or the same patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.datasets.json_file import read_json
from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_KEYS = ("same_exposure_pairs", "likely_same_patient_other_date")


def read_duplicate_groups(path: Path) -> dict[str, str]:
    """Read ``duplicates.json``: an object whose lists name films that belong together.

    Keys: ``same_exposure_pairs`` and, if there, ``likely_same_patient_other_date``, each a list of lists of
    film identifiers. A film that stands in several lists joins them all into one group.

    Args:
        path: the file; it need not exist.

    Returns:
        Film identifier -> group name, for the films that belong to a group; empty where there is no file.

    Raises:
        AnnotationError: the file has not this form; names the file and the key or line.
    """
    if not path.is_file():
        return {}
    data = read_json(path)
    if not isinstance(data, dict) or not any(key in data for key in _KEYS):
        raise AnnotationError(f"must be an object with the key {_KEYS[0]!r}", where=path)
    return join_groups(
        _checked(film_ids, key=f"{key}[{index}]", path=path)
        for key in _KEYS
        for index, film_ids in enumerate(_checked_list(data.get(key, []), key=key, path=path))
    )


def join_groups(lists: Iterable[Sequence[str]]) -> dict[str, str]:
    """Join lists that share a member, and name each group by its members.

    Args:
        lists: identifiers that belong together, a list for each group or part of a group.

    Returns:
        Identifier -> group name, the same for all that are linked through any chain of lists.

    Examples:
        >>> join_groups([["1", "2"], ["8", "9"], ["2", "3"]])
        {'1': '1+2+3', '2': '1+2+3', '3': '1+2+3', '8': '8+9', '9': '8+9'}
    """
    members: dict[str, set[str]] = {}
    for identifiers in lists:
        joined = set(identifiers).union(*(members.get(one, set()) for one in identifiers))
        for identifier in joined:
            members[identifier] = joined
    return {one: "+".join(sorted(members[one])) for one in sorted(members)}


def _checked_list(value: Any, *, key: str, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise AnnotationError(f"{key}: must be a list of lists of film identifiers", where=path)
    return value


def _checked(value: Any, *, key: str, path: Path) -> list[str]:
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(one, str) for one in value):
        raise AnnotationError(f"{key}: must be a list of at least two film identifiers (texts)", where=path)
    return value
