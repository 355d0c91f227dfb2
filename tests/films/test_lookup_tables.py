from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cephsure.films.lookup_tables import LookupTable, items, lookup_table

ENTRIES = np.arange(256, dtype=np.uint16)[::-1] * 257


def table(descriptor: Any, data: Any, *, little: bool = True, signed: bool = False) -> LookupTable | None:
    dataset = Dataset()
    dataset.LUTDescriptor = descriptor
    if data is not None:
        dataset.add_new("LUTData", "OW", data)
    return lookup_table(dataset, "LUTDescriptor", "LUTData", is_little_endian=little, is_signed=signed)


@pytest.mark.parametrize("little", [True, False])
def test_words_in_either_byte_order(little: bool) -> None:
    found = table([256, 0, 16], ENTRIES.astype("<u2" if little else ">u2").tobytes(), little=little)
    assert found is not None
    np.testing.assert_array_equal(found.entries, ENTRIES)
    np.testing.assert_array_equal(found.apply(np.array([[0, 255]], np.uint8)), [[65_535, 0]])


@pytest.mark.parametrize("little", [True, False])
def test_bytes_packed_in_words(little: bool) -> None:
    packed = np.arange(256, dtype=np.uint8)
    data = packed if little else packed.reshape(-1, 2)[:, ::-1]
    found = table([256, 0, 8], data.tobytes(), little=little)
    assert found is not None
    np.testing.assert_array_equal(found.entries, packed)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int32])
def test_values_outside_take_the_ends(kind: type) -> None:
    found = LookupTable(10, np.array([5, 6, 7], np.uint16), 8)
    values = np.array([0, 9, 10, 11, 12, 13, 100], dtype=kind)
    assert found.apply(values).tolist() == [5, 5, 5, 6, 7, 7, 7]


def test_negative_first_values_are_told_by_the_pixels_sign() -> None:
    data = np.arange(10, dtype="<u2").tobytes()
    signed = table([10, 65_531, 16], data, signed=True)
    assert signed is not None
    assert signed.apply(np.array([-5, 4], np.int16)).tolist() == [0, 9]
    unsigned = table([10, 65_531, 16], data)
    assert unsigned is not None
    assert unsigned.first == 65_531


def test_zero_entries_are_65536() -> None:
    found = table([0, 0, 16], np.arange(65_536).astype("<u2").tobytes())
    assert found is not None
    assert len(found.entries) == 65_536


@pytest.mark.parametrize(
    ("descriptor", "data"),
    [([256, 0, 16], b"\x00\x01"), ([256, 0, 17], ENTRIES.tobytes()), ([256, 0, 16], None)],
)
def test_malformed_tables_are_none(descriptor: Any, data: Any) -> None:
    assert table(descriptor, data) is None
    assert lookup_table(Dataset(), "LUTDescriptor", "LUTData", is_little_endian=True, is_signed=False) is None


def test_items_of_a_sequence_and_of_what_is_too_large() -> None:
    dataset = Dataset()
    assert items(dataset, "VOILUTSequence") == []
    dataset.VOILUTSequence = Sequence([Dataset(), Dataset()])
    assert len(items(dataset, "VOILUTSequence")) == 2
    buffer = io.BytesIO()
    many = Dataset()
    many.VOILUTSequence = Sequence([Dataset()])
    pydicom.dcmwrite(buffer, many, implicit_vr=False, little_endian=True, enforce_file_format=False)
    empty_items = 300_000 * b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    head = b"\x28\x00\x10\x30SQ\x00\x00" + len(empty_items).to_bytes(4, "little")
    read = pydicom.dcmread(io.BytesIO(head + empty_items), force=True)
    assert "VOILUTSequence" in read
    assert items(read, "VOILUTSequence") == []
