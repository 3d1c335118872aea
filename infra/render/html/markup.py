"""HTML elements as values: what is put in is escaped by the serializer, never by hand."""

from __future__ import annotations

from importlib import resources
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


def document(title: str, *body: Element, allowed: str) -> str:
    """A whole page with the style that all have; *allowed* is its content security policy."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=allowed),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", packaged("page.css")),
    )
    root = element("html", head, element("body", *body), lang="en")
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def packaged(name: str) -> str:
    """The text of a file that lies beside this one."""
    return resources.files("infra.render.html").joinpath(name).read_text("utf-8")


def _text(value: str | float) -> str:
    """A number without more digits than a drawing needs."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
