"""Films without a file of their own: encoded in their annotation file, or one of a stack."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cephsure import films
from cephsure.datasets.film_files import size_of
from cephsure.datasets.json_files import read_json
from cephsure.errors import AnnotationError, FilmError

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.films import Film, Spacing
    from cephsure.films.spacing import UserScale


def read_content(
    content: bytes, *, name: Path, mm_per_px: UserScale | None, of_dataset: Spacing | None
) -> Film:
    """A film from the bytes of its file; ``name`` is what it is called, in errors too."""
    try:
        film = films.read(content, mm_per_px=mm_per_px, of_dataset=of_dataset)
    except FilmError as error:
        raise FilmError(error.what, where=name, remedy=error.remedy) from error
    return replace(film, path=name)


@dataclass(frozen=True, slots=True)
class EncodedFilm:
    """A film that a JSON file holds in base64, at a key of its object."""

    file: Path
    key: str

    def read(self, *, mm_per_px: UserScale | None, of_dataset: Spacing | None) -> Film:
        """The film; `FilmError` if it cannot be read."""
        return read_content(self._content(), name=self.file, mm_per_px=mm_per_px, of_dataset=of_dataset)

    def size_px(self) -> tuple[int, int] | None:
        """Its width and height; None where it cannot be read."""
        try:
            return size_of(io.BytesIO(self._content()))
        except FilmError:
            return None

    def _content(self) -> bytes:
        try:
            # Some tools write it as an address: data:image/png;base64,...
            text = str(read_json(self.file)[self.key])
            return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
        except (AnnotationError, KeyError, TypeError, binascii.Error, ValueError) as error:
            raise FilmError(f"{self.key} holds no film", where=self.file) from error
