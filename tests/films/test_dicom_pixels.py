from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate

from cephsure.errors import FilmError
from cephsure.films import read
from cephsure.films.dicom_pixels import first_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    Make = Callable[..., Dataset]
    Write = Callable[[Dataset], bytes]

pytestmark = pytest.mark.usefixtures("decoded_here")

ITEM = b"\xfe\xff\x00\xe0"


def item(body: bytes, length: int | None = None) -> bytes:
    return ITEM + struct.pack("<I", len(body) if length is None else length) + body


def test_a_frame_of_several_fragments() -> None:
    assert first_frame(item(b"") + item(b"ab") + item(b"cd")) == b"abcd"
    assert first_frame(item(b"\x00\x00\x00\x00") + item(b"ab")) == b"ab"
    delimiter = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    assert first_frame(item(b"") + item(b"abcd", 0xFFFFFFFF) + delimiter) == b"abcd"
    assert first_frame(item(b"") + item(b"ab") + delimiter + b"more") == b"ab"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (item(bytes(8)) + item(b"ab") + item(b"cd"), "holds 2 frames"),
        (item(b"") + item(b"ab", 9), "cut off"),
        (b"nothing", "no fragments"),
        (item(b"") * 100_001, "more pieces"),
    ],
)
def test_fragments_that_make_no_frame(data: bytes, words: str) -> None:
    with pytest.raises(FilmError, match=words):
        first_frame(data)


@pytest.fixture
def film_of(dataset_of: Make, dicom_bytes: Write) -> Callable[..., bytes]:
    """Give ``film_of(values, bits, stream, syntax, **attributes)``: a file with that compressed stream."""

    def make(
        values: NDArray[Any], bits: int, stream: bytes, syntax: str = uid.JPEGBaseline8Bit, **attributes: Any
    ) -> bytes:
        dataset = dataset_of(values, bits)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR = "OB"
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dicom_bytes(dataset)

    return make


