"""Films in, the same films without identifiers out."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.file_names import as_utf8
from cephsure.workflows.batch import Batch, OnProgress, Workplace, goes_on, silent

if TYPE_CHECKING:
    from collections.abc import Iterable

NEW_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class DeidentifiedFile:
    """A film and what was written of it; ``warning`` is why its picture must be looked at, None if not."""

    film: Path
    file: Path
    warning: str | None


def deidentify_films(
    films: Iterable[Path | str],
    folder: Path,
    *,
    key_file: Path | None = None,
    list_file: Path | None = None,
    on_progress: OnProgress = silent,
) -> Batch[DeidentifiedFile]:
    """De-identify DICOM films, as ``cephsure deidentify`` does.

    A film that cannot be de-identified is told and named in the result; the others go on.

    Args:
        films: files.
        folder: to write into; made if absent.
        key_file: holds the key under which identifiers are exchanged; made if absent, readable by the user
            alone. Without one the key is a new one that is not kept: nobody can tell which film was which.
        list_file: a table of each film and its new file, for the user alone.
        on_progress: told after each film.

    Raises:
        InputError: folder, key or table cannot be used.
    """
    from cephsure.atomic import check_files, check_folders, write_atomically

    paths = [Path(film) for film in films]
    check_folders(folder, name="0" * 28)
    check_files(list_file)
    if list_file is not None and folder.resolve() in list_file.resolve().parents:
        raise InputError(
            "the list says which film was which: it does not belong beside the new files",
            where=list_file,
            remedy="name a file elsewhere",
        )
    for path in paths:
        if path.resolve().parent == folder.resolve():
            raise InputError(
                "the new films would lie beside the originals, and nobody could tell which may go out",
                where=folder,
                remedy="name another --out",
            )
    key = secrets.token_bytes(NEW_KEY_BYTES) if key_file is None else read_key(key_file)
    folder.mkdir(parents=True, exist_ok=True)

    def work(film: Path) -> DeidentifiedFile:
        from cephsure.dicom.deidentify import deidentify
        from cephsure.films.film import ReadLimits
        from cephsure.text_files import read_bytes

        content = read_bytes(film, most_bytes=ReadLimits().max_file_bytes)
        try:
            made = deidentify(content, key)
        except InputError as error:
            raise type(error)(error.what, where=film, remedy=error.remedy) from error
        file = write_atomically(folder / made.name, made.content)
        return DeidentifiedFile(film, file, made.warning)

    done = Workplace(on_progress=on_progress).each_film(
        work, paths, path=lambda film: film, is_films_own=goes_on
    )
    if list_file is not None:
        write_atomically(list_file, _table(done.results).encode("utf-8"))
    return done


def read_key(path: Path) -> bytes:
    """The key in a file; a new one where there is no such file.

    Raises:
        InputError: it cannot be read or made, or is too short.
    """
    from cephsure.dicom.deidentify import LEAST_KEY_BYTES
    from cephsure.text_files import is_there, read_bytes

    if is_there(path):
        key = read_bytes(path, most_bytes=2**16)
    else:
        key = secrets.token_bytes(NEW_KEY_BYTES)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "xb", opener=_for_me_alone) as file:
                file.write(key)
        except OSError as error:
            raise InputError(f"the key cannot be written: {error.strerror}", where=path) from error
    if len(key) < LEAST_KEY_BYTES:
        raise InputError(
            f"a key has {LEAST_KEY_BYTES} bytes or more, this file {len(key)}",
            where=path,
            remedy="name a file that is not there: it is made",
        )
    return key


def to_look_at(done: Iterable[DeidentifiedFile]) -> list[str]:
    """What must be looked at before the files go out, a line each."""
    counts = Counter(each.warning for each in done if each.warning is not None)
    return [f"{count} {'film' if count == 1 else 'films'}: {warning}" for warning, count in counts.items()]


def _for_me_alone(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def _table(done: Iterable[DeidentifiedFile]) -> str:
    import csv
    import io

    from cephsure.exports import csv_cells

    stream = io.StringIO(newline="")
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(("film", "file"))
    rows.writerows((csv_cells.path(as_utf8(str(each.film))), each.file.name) for each in done)
    return stream.getvalue()
