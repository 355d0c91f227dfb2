from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate

from cephsure.errors import FilmError
from cephsure.films.dicom import read_dicom
from cephsure.films.film import DEFAULT_LIMITS, ReadLimits
from cephsure.films.third_party import captured_warnings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    Make = Callable[..., Dataset]
    Write = Callable[[Dataset], bytes]

VALUES = np.arange(6400, dtype=np.uint16).reshape(80, 80)


def without_preamble(dataset: Dataset, *, implicit: bool, little: bool = True) -> bytes:
    del dataset.file_meta
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "sop_class",
    [
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalIntraOralXRayImageStorageForPresentation,
        uid.SecondaryCaptureImageStorage,
        uid.XRayRadiofluoroscopicImageStorage,
    ],
)
def test_kinds_of_radiograph(
    sop_class: str,
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    dataset_of: Make,
    dicom_bytes: Write,
) -> None:
    picture = read_dicom(dicom_bytes(dataset_of(grey12, 12, sop_class=sop_class)), DEFAULT_LIMITS)
    assert picture.pixels.dtype == np.float32
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)
    assert picture.notes == ()


def test_eight_bits_are_value_over_255(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    picture = read_dicom(dicom_bytes(dataset_of(grey8, 8)), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=1e-7)
    wide = read_dicom(dicom_bytes(dataset_of(grey8.astype(np.uint16), 8)), DEFAULT_LIMITS)
    np.testing.assert_array_equal(wide.pixels, picture.pixels)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless])
def test_compressed_by_pydicom(
    syntax: str, grey12: NDArray[np.uint16], unit12: NDArray[np.float64], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(syntax)
    picture = read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "JPEGLosslessProcess14",
        "JPEGLosslessProcess14_1",
        "JPEG2000Lossless",
        "JPEGLSLossless",
        "RLELossless",
        "ImplicitVRLittleEndian",
        "ExplicitVRBigEndian",
        "DeflatedExplicitVRLittleEndian",
    ],
)
def test_written_by_gdcm(  # noqa: PLR0917 - fixtures
    name: str,
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    dataset_of: Make,
    dicom_bytes: Write,
    transcode: Callable[[bytes, str], bytes],
) -> None:
    picture = read_dicom(transcode(dicom_bytes(dataset_of(grey12, 12)), name), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)


def jpeg_in_dicom(stream: bytes, values: NDArray[np.uint8], dataset_of: Make, **attributes: Any) -> Dataset:
    dataset = dataset_of(values, 8, **attributes)
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return dataset


def test_jpeg_baseline(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write, encode: Callable[..., bytes]
) -> None:
    dataset = jpeg_in_dicom(encode(grey8, "JPEG", quality=95), grey8, dataset_of)
    picture = read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=0.05)


@pytest.mark.parametrize("implicit", [True, False])
def test_without_preamble(
    implicit: bool, grey12: NDArray[np.uint16], unit12: NDArray[np.float64], dataset_of: Make
) -> None:
    picture = read_dicom(without_preamble(dataset_of(grey12, 12), implicit=implicit), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)


def test_compressed_without_a_transfer_syntax(grey8: NDArray[np.uint8], dataset_of: Make) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.compress(uid.RLELossless)
    with pytest.raises(FilmError, match="does not say how its pixels are compressed"):
        read_dicom(without_preamble(dataset, implicit=False), DEFAULT_LIMITS)


