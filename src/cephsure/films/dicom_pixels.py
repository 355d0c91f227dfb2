"""The pixels of a DICOM image, decoded and held against its header.

What is not compressed is unpacked here. Compressed pixels are decoded by native libraries in a process of
their own, after what the stream says of itself was compared with the header.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder  # type: ignore[attr-defined]  # not in its __all__

from cephsure.errors import FilmError
from cephsure.films.child import decode
from cephsure.films.codestreams import Outline, jpeg2000_outline, jpeg_outline
from cephsure.films.dicom_header import PixelLayout
from cephsure.films.jpeg_streams import load_whole
from cephsure.films.packbits import check_rle
from cephsure.films.stored_values import stored_values
from cephsure.films.third_party import captured_stderr, captured_warnings, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films.film import ReadLimits

INSTALL = "pip install 'cephsure[dicom]'"
_DECODERS = ("gdcm", "pylibjpeg", "openjpeg")
MAX_FRAGMENTS = 100_000
_JPEG = frozenset((*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes))
_JPEG_2000 = frozenset((*uid.JPEG2000TransferSyntaxes, uid.HTJ2K, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL))
_LOSSY_JPEG = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit})
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_PROBING = "Unsupported JPEG data precision"  # by which gdcm finds out which of its decoders to take
_DAMAGED = re.compile(r"\b\d{2,} extraneous bytes|bad Huffman code")
_PLAIN_REMEDY = "export the film uncompressed"


def decode_pixels(
    dataset: Dataset, layout: PixelLayout, syntax: uid.UID, limits: ReadLimits
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode to (H, W) or (H, W, 3) integers, the bits that are not stored cleared; and notes.

    Raises:
        FilmError: if the pixels are cut off, damaged, contradict the header, or need a decoder that is not
            there.
        Exception: whatever pydicom and its decoders raise for content they cannot read.
    """
    notes: tuple[str, ...]
    stream_bits: int | None = None
    if not syntax.is_encapsulated:
        with captured_warnings():
            notes = _check_length(dataset, layout)
            is_plain = layout.samples == 1 and layout.bits_allocated > 1
            values = _unpacked(dataset, layout) if is_plain else _by_pydicom(dataset, layout, syntax)
    else:
        frame = first_frame(bytes(dataset.PixelData))
        outline = _check_codestream(frame, layout, syntax)
        coded = _as_coded(layout, outline)
        values, said = decode("dicom", frame, limits, syntax=str(syntax), layout=_plain_layout(coded))
        doubts = () if outline.doubt is None else (outline.doubt,)
        notes, stream_bits = (*doubts, *said["notes"]), outline.bits
        if layout.bits_stored < (stream_bits or 0) < layout.bits_allocated:
            said_bits = f"the compressed pixels have {stream_bits} bits, the header says {layout.bits_stored}"
            notes = (*notes, f"{said_bits}: read as they are")
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, 3)
    if values.shape != shape:
        raise FilmError(
            f"the pixels decode to {' x '.join(map(str, values.shape))}, "
            f"the header says {' x '.join(map(str, shape))}"
        )
    if layout.samples == 1 and values.dtype.kind == "u":
        values, more_notes = stored_values(values, layout, stream_bits=stream_bits)
    else:
        values, more_notes = _with_own_sign(values, layout, is_coded=stream_bits is not None)
    return values, (*notes, *more_notes)


def _as_coded(layout: PixelLayout, outline: Outline) -> PixelLayout:
    """The layout of what the decoder is to give, by the stream itself: the header's bits may be wrong."""
    if layout.samples > 1:
        return layout
    bits = layout.bits_allocated if outline.bits is None else outline.bits
    return replace(layout, bits_stored=bits, high_bit=bits - 1, is_signed=outline.is_signed)


