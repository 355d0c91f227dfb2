"""Whatever is done to a film's file, it is read as a film or refused in one line, within time and memory."""

from __future__ import annotations

import io
import time
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from cephsure.errors import InputError
from cephsure.films import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

EXAMPLES = 60  # of each kind of file
MOST_SECONDS = 20.0  # 5 s and what a machine under load and the start of a process add

# What a header may be made to say, beside what it should.
NUMBERS = [0, 1, 2, 3, 7, 8, 12, 15, 16, 32, 80, 96, 97, 1000, 65_535]
TEXTS = {
    "PhotometricInterpretation": ["MONOCHROME1", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR", "X", ""],
    "VOILUTFunction": ["SIGMOID", "LINEAR_EXACT", "X"],
    "PresentationLUTShape": ["INVERSE", "IDENTITY"],
    "WindowCenter": ["0", "-5", "2000", "1e9", "40000"],
    "WindowWidth": ["0", "1", "0.5", "4096", "-3"],
    "RescaleSlope": ["0", "-1", "2.5", "1e-9"],
    "RescaleIntercept": ["-1024", "1e12"],
    "PixelSpacing": [["0.1", "0.2"], ["0", "0"], ["1e9", "1"], "0.1"],
    "PixelAspectRatio": [["1", "2"], ["0", "1"], ["900", "1"]],
}
WHOLE = [
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "NumberOfFrames",
    "PixelPaddingValue",
]
SYNTAXES = [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEG2000Lossless, uid.JPEGLSLossless]
SYNTAXES += [uid.RLELossless, uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian]


@pytest.fixture(scope="module")
def files(  # noqa: PLR0917 - fixtures
    grey8: NDArray[np.uint8],
    grey12: NDArray[np.uint16],
    encode: Callable[..., bytes],
    dataset_of: Callable[..., Dataset],
    dicom_bytes: Callable[[Dataset], bytes],
    transcode: Callable[[bytes, str], bytes],
) -> dict[str, bytes]:
    """A made film in every format."""
    exif = Image.Exif()
    exif[0x0112] = 6
    colour = np.repeat(grey8[..., None], 3, axis=2)
    made = {
        "png": encode(grey8, "PNG", exif=exif),
        "png16": encode(grey12, "PNG"),
        "png colour": encode(colour, "PNG"),
        "jpeg": encode(grey8, "JPEG", exif=exif),
        "jpeg colour": encode(colour, "JPEG"),
        "jpeg progressive": encode(grey8, "JPEG", progressive=True),
        "jpeg restarts": encode(grey8, "JPEG", restart_marker_blocks=3),
        "bmp": encode(grey8, "BMP"),
        "tiff big endian": encode(grey12.astype(">u2"), "TIFF"),
        "tiff float": encode(grey12.astype("f4"), "TIFF"),
    }
    for compression in ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        made[f"tiff {compression}"] = encode(grey8, "TIFF", compression=compression)
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.LUTData = np.arange(4096, dtype="<u2").tobytes()
    plain = dicom_bytes(dataset_of(grey12, 12, WindowCenter=2000, WindowWidth=4000, PixelPaddingValue=0))
    made["dicom"] = plain
    made["dicom 8"] = dicom_bytes(dataset_of(grey8, 8, "MONOCHROME1"))
    made["dicom table"] = dicom_bytes(dataset_of(grey12, 12, VOILUTSequence=Sequence([table])))
    made["dicom colour"] = dicom_bytes(dataset_of(colour, 8, "RGB"))
    for name in ("JPEGLosslessProcess14_1", "JPEGLSLossless", "RLELossless", "JPEG2000Lossless"):
        made[f"dicom {name}"] = transcode(plain, name)
    made["dicom deflated"] = transcode(plain, "DeflatedExplicitVRLittleEndian")
    made["dicom big endian"] = transcode(plain, "ExplicitVRBigEndian")
    compressed = dataset_of(grey8, 8)
    compressed.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    compressed.PixelData = encapsulate([made["jpeg"]], fragments_per_frame=2)
    compressed["PixelData"].VR = "OB"
    made["dicom jpeg"] = dicom_bytes(compressed)
    return made


KINDS = [
    *("png", "png16", "png colour", "jpeg", "jpeg colour", "jpeg progressive", "jpeg restarts", "bmp"),
    *("tiff big endian", "tiff float", "tiff raw", "tiff packbits", "tiff tiff_lzw", "tiff jpeg"),
    *("tiff tiff_adobe_deflate", "dicom", "dicom 8", "dicom table", "dicom colour", "dicom deflated"),
    *("dicom JPEGLosslessProcess14_1", "dicom JPEGLSLossless", "dicom RLELossless"),
    *("dicom JPEG2000Lossless", "dicom big endian", "dicom jpeg"),
]


@st.composite
def damages(draw: st.DrawFn, data: bytes) -> bytes:
    """Some bytes of a file changed, taken out, doubled, zeroed; the file cut, and perhaps closed."""
    damaged = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        size = len(damaged)
        if size < 2:
            break
        # Headers are short and matter more.
        at = draw(st.integers(0, size - 1) | st.integers(0, min(700, size - 1)))
        length = draw(st.sampled_from([1, 2, 4, 16, 100, 600]))
        how = draw(st.sampled_from(["flip", "zero", "remove", "double", "random", "cut", "close", "number"]))
        if how == "flip":
            damaged[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "zero":
            damaged[at : at + length] = bytes(len(damaged[at : at + length]))
        elif how == "remove":
            del damaged[at : at + length]
        elif how == "double":
            damaged[at:at] = damaged[at : at + length]
        elif how == "random":
            damaged[at : at + length] = draw(st.binary(min_size=length, max_size=length))
        elif how == "number":
            word = draw(st.sampled_from([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f"]))
            damaged[at : at + 4] = word
        else:
            closing = b"\xff\xd9\xfe\xff\xdd\xe0\x00\x00\x00\x00" if how == "close" else b""
            damaged[at:] = closing
    return bytes(damaged)


@st.composite
def headers(draw: st.DrawFn, data: bytes) -> bytes:
    """A DICOM file whose header says something else, or nothing."""
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    for _ in range(draw(st.integers(1, 3))):
        keyword = draw(st.sampled_from([*WHOLE, *TEXTS]))
        if draw(st.booleans()) and keyword in dataset:
            delattr(dataset, keyword)
            continue
        value: Any = draw(st.sampled_from(NUMBERS if keyword in WHOLE else TEXTS[keyword]))
        setattr(dataset, keyword, value)
    if draw(st.integers(0, 5)) == 0:
        dataset.file_meta.TransferSyntaxUID = draw(st.sampled_from(SYNTAXES))
    buffer = io.BytesIO()
    try:
        dataset.save_as(buffer)
    except Exception:  # noqa: BLE001 - what pydicom does not write is not tried
        return data
    return buffer.getvalue()


def read_or_refuse(data: bytes) -> None:
    """Read; anything but a film or one line, in time, fails the test."""
    started, line = time.perf_counter(), ""
    try:
        film = read(data)
    except InputError as error:
        line = str(error)
    else:
        assert film.pixels.ndim == 2
        assert film.pixels.dtype == np.float32
        assert min(film.pixels.shape) >= 64
        assert all(note.isprintable() for note in film.notes)
    assert line.isprintable()
    assert len(line) < 600
    assert time.perf_counter() - started < MOST_SECONDS


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_damaged_is_read(kind: str, files: dict[str, bytes]) -> None:
    film = read(files[kind])
    assert sorted(film.pixels.shape) == [80, 96]
    assert not any("missing" in note or "decoder" in note for note in film.notes)


def fuzz(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@fuzz(EXAMPLES)
@given(data=st.data())
def test_damaged_files(kind: str, data: st.DataObject, files: dict[str, bytes]) -> None:
    read_or_refuse(data.draw(damages(files[kind])))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("dicom")])
@fuzz(EXAMPLES)
@given(data=st.data())
def test_headers_that_say_something_else(kind: str, data: st.DataObject, files: dict[str, bytes]) -> None:
    read_or_refuse(data.draw(headers(files[kind])))


@pytest.mark.slow
@fuzz(EXAMPLES)
@given(data=st.data())
def test_damage_under_deflation(data: st.DataObject, files: dict[str, bytes]) -> None:
    whole = files["dicom deflated"]
    begin = 144 + int.from_bytes(whole[140:144], "little")
    damaged = data.draw(damages(zlib.decompress(whole[begin:], -zlib.MAX_WBITS)))
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    read_or_refuse(whole[:begin] + deflater.compress(damaged) + deflater.flush())
