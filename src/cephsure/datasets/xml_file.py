"""XML from unknown hands: no entities, no document type, nothing fetched, depth and size limited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from cephsure.errors import AnnotationError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_ELEMENTS, _MOST_DEPTH = 2_000_000, 64


@dataclass(slots=True)
class Element:
    """An element, its attributes, the elements in it, and its line."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def attribute(self, name: str, path: Path) -> str:
        """An attribute; `AnnotationError` where it is absent or empty."""
        value = self.attributes.get(name, "")
        if not value.strip():
            raise AnnotationError(f"{self.tag[:40]}: {name} is missing", where=self.where(path))
        return value

    def where(self, path: Path) -> str:
        """File and line, for errors."""
        return f"{path}:{self.line}"


def read_xml(text: str, *, where: Path) -> Element:
    """The first element of a document; texts between elements are passed over.

    Raises:
        AnnotationError: it is no XML, has a document type or entities, or is too large or too deep.
    """
    parser = expat.ParserCreate("utf-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    open_elements: list[Element] = [Element("", {}, 0)]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS or len(open_elements) > _MOST_DEPTH:
            raise AnnotationError("has too many elements, or too many inside each other", where=where)
        element = Element(tag, attributes, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def refuse(*_: Any) -> None:
        raise AnnotationError("has a document type or entities, which are not read", where=where)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    for handler in ("StartDoctypeDeclHandler", "EntityDeclHandler", "ExternalEntityRefHandler"):
        setattr(parser, handler, refuse)
    try:
        # Whatever encoding it names, the text has been decoded already.
        parser.Parse(text.encode("utf-8"), True)
    except AnnotationError:
        raise
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise AnnotationError(f"is not valid XML: {what}", where=f"{where}:{error.lineno}") from error
    except (UnicodeEncodeError, ValueError) as error:
        raise AnnotationError("is not valid XML: its text cannot be read", where=where) from error
    return open_elements[0].children[0]
