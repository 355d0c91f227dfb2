"""What a file holds, by its content: the name's ending is not believed."""

from __future__ import annotations

from enum import StrEnum

from cephsure.errors import FilmError

# Kinds that people do hand in; each gets its name in the error.
_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (8, b"WEBP", "a WebP image"),
    (4, b"ftyp", "a HEIC, AVIF or MP4 file"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image outside DICOM"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image outside DICOM"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x89HDF", "an HDF5 file"),
    (344, b"n+1\x00", "a NIfTI volume"),
)

_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT".split()
)
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


class FilmKind(StrEnum):
    """The kinds of file that hold films."""

    PNG = "PNG"
    JPEG = "JPEG"
    BMP = "BMP"
    TIFF = "TIFF"
    DICOM = "DICOM"


def recognise(data: bytes) -> FilmKind:
    r"""Tell the kind of a film file from its first bytes.

    Raises:
        FilmError: if it is none of the kinds that are read; the line says what it seems to be.

    Examples:
        >>> recognise(b"\x89PNG\r\n\x1a\n" + bytes(100)).value
        'PNG'
    """
    # DICOM first: its preamble is free and may hold, for instance, a TIFF header.
    if data[128:132] == b"DICM":
        return FilmKind.DICOM
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return FilmKind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return FilmKind.JPEG
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return FilmKind.TIFF
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return FilmKind.BMP
    if _is_bare_dicom(data):
        return FilmKind.DICOM
    named = (name for offset, magic, name in _FOREIGN if data.startswith(magic, offset))
    seems = next(named, "a text file" if _is_text(data[:512]) else "content of an unknown kind")
    raise FilmError(f"{seems}, not a film", remedy="PNG, JPEG, BMP, TIFF and DICOM files are read")


def _is_bare_dicom(data: bytes) -> bool:
    """Whether ``data`` begins with a data element of group 2 or 8, as a DICOM file without preamble does."""
    group, element, vr = data[:2], data[2:4], data[4:6]
    if group in (b"\x00\x08", b"\x00\x02"):
        return element[:1] == b"\x00" and vr in _VALUE_REPRESENTATIONS
    if group not in (b"\x08\x00", b"\x02\x00") or element[1:] != b"\x00":
        return False
    # Implicit VR: the length stands where the VR would, and is that of a short identifying element.
    return vr in _VALUE_REPRESENTATIONS or 0 < int.from_bytes(data[4:8], "little") <= min(1024, len(data))


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\n\r\f" for character in text)
