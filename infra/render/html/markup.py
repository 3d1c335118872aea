"""HTML elements as values: what is put in is escaped by the serializer, never by hand."""

from __future__ import annotations

from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | None"


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Element:
    """
    One element with its children in order; None is left out, text is text whatever it holds.

    Attributes are named as in HTML, with `_` for `-` and a trailing underscore where Python reserves the name:
    `data_op`, `class_`. None and False leave an attribute out; True gives one without a value.
    """
    built = Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            built.set(name.rstrip("_").replace("_", "-"), "" if value is True else _text(value))
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            built.append(child)
            last = child
        elif child is not None and last is None:
            built.text = (built.text or "") + child
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + child
    return built


def page(root: Element) -> str:
    """The document of *root*, an `html` element."""
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def _text(value: str | float) -> str:
    """A number without more digits than a drawing needs."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