def test_one_bit_a_pixel(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    dataset = dataset_of(grey8, 8, BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = np.packbits(grey8 > 127, bitorder="little").tobytes()
    np.testing.assert_array_equal(read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS).pixels, grey8 > 127)


def test_monochrome1_is_turned_round(
    grey8: NDArray[np.uint8],
    grey12: NDArray[np.uint16],
    unit12: NDArray[np.float64],
    dataset_of: Make,
    dicom_bytes: Write,
) -> None:
    picture = read_dicom(dicom_bytes(dataset_of(grey8, 8, "MONOCHROME1")), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, 1 - grey8 / 255, atol=1e-6)
    assert picture.notes == ("stored as a negative (MONOCHROME1): turned so that larger is brighter",)
    deep = read_dicom(dicom_bytes(dataset_of(grey12, 12, "MONOCHROME1")), DEFAULT_LIMITS)
    np.testing.assert_allclose(deep.pixels, 1 - unit12, atol=1e-6)


def test_rescaling_is_a_straight_line_whose_sign_alone_counts(
    grey12: NDArray[np.uint16], unit12: NDArray[np.float64], dataset_of: Make, dicom_bytes: Write
) -> None:
    up = dataset_of(grey12, 12, RescaleSlope="2.5", RescaleIntercept="-1024", RescaleType="US")
    np.testing.assert_allclose(read_dicom(dicom_bytes(up), DEFAULT_LIMITS).pixels, unit12, atol=1e-6)
    down = dataset_of(grey12, 12, RescaleSlope="-1", RescaleIntercept="4095")
    np.testing.assert_allclose(read_dicom(dicom_bytes(down), DEFAULT_LIMITS).pixels, 1 - unit12, atol=1e-6)
    twice = dataset_of(grey12, 12, "MONOCHROME1", RescaleSlope="-1", RescaleIntercept="4095")
    np.testing.assert_allclose(read_dicom(dicom_bytes(twice), DEFAULT_LIMITS).pixels, unit12, atol=1e-6)


def test_signed_values(
    grey12: NDArray[np.uint16], unit12: NDArray[np.float64], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey12.astype(np.int16) - 2048, 16)
    np.testing.assert_allclose(read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS).pixels, unit12, atol=1e-6)


