"""Films from DICOM files (CR, DX, SC, PX, IO, RF and the like), through pydicom.

Of the header the layout of the pixels, what makes grey of them and the stated scales are read, malformed or
not. Up to 8 stored bits a value is divided by 2^bits - 1; more bits are scaled by the range that is useful:
see `cephsure.films.dicom_grey` and `cephsure.films.grey_range`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.errors import FilmError
from cephsure.films.dicom_file import read_dataset_of, transfer_syntax
from cephsure.films.dicom_grey import grey_of_dicom
from cephsure.films.dicom_header import pixel_layout, stated_scales
from cephsure.films.dicom_pixels import decode_pixels
from cephsure.films.film import Picture
from cephsure.films.third_party import captured_warnings

if TYPE_CHECKING:
    from cephsure.films.film import ReadLimits


def read_dicom(data: bytes, limits: ReadLimits) -> Picture:
    """Read a DICOM image of one frame, with or without preamble; its header is held to the limits first.

    Raises:
        FilmError: if there is no image, more than one, if it is cut off, too large, coloured or blank, if
            its pixels contradict its header, or if the decoder for its compression is not installed.
        Exception: whatever pydicom and its decoders raise for content they cannot read.
    """
    with captured_warnings():
        dataset, rest_notes = read_dataset_of(data, limits)
        if "PixelData" not in dataset:
            raise FilmError("the DICOM file holds no pixel data: no image, or cut off before it")
        layout = pixel_layout(dataset)
        limits.check_size(layout.columns, layout.rows)
        syntax = transfer_syntax(dataset)
    # Outside, since other threads wait for the warnings, and decoding in another process takes its time.
    values, decoder_notes = decode_pixels(dataset, layout, syntax, limits)
    with captured_warnings():
        pixels, notes = grey_of_dicom(values, dataset, layout)
        stated, scale_notes = stated_scales(dataset)
    return Picture(pixels, stated, (*layout.notes, *rest_notes, *decoder_notes, *notes, *scale_notes))
