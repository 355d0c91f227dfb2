"""Reads landmark sets: the shipped ones by name, any other one from its TOML file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from cephsure.errors import InputError
from cephsure.landmarks.landmark_set import LandmarkSet

DEFAULT_LANDMARK_SET = "isbi-19"


def load_landmark_set(name_or_path: str | Path = DEFAULT_LANDMARK_SET) -> LandmarkSet:
    """Read a landmark set.

    Args:
        name_or_path: the name of a shipped set (`shipped_landmark_sets`), or the path of a TOML file with the
            keys ``name``, ``title``, ``source`` and one ``[[landmarks]]`` table a landmark: ``number``,
            ``code``, ``name``, ``definition``, ``tissue`` ("bone", "soft" or "tooth"), ``side`` ("midline" or
            "bilateral") and, if wanted, ``aliases``.

    Returns:
        The landmark set.

    Raises:
        InputError: there is no such set or file, or the file is not a valid set; names the file and the key.

    Examples:
        >>> isbi = load_landmark_set("isbi-19")
        >>> len(isbi), isbi.landmarks[0].name, isbi.codes[:4]
        (19, 'Sella', ('S', 'N', 'Or', 'Po'))
    """
    shipped = _shipped()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(
            f"there is no landmark set of this name and no such file: {str(name_or_path)!r}",
            remedy=f"shipped sets: {', '.join(shipped)}; any other set is given by its TOML file",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=path) from error
    return _parse(content, where=path)


def shipped_landmark_sets() -> tuple[str, ...]:
    """Names of the landmark sets that come with the package, in alphabetical order.

    Examples:
        >>> shipped_landmark_sets()
        ('isbi-19',)
    """
    return tuple(_shipped())


@cache
def _shipped() -> dict[str, LandmarkSet]:
    folder = resources.files("cephsure.landmarks") / "data"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    sets = [_parse((folder / name).read_bytes(), where=name) for name in files]
    return {landmark_set.name: landmark_set for landmark_set in sorted(sets, key=lambda one: one.name)}


def _parse(content: bytes, *, where: Path | str) -> LandmarkSet:
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", where=where, remedy="a landmark set is a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not valid TOML: {error}", where=where) from error
    return LandmarkSet.from_dict(data, where=where)