def _with_own_sign(
    values: NDArray[Any], layout: PixelLayout, *, is_coded: bool
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Colour, and grey of a stream that says that it has a sign, against which the header has no say."""
    if values.dtype.kind == "i":
        contradiction = "the compressed pixels have a sign, the header says not: read with it"
        return values, (() if layout.is_signed else (contradiction,))
    if is_coded or layout.bits_stored == layout.bits_allocated:
        return values, ()
    above = layout.bits_allocated - 1 - layout.high_bit
    return (values << above) >> (layout.bits_allocated - layout.bits_stored), ()


def _plain_layout(layout: PixelLayout) -> dict[str, Any]:
    return {**asdict(layout), "notes": ()}


def _check_length(dataset: Dataset, layout: PixelLayout) -> tuple[str, ...]:
    """Refuse native pixels that are not as many as the header says; what pads them is allowed, and noted."""
    row_bits = layout.columns * layout.samples * layout.bits_allocated
    if layout.photometric == "YBR_FULL_422":
        row_bits = row_bits * 2 // 3
    data = dataset.PixelData
    there, wanted = len(data), (row_bits * layout.rows + 7) // 8
    if there < wanted:
        raise FilmError(f"the DICOM file is cut off: {there} bytes of pixels, the header says {wanted}")
    if there <= wanted + 1:
        return ()
    is_padding = there < 2 * wanted and not data[wanted:].strip(data[-1:])
    if not is_padding and there - wanted >= row_bits // 8:
        raise FilmError(
            f"the DICOM header contradicts its pixels: {there} bytes, the header says {wanted} "
            f"({layout.columns} x {layout.rows})",
            remedy="export the film anew, alone in its file",
        )
    return (f"{there - wanted} bytes after the last pixel: ignored",)


def _unpacked(dataset: Dataset, layout: PixelLayout) -> NDArray[Any]:
    """(H, W) samples as they stand in the file, whatever their sign."""
    is_little_endian = dataset.original_encoding[1]
    data, count = dataset.PixelData, layout.rows * layout.columns
    size = layout.bits_allocated // 8
    if size == 1 and not is_little_endian and dataset["PixelData"].VR == "OW":
        # Two bytes are one word then, the second pixel first.
        words = np.frombuffer(data, np.uint8, count=2 * (len(data) // 2)).reshape(-1, 2)
        return words[:, ::-1].ravel()[:count].reshape(layout.rows, layout.columns)
    values = np.frombuffer(data, f"{'<' if is_little_endian else '>'}u{size}", count=count)
    return values.astype(f"u{size}", copy=False).reshape(layout.rows, layout.columns)


def first_frame(encapsulated: bytes) -> bytes:
    """The one frame of encapsulated pixel data (PS3.5 A.4): all its fragments, joined.

    Raises:
        FilmError: if the fragments are malformed or the offset table knows several frames.
    """
    position, fragments, offsets = 0, [], b""
    while encapsulated[position : position + 4] == _ITEM and len(encapsulated) >= position + 8:
        length = int.from_bytes(encapsulated[position + 4 : position + 8], "little")
        begin, position = position + 8, position + 8 + length
        if length == 0xFFFFFFFF:  # up to the delimiter
            position = encapsulated.rfind(_DELIMITER, begin)
            position = len(encapsulated) if position < 0 else position
        if position > len(encapsulated):
            raise FilmError("the compressed pixels are cut off")
        fragments.append(encapsulated[begin:position])
        if len(fragments) > MAX_FRAGMENTS:
            raise FilmError("the compressed pixels are in more pieces than any film's")
    if not fragments:
        raise FilmError("the compressed pixels are damaged: they have no fragments")
    offsets, *pieces = fragments
    if len(offsets) > 4:
        raise FilmError(
            f"the DICOM file holds {len(offsets) // 4} frames", remedy="export the one frame that is the film"
        )
    return b"".join(pieces)


def _check_codestream(frame: bytes, layout: PixelLayout, syntax: uid.UID) -> Outline:
    """Hold what the stream says of itself against the header."""
    if syntax not in _JPEG | _JPEG_2000:
        return Outline(complete=True)
    outline = jpeg_outline(frame) if syntax in _JPEG else jpeg2000_outline(frame)
    if not outline.complete:
        raise FilmError("the compressed pixels are cut off")
    if outline.fault is not None:
        raise FilmError(outline.fault)
    if (outline.width_px, outline.height_px) != (layout.columns, layout.rows):
        raise FilmError(
            f"the compressed pixels are {outline.width_px} x {outline.height_px}, "
            f"the header says {layout.columns} x {layout.rows}"
        )
    if outline.components != layout.samples:
        raise FilmError(
            f"the compressed pixels have {outline.components} components, "
            f"the header says {layout.samples} {'sample' if layout.samples == 1 else 'samples'} a pixel",
            remedy=_PLAIN_REMEDY,
        )
    # Some writers call 12 bits 16, and lossless ones count what is allocated.
    is_shallow = syntax in _LOSSY_JPEG and outline.bits == 8
    most = layout.bits_stored if is_shallow else layout.bits_allocated
    if outline.bits is not None and outline.bits > most:
        raise FilmError(
            f"the compressed pixels have {outline.bits} bits, the header says {most}", remedy=_PLAIN_REMEDY
        )
    return outline


def import_decoders() -> None:
    """Import what decodes, as far as it is installed."""
    for module in ("PIL.Jpeg2KImagePlugin", *_DECODERS):
        _is_installed(module)


def _is_installed(module: str) -> bool:
    try:
        import_module(module)
    except Exception:  # noqa: BLE001 - one that cannot be imported is one that is not there
        return False
    return True


def decode_task(
    data: bytes, limits: ReadLimits, *, syntax: str, layout: dict[str, Any]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The task of the process that decodes: one frame, to what the transfer syntax says."""
    del limits
    wanted, by = PixelLayout(**layout), uid.UID(syntax)
    with captured_warnings(), captured_stderr() as complaints:
        values = _decoded(data, wanted, by)
    if any("remature end" in complaint for complaint in complaints):
        raise FilmError("the compressed pixels are damaged: they end too early")
    if any(_DAMAGED.search(complaint) for complaint in complaints):
        raise FilmError("the compressed pixels are damaged: part of their middle is missing or overwritten")
    complaints = [line for line in complaints if not line.startswith(_PROBING)]
    return values, {"notes": [printable(f"the decoder complains: {line}") for line in complaints[:1]]}


def _decoded(frame: bytes, layout: PixelLayout, syntax: uid.UID) -> NDArray[Any]:
    if syntax == uid.RLELossless:  # which takes long where every run is of one byte
        planes = layout.samples * layout.bits_allocated // 8
        check_rle(frame, rows=layout.rows, columns=layout.columns, planes=planes)
    if syntax in _LOSSY_JPEG:
        outline = jpeg_outline(frame)
        if outline.bits == 8:
            image = load_whole(frame, outline)
            if layout.samples == 1:
                return np.asarray(image)
        else:
            return _deep_jpeg(frame, layout)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.Rows, dataset.Columns = layout.rows, layout.columns
    dataset.BitsAllocated = layout.bits_allocated
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    return _by_pydicom(dataset, layout, syntax)


def _by_pydicom(dataset: Dataset, layout: PixelLayout, syntax: uid.UID) -> NDArray[Any]:
    name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise FilmError(f"pixels compressed as {name} cannot be read", remedy=_PLAIN_REMEDY) from None
    if not decoder.is_available:
        raise FilmError(f"pixels compressed as {name} need a decoder that is not installed", remedy=INSTALL)
    # What the layout assumes where the header is silent is written back: pydicom insists on it.
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = layout.samples, layout.photometric
    dataset.BitsAllocated = layout.bits_allocated
    dataset.BitsStored, dataset.HighBit = layout.bits_stored, layout.high_bit
    dataset.PixelRepresentation = int(layout.is_signed)
    if layout.samples > 1:
        dataset.PlanarConfiguration = layout.planar
    plugin = "pydicom" if syntax == uid.RLELossless else ""
    try:
        # pydicom annotates its keyword options as one mapping.
        values, _ = decoder.as_array(dataset, correct_unused_bits=False, decoding_plugin=plugin)  # type: ignore[arg-type]
    except Exception as error:
        what = f"pixels stored as {name} cannot be decoded: damaged, or unknown to the installed decoders"
        has_all_decoders = all(_is_installed(module) for module in _DECODERS)
        raise FilmError(what, remedy=None if has_all_decoders else INSTALL) from error
    return values


def _deep_jpeg(frame: bytes, layout: PixelLayout) -> NDArray[Any]:
    """A lossy JPEG of 12 bits, which of all decoders gdcm alone knows; pydicom does not ask it."""
    if not _is_installed("gdcm"):
        raise FilmError(
            "12-bit lossy JPEG needs a decoder that is not installed", remedy=f"{INSTALL}, or {_PLAIN_REMEDY}"
        )
    if layout.samples != 1 or layout.bits_allocated != 16:
        raise FilmError("12-bit lossy JPEG is read of grey films only", remedy=_PLAIN_REMEDY)
    import gdcm  # type: ignore[import-untyped]

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, layout.bits_stored, layout.bits_stored - 1, 0))
    values = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), "<u2")
    if values.size != layout.rows * layout.columns:
        raise FilmError("the compressed pixels are damaged: 12-bit lossy JPEG that gdcm cannot decode")
    return values.reshape(layout.rows, layout.columns)
