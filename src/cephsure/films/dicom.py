"""Films from DICOM files (CR, DX, SC, PX, IO, RF and the like), through pydicom.

Of the header the layout of the pixels and the stated scales are read, malformed or not. Grey values are the
stored ones, turned round for MONOCHROME1 or a negative rescale slope so that larger is brighter. Rescaling is
otherwise a straight line and falls away in the scaling to [0, 1]; windows (VOI) are a matter of display and
not applied. Up to 8 stored bits a value is divided by 2^bits - 1; more bits are scaled by the range the film
uses without its padding, see `cephsure.films.grey_values`.
"""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from PIL import Image
from pydicom import uid
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, get_decoder  # type: ignore[attr-defined]  # not in its __all__

from cephsure.errors import FilmError
from cephsure.films.film import Picture
from cephsure.films.grey_values import grey_of_colour, scale_bits, scale_range
from cephsure.films.recognition import jpeg2000_outline, jpeg_outline
from cephsure.films.spacing import StatedScales
from cephsure.films.third_party import captured_stderr, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from cephsure.films.film import ReadLimits

INSTALL = "pip install 'cephsure[dicom]'"
_CUT_OFF = "the DICOM file is cut off"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ENCAPSULATED = (b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff", b"\xe0\x7f\x10\x00OW\x00\x00\xff\xff\xff\xff")
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_JPEG = frozenset((*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes))
_JPEG_2000 = frozenset((*uid.JPEG2000TransferSyntaxes, uid.HTJ2K, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL))
_PHOTOMETRIC = frozenset(
    {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
)


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How a DICOM image stores its pixels."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric: str

    @property
    def is_grey(self) -> bool:
        """Whether a pixel is one grey value."""
        return self.photometric in ("MONOCHROME1", "MONOCHROME2")


def pixel_layout(dataset: Dataset) -> PixelLayout:
    """Read and check the Image Pixel module (PS3.3 C.7.6.3).

    Raises:
        FilmError: if it is incomplete or contradicts itself, or if there is more than one frame.
    """
    if (frames := _integer(dataset, "NumberOfFrames", default=1)) > 1:
        raise FilmError(
            f"the DICOM file holds {frames} frames", remedy="export the one frame that is the film"
        )
    samples = _integer(dataset, "SamplesPerPixel", default=1)
    allocated = _integer(dataset, "BitsAllocated")
    stored = _integer(dataset, "BitsStored", default=allocated)
    layout = PixelLayout(
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_integer(dataset, "HighBit", default=stored - 1),
        is_signed=_integer(dataset, "PixelRepresentation", default=0) == 1,
        photometric=text(dataset, "PhotometricInterpretation") or ("RGB" if samples == 3 else "MONOCHROME2"),
    )
    if allocated not in (1, 8, 16, 32) or not 0 < stored <= layout.high_bit + 1 <= allocated:
        raise FilmError(
            f"the DICOM header contradicts itself: {stored} bits stored, highest bit {layout.high_bit}, "
            f"of {allocated} allocated"
        )
    if layout.photometric not in _PHOTOMETRIC:
        raise FilmError(f"the photometric interpretation {layout.photometric} is not known")
    if samples != (1 if layout.is_grey or layout.photometric == "PALETTE COLOR" else 3):
        raise FilmError(
            f"the DICOM header contradicts itself: {samples} samples a pixel, {layout.photometric}"
        )
    return layout


def stated_scales(dataset: Dataset) -> tuple[StatedScales, tuple[str, ...]]:
    """The attributes that `decide_spacing` weighs, and notes on malformed ones, which are left out."""
    notes: list[str] = []

    def pair(keyword: str) -> tuple[float, float] | None:
        values = numbers(dataset, keyword, 2, notes)
        return None if values is None else (values[0], values[1])

    def number(keyword: str) -> float | None:
        return (numbers(dataset, keyword, 1, notes) or (None,))[0]

    calibration_type = text(dataset, "PixelSpacingCalibrationType") or None
    if calibration_type not in (None, "GEOMETRY", "FIDUCIAL"):
        notes.append(f"PixelSpacingCalibrationType {calibration_type} is unknown: ignored")
    scales = StatedScales(
        pixel_mm=pair("PixelSpacing"),
        imager_mm=pair("ImagerPixelSpacing"),
        nominal_mm=pair("NominalScannedPixelSpacing"),
        calibration_type=calibration_type,
        magnification=number("EstimatedRadiographicMagnificationFactor"),
        source_to_detector_mm=number("DistanceSourceToDetector"),
        source_to_patient_mm=number("DistanceSourceToPatient"),
        aspect=pair("PixelAspectRatio"),
    )
    return scales, tuple(notes)


def numbers(dataset: Dataset, keyword: str, count: int, notes: list[str]) -> tuple[float, ...] | None:
    """The ``count`` finite numbers of an attribute; None if it is absent, empty or malformed (then noted)."""
    try:
        value = dataset.get(keyword)
        values = [value] if isinstance(value, (int, float)) else list(value or ())
        found = tuple(float(item) for item in values)
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        found = (math.nan,)
    if not found:
        return None
    if len(found) != count or not all(math.isfinite(number) for number in found):
        notes.append(f"{keyword} is malformed: ignored")
        return None
    return found


def text(dataset: Dataset, keyword: str) -> str:
    """The text of an attribute in capitals, fit to be printed; empty if it is absent or malformed."""
    value: Any = dataset.get(keyword)
    return printable(value.strip().upper(), longest=40) if isinstance(value, str) else ""


def _integer(dataset: Dataset, keyword: str, *, default: int | None = None) -> int:
    value: Any = dataset.get(keyword)
    if (value is None or value == "") and default is not None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        state = "missing" if value is None else "malformed"
        raise FilmError(f"{keyword} is {state} in the DICOM header") from None


def read_dicom(data: bytes, limits: ReadLimits) -> Picture:
    """Read a DICOM image of one frame, with or without preamble; its header is held to the limits first.

    Raises:
        FilmError: if there is no image, more than one, if it is cut off, too large, coloured or blank, or if
            the decoder for its compression is not installed.
        Exception: whatever pydicom and its decoders raise for content they cannot read.
    """
    _check_deflated_size(data, limits)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    _check_whole(dataset, data)
    if "PixelData" not in dataset:
        raise FilmError("the DICOM file holds no pixel data: no image, or cut off before it")
    layout = pixel_layout(dataset)
    limits.check_size(layout.columns, layout.rows)
    syntax = _transfer_syntax(dataset)
    values, decoder_notes = _decode(dataset, layout, syntax)
    pixels, notes = _grey(values, dataset, layout)
    stated, scale_notes = stated_scales(dataset)
    return Picture(pixels, stated, (*decoder_notes, *notes, *scale_notes))


def _check_deflated_size(data: bytes, limits: ReadLimits) -> None:
    """Inflate a deflated data set up to the file limit, before pydicom does it without any."""
    if data[128:132] != b"DICM" or str(uid.DeflatedExplicitVRLittleEndian).encode() not in data[:2048]:
        return
    # The file meta group begins with its own length: (0002,0000) UL 4.
    start = 144 + int.from_bytes(data[140:144], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(data[start:], limits.max_file_bytes + 1)
    if len(inflated) > limits.max_file_bytes:
        raise FilmError(
            f"the file inflates to more than the limit of {limits.max_file_bytes / 2**20:.1f} MiB"
        )
    if not inflater.eof:
        raise FilmError(_CUT_OFF)


def _check_whole(dataset: Dataset, data: bytes) -> None:
    """Refuse a data set with an element shorter than it says; pydicom takes what is there."""
    begin = max(data.rfind(header) for header in _ENCAPSULATED)
    if begin >= 0 and data.rfind(_SEQUENCE_DELIMITER) < begin:
        raise FilmError(_CUT_OFF)
    for tag in dataset.keys():  # noqa: SIM118 - iterating the data set itself would convert every element
        element: Any = dataset.get_item(tag)
        length, value = getattr(element, "length", None), element.value
        if length not in (None, _UNDEFINED_LENGTH) and isinstance(value, bytes) and len(value) < length:
            raise FilmError(_CUT_OFF)


def _transfer_syntax(dataset: Dataset) -> uid.UID:
    """The transfer syntax: stated, or for a file without meta group the encoding pydicom found."""
    stated = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if stated:
        return uid.UID(str(stated))
    is_implicit, is_little_endian = dataset.original_encoding
    if dataset["PixelData"].is_undefined_length:
        raise FilmError("the DICOM file does not say how its pixels are compressed (no transfer syntax)")
    if is_implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if is_little_endian else uid.ExplicitVRBigEndian


def _decode(dataset: Dataset, layout: PixelLayout, syntax: uid.UID) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode to (H, W) or (H, W, 3) integers, the bits that are not stored cleared; and notes."""
    name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        remedy = "export the film uncompressed"
        raise FilmError(f"pixels compressed as {name} cannot be read", remedy=remedy) from None
    if not decoder.is_available:
        raise FilmError(f"pixels compressed as {name} need a decoder that is not installed", remedy=INSTALL)
    if syntax.is_encapsulated:
        _check_codestream(get_frame(dataset.PixelData, 0, number_of_frames=1), layout, syntax)
    # What the layout assumes where the header is silent is written back: pydicom insists on it.
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = layout.samples, layout.photometric
    dataset.BitsStored, dataset.HighBit = layout.bits_stored, layout.high_bit
    dataset.PixelRepresentation = int(layout.is_signed)
    is_stored_as_is = not syntax.is_encapsulated or syntax == uid.RLELossless
    # Left to itself pydicom takes the lowest bits, whatever the highest bit is. A codec has no spare bits,
    # but knows nothing of the sign.
    extend_sign = layout.is_signed and not is_stored_as_is
    try:
        with captured_stderr() as complaints:
            # pydicom annotates its keyword options as one mapping.
            values, _ = decoder.as_array(dataset, correct_unused_bits=extend_sign)  # type: ignore[arg-type]
    except Exception as error:
        what = f"pixels stored as {name} cannot be decoded: damaged, or unknown to the installed decoders"
        has_all_decoders = all(find_spec(module) is not None for module in ("gdcm", "pylibjpeg", "openjpeg"))
        raise FilmError(what, remedy=None if has_all_decoders else INSTALL) from error
    if any("premature end" in complaint for complaint in complaints):
        raise FilmError("the compressed pixels are damaged: they end too early")
    notes = tuple(printable(f"the decoder complains: {complaint}") for complaint in complaints[:1])
    return (_stored_bits(values, layout) if is_stored_as_is else values), notes


def _check_codestream(frame: bytes, layout: PixelLayout, syntax: uid.UID) -> None:
    if syntax not in _JPEG | _JPEG_2000:
        return
    outline = jpeg_outline(frame) if syntax in _JPEG else jpeg2000_outline(frame)
    if not outline.complete:
        raise FilmError("the compressed pixels are cut off")
    if (outline.width_px, outline.height_px) != (layout.columns, layout.rows):
        raise FilmError(
            f"the compressed pixels are {outline.width_px} x {outline.height_px}, "
            f"the header says {layout.columns} x {layout.rows}"
        )


def _stored_bits(values: NDArray[Any], layout: PixelLayout) -> NDArray[Any]:
    """Clear what older files keep in the bits beside the stored ones (overlays)."""
    if layout.bits_stored == layout.bits_allocated:
        return values
    above = layout.bits_allocated - 1 - layout.high_bit
    # To the top and back: the shift back fills with zeros, or with the sign.
    return (values << above) >> (layout.bits_allocated - layout.bits_stored)


def _grey(
    values: NDArray[Any], dataset: Dataset, layout: PixelLayout
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Grey in [0, 1] where larger is brighter, and notes."""
    bits = layout.bits_stored
    if layout.is_grey:
        pixels, grey_notes = _scaled(values, dataset, bits=bits)
        is_negative = layout.photometric == "MONOCHROME1"
        slope = numbers(dataset, "RescaleSlope", 1, grey_notes)
        if is_negative:
            grey_notes.append("stored as a negative (MONOCHROME1): turned so that larger is brighter")
        if slope is not None and slope[0] < 0:
            grey_notes.append("its rescale slope is negative: turned round")
            is_negative = not is_negative
        return (1 - pixels if is_negative else pixels), tuple(grey_notes)
    if layout.photometric == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)
        bits = 8 * values.dtype.itemsize
    if bits > 8:
        values = values >> (bits - 8)
    grey, notes = grey_of_colour(Image.fromarray(np.ascontiguousarray(values, dtype=np.uint8), mode=None))
    return scale_bits(grey, bits=8), notes


def _scaled(values: NDArray[Any], dataset: Dataset, *, bits: int) -> tuple[NDArray[np.float32], list[str]]:
    """Scale grey values to [0, 1]; padding has no say in the range."""
    if bits <= 8 and values.min() >= 0 and values.max() < 2**bits:
        return scale_bits(values, bits=bits), []
    notes: list[str] = []
    padding = numbers(dataset, "PixelPaddingValue", 1, notes)
    limit = numbers(dataset, "PixelPaddingRangeLimit", 1, notes) or padding
    ignored = None
    if padding is not None and limit is not None:
        low, high = sorted((padding[0], limit[0]))
        ignored = (values >= low) & (values <= high)
    pixels, range_notes = scale_range(values, ignored=ignored)
    return pixels, [*notes, *range_notes]
