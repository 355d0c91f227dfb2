"""Files that hold all films of a batch, each a document on standard output where it is called ``-``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cephsure.cli import terminal
from cephsure.cli.streams import STANDARD, write_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Film = TypeVar("Film")


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """Which files to write of a whole batch: format -> file."""

    files: dict[str, Path]

    @classmethod
    def of(cls, asked: Mapping[str, Path | None]) -> BatchFiles:
        """The files that were asked for; no results are shown where one of them is standard output.

        Raises:
            BadParameter: two are standard output.
            InputError: one cannot be written.
        """
        from cephsure.atomic import check_files

        terminal.leave_standard_output(*asked.values())
        files = {fmt: file for fmt, file in asked.items() if file is not None}
        check_files(*(file for file in files.values() if file != STANDARD))
        return cls(files)

    def write(self, render: Callable[[Sequence[Film], str, Path], str], films: Sequence[Film]) -> None:
        """Write what was found on all films; nothing where there are none.

        Args:
            render: text of films in a format, for a file that is to lie in a folder.
            films: what was found on each.
        """
        from cephsure.atomic import write_atomically

        for fmt, file in self.files.items():
            if not films:
                continue
            if file == STANDARD:
                write_document(render(films, fmt, Path.cwd()))
            else:
                write_atomically(file, render(films, fmt, file.parent).encode("utf-8"))
                terminal.remark_written(file)
