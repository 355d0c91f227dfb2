from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from cephsure.errors import FilmError
from cephsure.films.recognition import FilmKind, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_rasters(kind: str, grey8: NDArray[np.uint8], encode: Callable[..., bytes]) -> None:
    assert recognise(encode(grey8, kind)) is FilmKind(kind)


def test_other_beginnings_of_tiff() -> None:
    for head in (b"MM\x00*", b"II+\x00", b"MM\x00+"):
        assert recognise(head + bytes(20)) is FilmKind.TIFF


def test_dicom_is_looked_for_first_because_its_preamble_is_free() -> None:
    preamble = b"II*\x00".ljust(128, b"\x00")
    assert recognise(preamble + b"DICM" + bytes(20)) is FilmKind.DICOM


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<HHI", 0x0008, 0x0005, 10) + b"ISO_IR 100",  # implicit VR
        b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100",  # explicit VR
        b"\x02\x00\x00\x00UL\x04\x00",  # meta group without preamble
        b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100",  # big endian
    ],
)
def test_dicom_without_preamble(head: bytes) -> None:
    assert recognise(head.ljust(200, b" ")) is FilmKind.DICOM


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a" + bytes(20), "a GIF image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(30), "a gzip archive"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP image"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image outside DICOM"),
        (bytes(344) + b"n+1\x00", "a NIfTI volume"),
        (b"x,y\n829,996\n", "a text file"),
        (b"BMI of the patients\n", "a text file"),
        ("Größe\n".encode() * 100, "a text file"),
        ("ä".encode() * 400, "a text file"),
        ("text".encode("utf-16"), "a text file"),
        (b"\x7fELF" + bytes(range(200, 256)), "content of an unknown kind"),
        (b"\x08\x00\xff\xff\x00\x00\x00\x00", "content of an unknown kind"),
    ],
)
def test_whatever_else_is_named(data: bytes, name: str) -> None:
    with pytest.raises(FilmError, match=name) as caught:
        recognise(data)
    assert "DICOM files are read" in str(caught.value)
