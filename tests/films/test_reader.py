from __future__ import annotations

import hashlib
import io
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import uid

from cephsure.errors import FilmError, InputError
from cephsure.films import Film, FilmFacts, ReadLimits, Spacing, SpacingSource, read, read_facts, with_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FUZZ = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def write(folder: Path, data: bytes, name: str = "film.dat") -> Path:
    file = folder / name
    file.write_bytes(data)
    return file


@pytest.fixture(scope="module")
def valid_files(  # noqa: PLR0917 - fixtures
    grey8: NDArray[np.uint8],
    grey12: NDArray[np.uint16],
    encode: Callable[..., bytes],
    dataset_of: Callable[..., Any],
    dicom_bytes: Callable[[Any], bytes],
    transcode: Callable[[bytes, str], bytes],
) -> dict[str, bytes]:
    """One valid file of each kind of decoder."""
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = dicom_bytes(dataset_of(grey12, 12, PixelSpacing=[0.1, 0.1]))
    compressed = dataset_of(grey12, 12)
    compressed.compress(uid.JPEG2000Lossless)
    run_length = dataset_of(grey12, 12)
    run_length.compress(uid.RLELossless)
    return {
        "png": encode(grey8, "PNG"),
        "png16": encode(grey12, "PNG"),
        "jpeg": encode(grey8, "JPEG", exif=exif),
        "progressive jpeg": encode(grey8, "JPEG", progressive=True),
        "bmp": encode(grey8, "BMP"),
        "tiff": encode(grey8, "TIFF", dpi=(300, 300)),
        "big-endian tiff": encode(grey12.astype(">u2"), "TIFF"),
        "lzw tiff": encode(grey12, "TIFF", compression="tiff_lzw"),
        "deflated tiff": encode(grey8, "TIFF", compression="tiff_adobe_deflate"),
        "dicom": plain,
        "rle dicom": dicom_bytes(run_length),
        "jpeg 2000 dicom": dicom_bytes(compressed),
        "jpeg lossless dicom": transcode(plain, "JPEGLosslessProcess14_1"),
    }


KINDS = [
    "png",
    "png16",
    "jpeg",
    "progressive jpeg",
    "bmp",
    "tiff",
    "big-endian tiff",
    "lzw tiff",
    "deflated tiff",
    "dicom",
    "rle dicom",
    "jpeg 2000 dicom",
    "jpeg lossless dicom",
]