def test_signed_values_behind_a_codec_that_knows_no_sign(
    grey12: NDArray[np.uint16],
    dataset_of: Make,
    dicom_bytes: Write,
    transcode: Callable[[bytes, str], bytes],
) -> None:
    values = (grey12 // 2).astype(np.int16) - 1024
    expected = (values - values.min()) / (int(values.max()) - int(values.min()))
    for name in ("JPEGLosslessProcess14_1", "JPEG2000Lossless", "RLELossless"):
        data = transcode(dicom_bytes(dataset_of(values, 12)), name)
        np.testing.assert_allclose(read_dicom(data, DEFAULT_LIMITS).pixels, expected, atol=1e-6)


def test_overlays_in_the_upper_bits_are_cleared(
    grey12: NDArray[np.uint16], unit12: NDArray[np.float64], dataset_of: Make, dicom_bytes: Write
) -> None:
    with_overlay = grey12.copy()
    with_overlay[20:40, 20:40] |= 0x8000
    picture = read_dicom(dicom_bytes(dataset_of(with_overlay, 12)), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, unit12, atol=1e-6)
    at_the_top = dataset_of(grey12 << 4, 12, HighBit=15)
    np.testing.assert_allclose(read_dicom(dicom_bytes(at_the_top), DEFAULT_LIMITS).pixels, unit12, atol=1e-6)


def test_padding_has_no_say(grey12: NDArray[np.uint16], dataset_of: Make, dicom_bytes: Write) -> None:
    values = grey12.astype(np.int16)
    values[:, :5] = -2000
    picture = read_dicom(dicom_bytes(dataset_of(values, 16, PixelPaddingValue=-2000)), DEFAULT_LIMITS)
    rest = values[:, 5:].astype(float)
    np.testing.assert_allclose(
        picture.pixels[:, 5:], (rest - rest.min()) / (rest.max() - rest.min()), atol=1e-6
    )
    assert (picture.pixels[:, :5] == 0).all()


def test_rgb_without_colour(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    rgb = np.repeat(grey8[..., None], 3, axis=2)
    picture = read_dicom(dicom_bytes(dataset_of(rgb, 8, "RGB")), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, grey8 / 255, atol=1e-7)
    deep = read_dicom(dicom_bytes(dataset_of(rgb.astype(np.uint16) * 257, 16, "RGB")), DEFAULT_LIMITS)
    np.testing.assert_allclose(deep.pixels, grey8 / 255, atol=1e-7)
    planes = dataset_of(rgb, 8, "RGB", PlanarConfiguration=1)
    planes.PixelData = rgb.transpose(2, 0, 1).tobytes()
    np.testing.assert_array_equal(read_dicom(dicom_bytes(planes), DEFAULT_LIMITS).pixels, picture.pixels)


def test_colour_is_refused(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    rgb = np.stack([grey8, grey8[::-1], 255 - grey8], axis=2)
    with pytest.raises(FilmError, match="in colour"):
        read_dicom(dicom_bytes(dataset_of(rgb, 8, "RGB")), DEFAULT_LIMITS)


def test_palette_of_greys(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    table = (np.arange(256, dtype=np.uint16) * 257)[::-1].tobytes()
    attributes: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        attributes[f"{colour}PaletteColorLookupTableData"] = table
    picture = read_dicom(dicom_bytes(dataset_of(grey8, 8, "PALETTE COLOR", **attributes)), DEFAULT_LIMITS)
    np.testing.assert_allclose(picture.pixels, 1 - grey8 / 255, atol=1e-6)


def test_stated_scales_are_handed_on(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    dataset = dataset_of(grey8, 8, PixelSpacing=[0.2, 0.1], PixelSpacingCalibrationType="GEOMETRY")
    stated = read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS).stated
    assert (stated.pixel_mm, stated.calibration_type) == ((0.2, 0.1), "GEOMETRY")


def test_several_frames_are_refused(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    dataset = dataset_of(grey8, 8, NumberOfFrames=2)
    dataset.PixelData = grey8.tobytes() * 2
    with pytest.raises(FilmError, match="holds 2 frames"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)
    assert read_dicom(dicom_bytes(dataset_of(grey8, 8, NumberOfFrames=1)), DEFAULT_LIMITS).notes == ()


def test_no_pixels(grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write) -> None:
    dataset = dataset_of(grey8, 8)
    del dataset.PixelData
    with pytest.raises(FilmError, match="no pixel data"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)


def test_size_is_checked_before_anything_is_decoded(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    huge = dataset_of(grey8, 8, Rows=60000, Columns=60000)
    with pytest.raises(FilmError, match="60000 x 60000 pixels, more than the limit"):
        read_dicom(dicom_bytes(huge), DEFAULT_LIMITS)
    with pytest.raises(FilmError, match="too small"):
        read_dicom(dicom_bytes(dataset_of(grey8[:1, :1], 8)), DEFAULT_LIMITS)


def test_a_stream_larger_than_its_header_says_is_refused_undecoded(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write, encode: Callable[..., bytes]
) -> None:
    dataset = jpeg_in_dicom(encode(np.tile(grey8, (3, 2)), "JPEG"), grey8, dataset_of)
    with pytest.raises(FilmError, match="pixels are 160 x 288, the header says 80 x 96"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)


def test_a_deflated_bomb_is_not_inflated(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    dataset.PixelData = bytes(4_000_000)
    data = dicom_bytes(dataset)
    assert len(data) < 10_000
    with pytest.raises(FilmError, match=r"inflates to more than the limit of 1\.0 MiB"):
        read_dicom(data, ReadLimits(max_file_bytes=2**20))


@pytest.mark.parametrize("syntax", [None, uid.RLELossless, uid.JPEG2000Lossless, "deflated"])
def test_a_file_cut_off_anywhere_is_refused(
    syntax: str | None, grey12: NDArray[np.uint16], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey12, 12)
    if syntax == "deflated":
        dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    elif syntax is not None:
        dataset.compress(syntax)
    data = dicom_bytes(dataset)
    # Deflated data sets are padded to an even length by one byte that nothing needs.
    longest = len(data) - (syntax == "deflated") * 2
    if syntax in (uid.RLELossless, uid.JPEG2000Lossless):
        longest -= 8  # the delimiter after compressed pixels, which whole ones do without
    for end in [*range(longest - 1, longest - 12, -1), *range(400, longest, longest // 20)]:
        with captured_warnings(), pytest.raises(FilmError, match="cut off"):
            read_dicom(data[:end], DEFAULT_LIMITS)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("missing", [1, 4, 7, 8])
def test_compressed_pixels_do_without_the_delimiter_after_them(
    missing: int, syntax: str, grey12: NDArray[np.uint16], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey12, 12)
    dataset.compress(syntax)
    data = dicom_bytes(dataset)
    assert data[-8:] == b"\xfe\xff\xdd\xe0" + bytes(4)
    whole = read_dicom(data, DEFAULT_LIMITS)
    closed = read_dicom(data[:-missing], DEFAULT_LIMITS)
    np.testing.assert_array_equal(closed.pixels, whole.pixels)


def test_a_codestream_cut_off_in_a_whole_file_is_refused(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write, encode: Callable[..., bytes]
) -> None:
    stream = encode(grey8, "JPEG")
    dataset = jpeg_in_dicom(stream[: len(stream) // 2], grey8, dataset_of)
    with pytest.raises(FilmError, match="compressed pixels are cut off"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)


def test_fewer_pixels_than_the_header_says(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.PixelData = dataset.PixelData[:-100]
    with pytest.raises(FilmError, match="cut off: 7580 bytes of pixels, the header says 7680"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)


def test_a_light_install_reads_what_it_can_and_says_what_to_install(
    grey12: NDArray[np.uint16],
    dataset_of: Make,
    dicom_bytes: Write,
    transcode: Callable[[bytes, str], bytes],
    tmp_path: Path,
) -> None:
    plain = dicom_bytes(dataset_of(grey12, 12))
    for name in ("RLELossless", "JPEGLosslessProcess14_1"):
        (tmp_path / name).write_bytes(transcode(plain, name))
    (tmp_path / "plain").write_bytes(plain)
    (tmp_path / "hidden").mkdir()
    for module in ("gdcm", "pylibjpeg", "openjpeg"):  # found first, by the process that decodes too
        (tmp_path / "hidden" / f"{module}.py").write_text("raise ImportError")
    code = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from cephsure.films import read\n"
        "for name in sys.argv[2:]:\n"
        "    try: print(read(name).pixels.shape)\n"
        "    except ValueError as error: print(error)\n"
    )
    names = ("hidden", "plain", "RLELossless", "JPEGLosslessProcess14_1")
    files = [str(tmp_path / name) for name in names]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    plain_line, run_length_line, lossless_line = done.stdout.splitlines()
    assert (plain_line, run_length_line) == ("(96, 80)", "(96, 80)")
    assert "JPEG Lossless" in lossless_line
    assert "decoder that is not installed" in lossless_line
    assert lossless_line.endswith("(pip install 'cephsure[dicom]')")


def test_an_unknown_compression_is_named(
    grey8: NDArray[np.uint8], dataset_of: Make, dicom_bytes: Write
) -> None:
    dataset = dataset_of(grey8, 8)
    dataset.file_meta.TransferSyntaxUID = uid.MPEG2MPML
    dataset.PixelData = encapsulate([b"\x00\x00"])
    dataset["PixelData"].VR = "OB"
    with pytest.raises(FilmError, match=r"MPEG2 .* cannot be read"):
        read_dicom(dicom_bytes(dataset), DEFAULT_LIMITS)


def test_damage_that_the_decoder_only_mutters_about_is_refused(
    grey12: NDArray[np.uint16],
    dataset_of: Make,
    dicom_bytes: Write,
    transcode: Callable[[bytes, str], bytes],
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = transcode(dicom_bytes(dataset_of(grey12, 12)), "JPEGLosslessProcess14_1")
    # Take 2000 bytes out of the middle of the entropy-coded data; its frame stays whole and of its length.
    scan = data.index(b"\xff\xda") + 100
    end = data.rindex(b"\xff\xd9")
    shorter = data[: scan + 3000] + data[scan + 5000 : end] + b"\xff\xd9" + bytes(2000) + data[end + 2 :]
    with pytest.raises(FilmError, match="end too early"):
        read_dicom(shorter, DEFAULT_LIMITS)
    assert capfd.readouterr().err == ""
