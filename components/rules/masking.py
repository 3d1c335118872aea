"""Violations without secrets: rules compare what is secret, and tell nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.graph import Graph, Secret, Value
from components.rules.reading import shown
from components.rules.rule import Violation

MASK = "[secret]"


def without_secrets(violation: Violation, secrets: Sequence[str]) -> Violation:
    """*violation* with each of *secrets* that its text would tell replaced by [secret]."""
    told = violation.text
    for secret in secrets:
        told = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, told)
    return violation if told == violation.text else replace(violation, text=told)


def secrets_of(graph: Graph) -> list[str]:
    """Every secret text and number of *graph*, whole and as messages cut it, the longest first."""
    found = {text for one in graph.resources for text in _inside(dict(one.inputs), secret=False)}
    return sorted(found, key=lambda text: (-len(text), text))


def _inside(value: Value, *, secret: bool) -> Iterator[str]:
    match value:
        case Secret():
            yield from _inside(value.value, secret=True)
        case dict():
            for item in value.values():
                yield from _inside(item, secret=secret)
        case list():
            for item in value:
                yield from _inside(item, secret=secret)
        case str() | int() | float() if secret and not isinstance(value, bool):
            yield from {str(value), shown(value)} - {"", shown("")}
