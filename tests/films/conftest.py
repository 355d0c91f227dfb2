"""Fixtures for the films: small pictures, and writers of raster and DICOM files of them."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def decoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films are decoded in this process, as by a program without an interpreter beside it.

    What is decoded is the same; it is quicker, and measured. `test_child` is about the process.
    """
    monkeypatch.setattr(sys, "frozen", True, raising=False)


@pytest.fixture(scope="session")
def grey8() -> NDArray[np.uint8]:
    """A picture of 96 rows and 80 columns that is different under every turn and uses 0 and 255."""
    y, x = np.mgrid[0:96, 0:80]
    noise = np.random.default_rng(1).integers(0, 20, x.shape)
    values = np.clip(2 * x + y + noise - 10, 0, 255).astype(np.uint8)
    values[0, :2] = 0, 255
    return values


@pytest.fixture(scope="session")
def grey12(grey8: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The same with 12 bits, from 100 to 4000."""
    values = 100 + grey8.astype(np.uint16) * 15 + np.random.default_rng(2).integers(0, 15, grey8.shape)
    values[0, :2] = 100, 4000
    return np.clip(values, 100, 4000).astype(np.uint16)


@pytest.fixture(scope="session")
def unit12(grey12: NDArray[np.uint16]) -> NDArray[np.float64]:
    """What `grey12` must be read as: its range spread over [0, 1], by the definition."""
    return (grey12 - 100.0) / 3900.0


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Give ``encode(array or image, format, **options) -> bytes`` of a raster file."""

    def write(picture: Any, kind: str, **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return write


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    """Give ``dataset_of(values, bits, photometric=..., sop_class=..., **attributes) -> Dataset``."""

    def make(
        values: NDArray[Any],
        bits: int,
        photometric: str = "MONOCHROME2",
        sop_class: str = uid.ComputedRadiographyImageStorage,
        **attributes: Any,
    ) -> Dataset:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
        dataset.Modality = "CR"
        dataset.Rows, dataset.Columns = values.shape[:2]
        dataset.SamplesPerPixel = 3 if values.ndim == 3 else 1
        if values.ndim == 3:
            dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = photometric
        dataset.BitsAllocated = values.dtype.itemsize * 8
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        dataset.PixelRepresentation = int(values.dtype.kind == "i")
        dataset.PixelData = values.tobytes()
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dataset

    return make


@pytest.fixture(scope="session")
def dicom_bytes() -> Callable[[Dataset], bytes]:
    """Give ``dicom_bytes(dataset) -> bytes`` of a file with preamble and meta group."""

    def write(dataset: Dataset) -> bytes:
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
        return buffer.getvalue()

    return write


@pytest.fixture(scope="session")
def transcode(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, str], bytes]:
    """Give ``transcode(file, name) -> bytes``: the DICOM file in a transfer syntax as gdcm names it."""

    def convert(data: bytes, name: str) -> bytes:
        gdcm = pytest.importorskip("gdcm", reason="python-gdcm writes the compressed films of this test")
        folder: Path = tmp_path_factory.mktemp("gdcm")
        (folder / "in.dcm").write_bytes(data)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(folder / "in.dcm"))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(folder / "out.dcm"))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return (folder / "out.dcm").read_bytes()

    return convert
