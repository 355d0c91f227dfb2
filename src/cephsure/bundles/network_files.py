"""Where an ONNX network takes its weights from, read from the file's bytes: without the package onnx.

A network is a protobuf message: fields of a number, a kind and a content, some of which are messages again.
Only what may hold a tensor is looked into. The numbers are those of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 32
"""Messages inside each other; graphs in graphs in graphs are no network of ours."""

# Message -> the fields that hold messages with tensors in them, and which message those are.
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION, _TRAINING = range(8)
_HOLDS: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
}
_EXTERNAL_DATA = 13
_LOCATION = b"location"
"""The key under which a tensor names the file that its numbers are in."""


class WeightPlace(NamedTuple):
    """A part of another file: its name as the network has it, and the byte where the part ends at least."""

    location: str
    end: int


def weight_places(content: bytes) -> set[WeightPlace]:
    """All parts of other files that a network's tensors are in.

    Raises:
        ValueError: the bytes are no such message, or a place is no place.
    """
    places: set[WeightPlace] = set()
    waiting = [(_MODEL, content, 0)]
    while waiting:
        kind, message, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if kind == _TENSOR:
            entries = [_entry(inner) for number, inner in _messages(message) if number == _EXTERNAL_DATA]
            places |= {_place(dict(entries))} if entries else set()
            continue
        inside = _HOLDS[kind]
        for number, inner in _messages(message):
            # A look at the bytes spares looking into nearly all nodes.
            if number in inside and (kind == _MODEL or _LOCATION in inner):
                waiting.append((inside[number], inner, depth + 1))
    return places


def _place(told: dict[str, str]) -> WeightPlace:
    location = told.get("location", "")
    if not location:
        raise ValueError("a weight's file has no name")
    try:
        offset, length = (int(told.get(key, "0")) for key in ("offset", "length"))
    except ValueError:
        raise ValueError("a weight's place in its file is no number") from None
    if offset < 0 or length < 0:
        raise ValueError("a weight's place in its file is negative")
    return WeightPlace(location, offset + length)


def _entry(message: bytes) -> tuple[str, str]:
    """A key and its value."""
    fields = dict(_messages(message))
    return fields.get(1, b"").decode("utf-8"), fields.get(2, b"").decode("utf-8")


def _messages(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that hold bytes, with their numbers; the others are passed over."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(message, at)
            if size > end - at:
                raise ValueError("it is cut short")
            yield tag >> 3, message[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("it is damaged")
    if at > end:
        raise ValueError("it is cut short")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and the place after it."""
    value = shift = 0
    for byte in message[at : at + 10]:
        at += 1
        if byte < 128:
            return value | byte << shift, at
        value |= (byte & 127) << shift
        shift += 7
    raise ValueError("it is cut short")