def read_or_refuse(file: Path) -> Film | None:
    """Read; anything but a valid film or one `FilmError` line fails the test."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            film = read(file)
    except FilmError as error:
        line = str(error)
    else:
        line = ""
    if line:
        assert line.startswith(f"{file}: ")
        assert "\n" not in line
        return None
    assert film.pixels.dtype == np.float32
    assert film.pixels.ndim == 2
    assert min(film.pixels.shape) >= 64
    assert film.pixels.min() >= 0
    assert film.pixels.max() <= 1
    return film


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_its_name_a_file_is_read_by_its_content(
    kind: str, valid_files: dict[str, bytes], tmp_path: Path
) -> None:
    file = write(tmp_path, valid_files[kind], "film.txt")
    film = read(str(file))
    assert film.path == file
    assert sorted((film.width_px, film.height_px)) == [80, 96]


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_refused(kind: str, valid_files: dict[str, bytes], tmp_path: Path) -> None:
    data = valid_files[kind]
    # gdcm pads nothing and pydicom neither: the last byte belongs to every one of these files, but for the
    # delimiter of eight bytes after compressed pixels.
    last = len(data) - 8 * (data[-8:] == b"\xfe\xff\xdd\xe0" + bytes(4))
    for end in [last - 1, last - 7, len(data) * 9 // 10, len(data) // 2, 600, 100, 20, 3]:
        assert read_or_refuse(write(tmp_path, data[:end])) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@FUZZ
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    kind: str, data: st.DataObject, valid_files: dict[str, bytes], tmp_path: Path
) -> None:
    damaged = bytearray(valid_files[kind])
    # Headers are short and matter more, so half of the flips go there.
    where = st.integers(0, len(damaged) - 1) | st.integers(0, min(700, len(damaged) - 1))
    for position, bit in data.draw(st.lists(st.tuples(where, st.integers(0, 7)), min_size=1, max_size=6)):
        damaged[position] ^= 1 << bit
    end = data.draw(st.just(len(damaged)) | st.integers(1, len(damaged)))
    read_or_refuse(write(tmp_path, bytes(damaged[:end])))


def test_nothing_is_printed(
    valid_files: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for kind in KINDS:
            for _ in range(12):
                damaged = bytearray(valid_files[kind])
                for position in rng.integers(0, len(damaged), 3):
                    damaged[position] ^= 1 << int(rng.integers(8))
                try:
                    read(write(tmp_path, bytes(damaged)))
                except FilmError:
                    continue
    assert capfd.readouterr() == ("", "")


def png_header_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_decompression_bomb_is_refused_at_once(tmp_path: Path) -> None:
    started = time.perf_counter()
    with pytest.raises(FilmError, match="100000 x 100000 pixels, more than the limit"):
        read(write(tmp_path, png_header_of(100_000, 100_000)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"not an image", "a text file, not a film"),
        (b"%PDF-1.4\n%\xe2\xe3", "a PDF document, not a film"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive, not a film"),
        (b"GIF89a" + bytes(40), "a GIF image, not a film"),
        (bytes(range(256)), "unknown kind, not a film"),
    ],
)
def test_other_files_called_png(data: bytes, words: str, tmp_path: Path) -> None:
    file = write(tmp_path, data, "film.png")
    with pytest.raises(FilmError, match=words) as caught:
        read(file)
    assert caught.value.where == file


def test_a_file_that_is_not_there_a_directory_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="there is no such file"):
        read(tmp_path / "missing.png")
    with pytest.raises(FilmError, match="a directory, not a film"):
        read(tmp_path)
    with pytest.raises(FilmError, match="name is not possible"):
        read("film\x00.png")
    with pytest.raises(FilmError, match="cannot be read"):
        read(tmp_path / ("x" * 5000))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(FilmError, match="not a regular file"):
            read(tmp_path / "pipe.png")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file = write(tmp_path, b"anything")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests may run as root, who may read all
    with pytest.raises(FilmError, match="may not be read"):
        read(file)


def test_file_size_is_checked_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, bytes(2000))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(FilmError, match="more than the limit"):
        read(file, limits=ReadLimits(max_file_bytes=1000))


def test_one_pixel_blank_and_colour(tmp_path: Path, encode: Callable[..., bytes]) -> None:
    for values, words in [
        (np.zeros((1, 1), np.uint8), "1 x 1 pixels: too small"),
        (np.full((100, 100), 128, np.uint8), "blank"),
        (np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8), "in colour"),
    ]:
        with pytest.raises(FilmError, match=words):
            read(write(tmp_path, encode(values, "PNG")))


def test_memory_that_does_not_suffice(
    valid_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("cephsure.films.raster.read_raster", starve)
    with pytest.raises(FilmError, match="does not fit into memory"):
        read(write(tmp_path, valid_files["png"]))


def test_third_party_errors_become_one_line_and_stay_as_the_cause(
    valid_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("first line\nsecond \x1b[31m line")

    monkeypatch.setattr("cephsure.films.raster.read_raster", fail)
    with pytest.raises(FilmError, match="PNG file damaged or of an unsupported kind") as caught:
        read(write(tmp_path, valid_files["png"]))
    assert str(caught.value).isprintable()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_raster_file_has_the_users_scale(valid_files: dict[str, bytes], tmp_path: Path) -> None:
    raster = write(tmp_path, valid_files["tiff"], "film.tif")
    assert read(raster).spacing is None
    film = read(raster, mm_per_px=0.125)
    assert film.spacing == Spacing(0.125, 0.125, SpacingSource.USER)
    assert film.notes == ("its resolution tag (300 dpi) is no calibration: ignored",)


def test_the_users_scale_goes_before_the_files_and_the_difference_is_said_once(
    tmp_path: Path,
    grey8: NDArray[np.uint8],
    dataset_of: Callable[..., Any],
    dicom_bytes: Callable[[Any], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    stated = dataset_of(
        grey8, 8, ImagerPixelSpacing=[0.12, 0.11], EstimatedRadiographicMagnificationFactor="1.1"
    )
    path = write(tmp_path, dicom_bytes(stated))
    known = read(path).spacing
    assert known is not None
    assert known.source is SpacingSource.IMAGER_MAGNIFICATION
    assert (known.x_mm_per_px, known.y_mm_per_px) == pytest.approx((0.11 / 1.1, 0.12 / 1.1))
    films = [read(path, mm_per_px=0.2) for _ in range(2)]
    assert films[0].spacing == Spacing(0.2, pytest.approx(0.2 * 12 / 11), SpacingSource.USER)
    difference = f"the given 0.2 x 0.2182 mm per pixel is used: the file states 0.1 x 0.1091 ({known.source})"
    assert films[0].notes[-1] == difference
    # Said of the film by name, once however often it is read.
    assert [record.getMessage() for record in caplog.records] == [f"{path}: {difference}"]


def test_a_film_is_known_without_its_pixels(
    valid_files: dict[str, bytes],
    tmp_path: Path,
    grey8: NDArray[np.uint8],
    dataset_of: Callable[..., Any],
    dicom_bytes: Callable[[Any], bytes],
) -> None:
    of_dataset = Spacing(0.3, 0.3, SpacingSource.DATASET)
    raster = write(tmp_path, valid_files["png"], "film.png")
    plain = write(tmp_path, dicom_bytes(dataset_of(grey8, 8)), "plain.dcm")
    stating = write(tmp_path, dicom_bytes(dataset_of(grey8, 8, PixelSpacing=[0.1, 0.1])), "stating.dcm")
    for path in (raster, plain, stating):
        for options in ({}, {"mm_per_px": 0.1}, {"of_dataset": of_dataset}):
            film = read(path, **options)  # type: ignore[arg-type]
            facts = FilmFacts(film.spacing, hashlib.sha256(path.read_bytes()).hexdigest())
            assert read_facts(path, **options) == facts  # type: ignore[arg-type]
            assert film.sha256 == facts.sha256
    assert read_facts(stating, of_dataset=of_dataset).spacing == Spacing(0.1, 0.1, SpacingSource.UNVERIFIED)
    with pytest.raises(FilmError, match="no such file"):
        read_facts(tmp_path / "missing.png")


@pytest.mark.parametrize("mm_per_px", [float("nan"), float("inf"), 0.0, -1.0, 10.0])
def test_an_impossible_scale_is_refused_before_the_file_is_looked_at(
    mm_per_px: float, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not possible") as caught:
        read(tmp_path / "missing.png", mm_per_px=mm_per_px)
    assert not isinstance(caught.value, FilmError)


def test_a_tiff_whose_metadata_is_cut_off_is_refused(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes], tmp_path: Path
) -> None:
    data = bytearray(encode(grey8, "TIFF", dpi=(300, 300)))
    entry = data.index(struct.pack("<HHI", 282, 5, 1))  # XResolution stands elsewhere: point behind the end
    data[entry + 8 : entry + 12] = struct.pack("<I", len(data) - 4)
    with pytest.raises(FilmError, match="metadata of the TIFF file is damaged or cut off"):
        read(write(tmp_path, bytes(data)))


def test_the_room_opens_without_its_heavy_libraries() -> None:
    code = (
        "import sys, cephsure.films; "
        "print([name for name in ('numpy', 'scipy', 'PIL', 'pydicom', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_raster_is_read_without_pydicom_and_scipy(valid_files: dict[str, bytes], tmp_path: Path) -> None:
    file = write(tmp_path, valid_files["png"])
    code = (
        "import sys; from cephsure.films import read; read(sys.argv[1]); "
        "print([name for name in ('scipy', 'pydicom', 'torch') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.shared
def test_films_of_both_sites(shared_data: Path) -> None:
    film = read(shared_data / "isbi2015" / "RawImage" / "TrainingData" / "001.jpg")
    assert (film.width_px, film.height_px, film.spacing) == (1935, 2400, None)
    film = read(next(iter(sorted((shared_data / "hamedan" / "pictures").glob("*.png")))))
    assert (film.width_px, film.height_px, film.spacing) == (1340, 1671, None)


def test_bytes_and_streams_are_read_as_files_are(valid_files: dict[str, bytes], tmp_path: Path) -> None:
    for kind in ("png16", "dicom", "jpeg lossless dicom", "lzw tiff"):
        data = valid_files[kind]
        expected = read(write(tmp_path, data), mm_per_px=0.2)
        for source in (data, bytearray(data), memoryview(data), io.BytesIO(data)):
            film = read(source, mm_per_px=0.2)
            np.testing.assert_array_equal(film.pixels, expected.pixels)
            assert (film.path, film.sha256, film.spacing) == (None, expected.sha256, expected.spacing)
        with open(tmp_path / "film.dat", "rb") as file:  # noqa: PTH123 - any open file
            assert read(file).sha256 == expected.sha256


def test_an_array_is_a_film_without_a_file(grey8: NDArray[np.uint8]) -> None:
    film = read(grey8, mm_per_px=(0.2, 0.4))
    np.testing.assert_allclose(film.pixels, grey8 / 255, atol=1e-7)
    assert (film.path, film.sha256) == (None, None)
    assert film.spacing == Spacing(0.2, 0.4, SpacingSource.USER)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "the given bytes: the file is empty"),
        (b"some text", "the given bytes: a text file, not a film"),
        (io.StringIO("some text"), "the given stream: the stream gives text, not bytes"),
        (np.zeros((80, 80, 3)), "the given array: an array of a film has two dimensions"),
        (17, "int is no film"),
        (None, "NoneType is no film"),
    ],
)
def test_other_sources_are_named(source: Any, words: str) -> None:
    with pytest.raises(FilmError, match=f"^{words}"):
        read(source)


def test_a_stream_is_read_no_further_than_the_limit() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    with pytest.raises(FilmError, match="more than the limit"):
        read(Endless(), limits=ReadLimits(max_file_bytes=3_000_000))  # type: ignore[arg-type]


def test_a_scale_given_to_a_film_goes_before_its_own(grey8: NDArray[np.uint8]) -> None:
    film = Film((grey8 / 255).astype(np.float32))
    assert with_scale(film, None) is film
    assert with_scale(film, 0.2).spacing == Spacing(0.2, 0.2, SpacingSource.USER)
    assert with_scale(film, 0.2).notes == ()
    of_file = replace(film, spacing=Spacing(0.1, 0.15, SpacingSource.CALIBRATED))
    given = with_scale(of_file, 0.2)
    assert given.spacing == Spacing(0.2, pytest.approx(0.3), SpacingSource.USER)
    assert "the given 0.2 x 0.3 mm per pixel is used: the file states 0.1 x 0.15" in given.notes[-1]
    with pytest.raises(InputError, match="not possible"):
        with_scale(film, -1)


def test_the_data_set_s_scale_goes_behind_the_film_s_own(
    tmp_path: Path,
    grey8: NDArray[np.uint8],
    dataset_of: Callable[..., Any],
    dicom_bytes: Callable[[Any], bytes],
) -> None:
    of_dataset = Spacing(0.3, 0.3, SpacingSource.DATASET)
    stating = write(tmp_path, dicom_bytes(dataset_of(grey8, 8, PixelSpacing=[0.1, 0.1])), "stating.dcm")
    silent = write(tmp_path, dicom_bytes(dataset_of(grey8, 8)), "silent.dcm")
    assert read(stating, of_dataset=of_dataset).spacing == Spacing(0.1, 0.1, SpacingSource.UNVERIFIED)
    assert read(silent, of_dataset=of_dataset).spacing == of_dataset
    assert read(silent, of_dataset=of_dataset, mm_per_px=0.2).spacing == Spacing(0.2, 0.2, SpacingSource.USER)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not let such names be")
def test_a_name_that_is_not_decodable_or_has_control_characters(
    valid_files: dict[str, bytes], tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xfcller\n\x1b[31m.png"))
    odd.write_bytes(valid_files["png"])
    assert read(odd).path == odd
    odd.write_bytes(b"no film at all")
    with pytest.raises(FilmError) as caught:
        read(odd)
    assert str(caught.value).isprintable()
    assert "m%FCller%0A%1B[31m.png: a text file" in str(caught.value)
    assert caught.value.where == odd


def test_the_pixels_shape_that_a_file_states_without_a_scale(
    grey8: NDArray[np.uint8], dataset_of: Callable[..., Any], dicom_bytes: Callable[[Any], bytes]
) -> None:
    assert read(dicom_bytes(dataset_of(grey8, 8, PixelAspectRatio=[3, 2]))).pixel_aspect == 1.5
    assert read(dicom_bytes(dataset_of(grey8, 8, PixelAspectRatio=[3, 0]))).pixel_aspect == 1
    assert read(dicom_bytes(dataset_of(grey8, 8, PixelAspectRatio=[900, 1]))).pixel_aspect == 1
