"""Head CTs from projects of InVesalius (``.inv3``), such as Debian's ``Cranium.inv3``.

A project is a tar file, gzipped or not, with ``main.plist`` and the voxels in a raw file that it names.
Nothing is unpacked to the disk, and no other member is looked at.
"""

from __future__ import annotations

import plistlib
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.shifts.upright import upright_volume
from cephsure.studies.shifts.volume import MAX_VOXELS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.studies.shifts.volume import Volume

# The voxels' axes run up, to the front (InVesalius turns the second one round for VTK) and to the left.
_DIRECTIONS = ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
_AXIAL = 1
_VOXEL = np.dtype("<i2")
_MAX_PLIST_BYTES = 1 << 20
_MAX_MEMBERS = 10_000
_MAX_BYTES = 16 << 30
_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error)


def read_inv3(path: Path) -> Volume:
    """Read the head CT of an InVesalius project and turn its axes to left, back, up.

    Args:
        path: the ``.inv3`` file.

    Returns:
        The volume in Hounsfield units.

    Raises:
        InputError: it is no such project, not a CT of axial slices, damaged or too large.
    """
    main = _main_plist(path)
    shape, name = _matrix(main, path)
    spacing = _three(main.get("spacing"), (int, float))
    if not spacing or not all(0 < step < 100 for step in spacing):
        raise InputError("its main.plist states no usable voxel spacing", where=path)
    content = _member(path, name, max_bytes=MAX_VOXELS * _VOXEL.itemsize)
    if content is None:
        raise InputError(f"holds no {name}, which its main.plist names", where=path)
    if len(content) != int(np.prod(shape)) * _VOXEL.itemsize:
        raise InputError(f"{name} has {len(content)} bytes, not {shape} voxels of 16 bits", where=path)
    values: NDArray[np.float32] = np.frombuffer(content, _VOXEL).reshape(shape).astype(np.float32)
    return upright_volume(values, _DIRECTIONS, spacing[::-1], where=path)


def _main_plist(path: Path) -> dict[str, Any]:
    """The project's own description, its kind checked."""
    if not path.is_file():
        raise InputError("no such file", where=path)
    content = _member(path, "main.plist", max_bytes=_MAX_PLIST_BYTES)
    if content is None:
        raise InputError("holds no main.plist: not an InVesalius project", where=path)
    try:
        main = plistlib.loads(content)
    except (plistlib.InvalidFileException, ExpatError, ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(f"its main.plist cannot be read: {error}", where=path) from error
    if not isinstance(main, dict):
        raise InputError("its main.plist is not a dictionary", where=path)
    if main.get("modality") != "CT":
        raise InputError(f"its modality is {main.get('modality')!r}, not a CT", where=path)
    if main.get("orientation") != _AXIAL:
        raise InputError(
            "its slices are not axial", where=path, remedy="export the CT as NIfTI, and give that"
        )
    return main


def _matrix(main: dict[str, Any], path: Path) -> tuple[tuple[int, int, int], str]:
    """Shape and file name of the voxels."""
    stated = main.get("matrix")
    matrix = stated if isinstance(stated, dict) else {}
    shape, name = _three(matrix.get("shape"), int), matrix.get("filename")
    if matrix.get("dtype") != "int16" or not shape or min(shape) < 2:
        raise InputError("its main.plist does not describe voxels of type int16", where=path)
    if not isinstance(name, str) or PurePosixPath(name).name != name:
        raise InputError("its main.plist names no file of voxels", where=path)
    n_z, n_y, n_x = shape
    if n_z * n_y * n_x > MAX_VOXELS:
        raise InputError(f"{tuple(shape)} voxels are more than the {MAX_VOXELS} that are read", where=path)
    return (n_z, n_y, n_x), name


def _member(path: Path, name: str, *, max_bytes: int) -> bytes | None:
    """Content of the first member whose last name is ``name``; None where there is none."""
    total = 0
    try:
        # As a stream: members are met one by one, and what is too much is noticed before it is read.
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            for count, member in enumerate(archive):
                total += member.size
                if count >= _MAX_MEMBERS or total > _MAX_BYTES:
                    raise InputError("holds more than an InVesalius project does", where=path)
                if PurePosixPath(member.name).name != name or not member.isreg():
                    continue
                if member.size > max_bytes:
                    raise InputError(f"{name} has {member.size} bytes, more than is read", where=path)
                stream = archive.extractfile(member)
                content = b"" if stream is None else stream.read()
                if len(content) != member.size:
                    raise InputError(f"{name} is cut off", where=path)
                return content
    except _DAMAGE as error:
        raise InputError(f"not a readable InVesalius project: {error}", where=path) from error
    return None


def _three(value: Any, kinds: type | tuple[type, ...]) -> list[Any]:
    """The list, if it holds three numbers of the given kinds (truth values are none); else an empty one."""
    numbers = isinstance(value, list) and all(
        isinstance(one, kinds) and not isinstance(one, bool) for one in value
    )
    return list(value) if numbers and len(value) == 3 else []
