"""YAML with line numbers, read as every YAML reader in the chain reads it.

The engine reads stack files in Go, the preview in Python. Text that YAML 1.1 and 1.2 take for different values (yes,
012, 1:30, a date) is kept as text here, so it is told as a mistake instead of meaning one thing in one place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from sizing.errors import Problem
from sizing.spec.wording import path_text

Path = tuple[str | int, ...]

_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML file holds: plain values, the line of each, and what is wrong with its form."""

    value: object
    lines: Mapping[Path, int]  # 1-based line of each key and item
    problems: tuple[Problem, ...]  # keys that stand twice or are no text

    def line(self, path: Path) -> int | None:
        """The line of *path*, or of the nearest place above it that is written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) text."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    return text


def read(text: str) -> Document:
    """
    The document in *text*.

    Raises:
        yaml.YAMLError: If the text is no YAML.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    reading = _Reading()
    value = None if root is None else reading.value(root, ())
    return Document(value=value, lines=reading.lines, problems=tuple(reading.problems))


class _Reading:
    """One walk over the nodes of a document."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._open: list[yaml.Node] = []  # nodes that the walk is inside of

    def value(self, node: yaml.Node, path: Path) -> object:
        if any(node is outer for outer in self._open):
            self._wrong(node, path, "holds itself", "write the values out")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
            is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
            return scalar(str(node.value)) if is_plain else str(node.value)
        finally:
            self._open.pop()

    def _item(self, node: yaml.Node, path: Path) -> object:
        self.lines[path] = _line(node)
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self._wrong(key, path, "has a key that is no text, or merges keys", "write the keys out")
                continue
            at = (*path, str(key.value))
            if key.value in found:
                self._wrong(key, at, f"stands twice; first in line {self.lines[at]}", "keep one of them")
                continue
            self.lines[at] = _line(key)
            found[key.value] = self.value(item, at)
        return found

    def _wrong(self, node: yaml.Node, path: Path, what: str, mend: str) -> None:
        self.problems.append(Problem(path=path_text(path) or "the file", what=what, mend=mend, line=_line(node)))


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
