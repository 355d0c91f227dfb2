"""A bundle's files: regular ones inside its folder, each listed once in SHA256SUMS, and none beside them.

Whatever else a folder may hold is refused before anything of it is used: links, pipes, files that are listed
twice or not at all, and networks that would take their weights from elsewhere.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cephsure.bundles.network_files import WeightPlace, weight_places
from cephsure.errors import BundleError
from cephsure.text_files import is_file, read_bytes, sha256_of, to_text

if TYPE_CHECKING:
    from pathlib import Path

SUMS_FILE = "SHA256SUMS"
PICKLES = frozenset({".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin", ".joblib"})
NETWORK = ".onnx"
AGAIN = "get the bundle again"

MOST_FILES, MOST_SUMS_BYTES = 10_000, 4 * 2**20
MOST_FILE_BYTES, MOST_BYTES = 2 * 2**30, 16 * 2**30
"""No ONNX graph and no file of its weights is larger; fifteen networks of the largest recipe have 1 GiB."""
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def checksums(folder: Path) -> str:
    """The text of a folder's SHA256SUMS, as ``sha256sum`` writes it, over all files but itself."""
    files = sorted(file for file in folder.rglob("*") if is_file(file) and file.name != SUMS_FILE)
    return "".join(
        f"{sha256_of(file, kind=BundleError)}  {file.relative_to(folder).as_posix()}\n" for file in files
    )


def check_files(folder: Path) -> bytes:
    """Compare all that a folder holds with its SHA256SUMS, whose content is given.

    Raises:
        BundleError: something there is no regular file, is not listed, listed twice, missing or changed, is a
            pickle, or is a network that takes weights from anywhere but a listed file.
    """
    sums = _sums(folder)
    listed = _listed(to_text(sums, where=folder / SUMS_FILE, kind=BundleError), folder)
    sizes = _sizes(folder)
    sizes.pop(SUMS_FILE, None)
    for name in sorted(sizes.keys() | listed.keys()):
        if PurePosixPath(name).suffix.lower() in PICKLES:
            raise BundleError("a pickled file can run code and is refused", where=folder / name)
        if name not in sizes:
            wrong = "listed in SHA256SUMS but missing"
        elif name not in listed:
            wrong = "not listed in SHA256SUMS"
        elif sha256_of(folder / name, kind=BundleError) != listed[name]:
            wrong = "wrong checksum: the file was changed or damaged"
        else:
            continue
        raise BundleError(wrong, where=folder / name, remedy=AGAIN)
    networks = [name for name in sizes if name.endswith(NETWORK)]
    # The networks of an ensemble are one graph with other weights.
    places: dict[str, set[WeightPlace]] = {}
    for name in networks:
        if listed[name] not in places:
            places[listed[name]] = _weight_places(folder / name)
        _check_weights(folder, name, places[listed[name]], sizes)
    return sums


def _sums(folder: Path) -> bytes:
    if not is_file(folder / SUMS_FILE):
        raise BundleError("its SHA256SUMS is missing or unreadable", where=folder)
    return read_bytes(folder / SUMS_FILE, most_bytes=MOST_SUMS_BYTES, kind=BundleError)


def _listed(sums: str, folder: Path) -> dict[str, str]:
    """Checksums by file, as SHA256SUMS has them."""
    listed: dict[str, str] = {}
    for number, line in enumerate(sums.splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            what = "its SHA256SUMS is missing or unreadable"
            raise BundleError(f"{what}: line {number} is no checksum", where=folder)
        digest, name = match.groups()
        if name in listed:
            raise BundleError("listed twice in SHA256SUMS", where=folder / name, remedy=AGAIN)
        listed[name] = digest
    return listed


def _sizes(folder: Path) -> dict[str, int]:
    """Sizes of all files by their place in the folder, which holds nothing but files and folders."""
    sizes: dict[str, int] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    name = inside + entry.name
                    if entry.is_symlink():
                        what = "a link is refused: it may lead out of the bundle"
                        raise BundleError(what, where=folder / name, remedy=AGAIN)
                    if entry.is_dir():
                        waiting.append(f"{name}/")
                    elif entry.is_file():
                        sizes[name] = entry.stat().st_size
                    else:
                        raise BundleError("is no regular file", where=folder / name, remedy=AGAIN)
        except OSError as error:
            raise BundleError(f"cannot be read: {error.strerror or error}", where=folder / inside) from error
        if len(sizes) + len(waiting) > MOST_FILES:
            raise BundleError(f"not a model bundle: it has more than {MOST_FILES:,} files", where=folder)
    if max(sizes.values(), default=0) > MOST_FILE_BYTES or sum(sizes.values()) > MOST_BYTES:
        raise BundleError("not a model bundle: its files are too large", where=folder)
    return sizes


def _weight_places(path: Path) -> set[WeightPlace]:
    content = read_bytes(path, most_bytes=MOST_FILE_BYTES, kind=BundleError)
    try:
        return weight_places(content)
    except ValueError as error:
        raise BundleError(f"not an ONNX network: {error}", where=path, remedy=AGAIN) from error


def _check_weights(folder: Path, name: str, places: set[WeightPlace], sizes: dict[str, int]) -> None:
    """See that a network takes its weights from itself or from listed files of the bundle.

    ONNX Runtime looks after this itself, but not in every version.
    """
    for place in places:
        file = (PurePosixPath(name).parent / place.location).as_posix()
        wrong = None
        if ".." in PurePosixPath(place.location).parts or file not in sizes:
            wrong = f"takes weights from a file that is not in the bundle: {place.location}"
        elif place.end > sizes[file]:
            wrong = f"takes weights from beyond the end of {place.location}"
        if wrong:
            raise BundleError(wrong, where=folder / name, remedy=AGAIN)
