"""Names of files that text cannot hold as they are: one way to write them everywhere, and to read them back.

To Linux a name is bytes, which need not be UTF-8 (Python keeps a byte that is not as a lone surrogate), and
may hold control characters, line breaks among them. Whatever is written, in files and in the terminal, has
such a byte as % and two hexadecimal digits, as addresses of the web have: ``m%FCller.png``.
"""

from __future__ import annotations

import re
import sys
import unicodedata

FILM_SUFFIXES = (".bmp", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dcm", ".dicom", ".dic", ".ima")
"""What a film's name may end with; a lossless copy goes before a lossy one."""

_CONTROL = "\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\ud800-\udfff"
_UNWRITABLE = re.compile(f"[{_CONTROL}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# One byte of what is escaped. A name may look like one by itself: then its % is written %25.
_BYTE = "(?:[01][0-9A-F]|7F|[89A-F][0-9A-F])"
_TO_ESCAPE = re.compile(f"[{_CONTROL}]|%(?=(?:25)*{_BYTE})")
_ESCAPED = re.compile(f"%25(?=(?:25)*{_BYTE})|%{_BYTE}")


def escaped(name: str) -> str:
    r"""A name or path as it stands in files: valid UTF-8 in one line, from which `unescaped` gives the name.

    >>> escaped("m\udcfcller\n.png"), escaped("100%.png"), escaped("100%FC.png")
    ('m%FCller%0A.png', '100%.png', '100%25FC.png')
    """
    return _TO_ESCAPE.sub(lambda found: in_hexadecimal(found[0]), _joined(name))


def unescaped(name: str) -> str:
    """The name that `escaped` wrote; any other name as it is."""
    plain = _ESCAPED.sub(lambda found: _byte(found[0]), name)
    if plain == name:
        return name
    try:
        # Bytes that stand for one character between them become it again.
        content = plain.encode("utf-8", "surrogateescape")
        return content.decode("utf-8", sys.getfilesystemencodeerrors())
    except UnicodeError:
        return name


def writable(text: str) -> str:
    """Any text as one line of valid UTF-8: only what cannot be written is escaped, a % is left as it is."""
    return _UNWRITABLE.sub(lambda found: in_hexadecimal(found[0]), _joined(text))


def folded(name: str) -> str:
    """A name whatever its case and the form of its accents: names with the same are one to some file systems.

    >>> folded("E\u0301.PNG") == folded("\u00e9.png")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def as_utf8(text: str) -> str:
    """Any text as UTF-8 can hold it: what is no letter is escaped, line breaks stay."""
    return _SURROGATE.sub(lambda found: in_hexadecimal(found[0]), text)


def in_hexadecimal(text: str) -> str:
    """The bytes of a text, each as % and two hexadecimal digits."""
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair, as names on Windows may have it
        content = text.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in content)


def _joined(text: str) -> str:
    """The text where several bytes make one letter, as they do if Python was told that names are ASCII."""
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def _byte(escape: str) -> str:
    return bytes([int(escape[1:], 16)]).decode("ascii", "surrogateescape")