def test_twice_the_pixels_that_the_header_says(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.PixelData = 2 * dataset.PixelData
    with pytest.raises(FilmError, match="15360 bytes, the header says 7680"):
        read(dicom_bytes(dataset))


def test_padding_after_the_pixels_is_allowed_and_noted(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.PixelData += bytes(1000)
    film = read(dicom_bytes(dataset))
    np.testing.assert_allclose(film.pixels, grey8 / 255, atol=1e-7)
    assert film.notes == ("1000 bytes after the last pixel: ignored",)


def test_a_stream_of_three_components_in_a_grey_film(
    grey8: NDArray[np.uint8], film_of: Callable[..., bytes], encode: Callable[..., bytes]
) -> None:
    stream = encode(np.repeat(grey8[..., None], 3, axis=2), "JPEG")
    with pytest.raises(FilmError, match="have 3 components, the header says 1 sample a pixel"):
        read(film_of(grey8, 8, stream))


def test_a_stream_of_more_bits_than_the_header_says(
    grey8: NDArray[np.uint8], film_of: Callable[..., bytes], encode: Callable[..., bytes]
) -> None:
    stream = encode(grey8, "JPEG")
    with pytest.raises(FilmError, match="have 8 bits, the header says 7"):
        read(film_of(grey8, 8, stream, BitsStored=7, HighBit=6))


def test_a_jpeg_that_was_cut_and_closed(
    grey8: NDArray[np.uint8], film_of: Callable[..., bytes], encode: Callable[..., bytes]
) -> None:
    stream = encode(grey8, "JPEG")
    film_of(grey8, 8, stream)
    with pytest.raises(FilmError, match="stream ends before the last row"):
        read(film_of(grey8, 8, stream[: len(stream) * 2 // 3].rstrip(b"\xff") + b"\xff\xd9"))


def test_lossy_jpeg_of_12_bits(
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    dataset_of: Make,
    dicom_bytes: Write,
    transcode: Callable[[bytes, str], bytes],
) -> None:
    data = transcode(dicom_bytes(dataset_of(grey12, 12)), "JPEGExtendedProcess2_4")
    film = read(data)
    assert abs(film.pixels - unit12).mean() < 0.02
    assert not any("decoder" in note for note in film.notes)


@pytest.mark.parametrize("padding", [b"", b"\x00", b"\xff", b"\xff\x00\x17"])
def test_a_jpeg_2000_stream_with_padding_of_any_value(
    padding: bytes,
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    dataset_of: Make,
    film_of: Callable[..., bytes],
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(uid.JPEG2000Lossless)
    stream = first_frame(dataset.PixelData)
    stream = stream[: stream.rindex(b"\xff\xd9") + 2]
    film = read(film_of(grey12, 12, stream + padding, uid.JPEG2000Lossless))
    np.testing.assert_allclose(film.pixels, unit12, atol=1e-6)


@pytest.mark.parametrize("name", ["JPEGLSLossless", "JPEGLosslessProcess14_1", "JPEG2000Lossless"])
def test_other_streams_that_were_cut_and_closed(  # noqa: PLR0917 - fixtures
    name: str,
    grey12: NDArray[np.uint16],
    dataset_of: Make,
    dicom_bytes: Write,
    film_of: Callable[..., bytes],
    transcode: Callable[[bytes, str], bytes],
) -> None:
    import io

    import pydicom

    data = transcode(dicom_bytes(dataset_of(grey12, 12)), name)
    dataset = pydicom.dcmread(io.BytesIO(data))
    stream, syntax = first_frame(dataset.PixelData), dataset.file_meta.TransferSyntaxUID
    assert read(film_of(grey12, 12, stream, syntax)).pixels.shape == grey12.shape
    for share in (0.3, 0.6, 0.9):
        half = stream[: int(share * len(stream))].rstrip(b"\xff") + b"\xff\xd9"
        with pytest.raises(FilmError):
            read(film_of(grey12, 12, half, syntax))


@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_eight_bits_in_big_endian(vr: str, grey8: NDArray[np.uint8], dataset_of: Make) -> None:
    import io

    import pydicom

    dataset = dataset_of(grey8, 8)
    del dataset.file_meta
    if vr == "OW":  # words of two pixels, which the writer takes as they are
        dataset.PixelData = grey8.reshape(-1, 2)[:, ::-1].tobytes()
    dataset["PixelData"].VR = vr
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=False, little_endian=False, enforce_file_format=False)
    np.testing.assert_allclose(read(buffer.getvalue()).pixels, grey8 / 255, atol=1e-7)


def test_colour_whose_planar_configuration_is_missing(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PixelData = np.repeat(grey8[..., None], 3, axis=2).tobytes()
    film = read(dicom_bytes(dataset))
    np.testing.assert_allclose(film.pixels, grey8 / 255, atol=1e-7)
    assert film.notes == ("PlanarConfiguration is missing in the header: taken as 0 (colour by pixel)",)


def test_a_stream_s_own_bits_and_sign_are_believed(
    grey12: NDArray[np.uint16], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(uid.JPEG2000Lossless)
    plain = read(dicom_bytes(dataset))
    dataset.BitsStored, dataset.HighBit = 10, 9
    film = read(dicom_bytes(dataset))
    np.testing.assert_array_equal(film.pixels, plain.pixels)
    assert film.notes == ("the compressed pixels have 12 bits, the header says 10: read as they are",)
    signed = dataset_of(grey12.astype(np.int16) - 2048, 12)
    signed.compress(uid.JPEG2000Lossless)
    signed.PixelRepresentation = 0
    film = read(dicom_bytes(signed))
    np.testing.assert_allclose(film.pixels, plain.pixels, atol=1e-6)
    assert film.notes == ("the compressed pixels have a sign, the header says not: read with it",)


def test_a_lossless_stream_with_a_hole_is_refused(
    grey12: NDArray[np.uint16], dataset_of: Make, dicom_bytes: Write, transcode: Callable[[bytes, str], bytes]
) -> None:
    noisy = grey12 + np.random.default_rng(3).integers(0, 90, grey12.shape).astype(np.uint16)
    data = transcode(dicom_bytes(dataset_of(noisy, 16)), "JPEGLosslessProcess14_1")
    middle = data.index(b"\xff\xda") + 1500
    with pytest.raises(FilmError, match="damaged"):
        read(data[:middle] + bytes(400) + data[middle + 400 :])


def test_rle_of_many_runs_is_counted_within_the_limits_of_decoding(
    monkeypatch: pytest.MonkeyPatch, grey8: NDArray[np.uint8], film_of: Callable[..., bytes]
) -> None:
    """A byte a run makes counting them slow: the process that decodes does it, whose time is limited."""
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"".join(bytes((0, value)) for value in grey8.ravel())
    data = film_of(grey8, 8, frame, uid.RLELossless)
    np.testing.assert_allclose(read(data).pixels, grey8 / 255, atol=1e-7)

    def nowhere_else(*_: Any, **__: Any) -> None:
        raise RuntimeError("in the child")

    monkeypatch.setattr("cephsure.films.dicom_pixels.decode", nowhere_else)
    monkeypatch.setattr("cephsure.films.dicom_pixels.check_rle", lambda *_, **__: pytest.fail("counted here"))
    with pytest.raises(FilmError, match="in the child"):
        read(data)
