"""Whether a document of constants that someone gives can stand for the packaged one: every mistake, by its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sizing.calibration.fit import SHARES

OPTIONAL = frozenset({"measured", "version", "priors"})
OF_SHARES = (*SHARES, "link_share", "cache_bandwidth", "interference", "clumping")  # parts of their places


def mistakes(given: object, known: Mapping[str, Any], path: str = "constants") -> Iterator[str]:
    """Where *given* lacks what the document that is *known* to be right has, or holds there what cannot be."""
    if not isinstance(given, Mapping):
        yield f"{path} is no table"
        return
    for name, value in known.items():
        where = f"{path}.{name}"
        if name not in given:
            if name not in OPTIONAL:
                yield f"{where} is missing"
        elif name == "intervals":
            yield from _of_intervals(given[name], value, where)
        else:
            yield from _of_value(given[name], value, where)


def _of_value(given: object, known: object, path: str) -> Iterator[str]:
    if isinstance(known, Mapping):
        yield from mistakes(given, known, path)
    elif isinstance(known, list) and path.endswith(("classes", "engines")):
        yield from _of_rows(given, known, path)
    elif isinstance(known, int | float):
        yield from _of_number(given, path)


def _of_rows(given: object, known: Sequence[Mapping[str, Any]], path: str) -> Iterator[str]:
    if not isinstance(given, list) or len(given) != len(known):
        yield f"{path} should be a list of {len(known)}"
        return
    for mine, packaged_row in zip(given, known, strict=True):
        yield from mistakes(mine, packaged_row, f"{path} {packaged_row['name']}")


def _of_number(given: object, path: str) -> Iterator[str]:
    """What is wrong with one constant: each is above 0, and a share at most 1."""
    if not _is_amount(given):
        yield f"{path} is {given!r}, and should be a number above 0"
    elif isinstance(given, int | float) and given > 1 and any(name in path for name in OF_SHARES):
        yield f"{path} is {given!r}, and is a share: nothing reaches more than 1"


def _of_intervals(given: object, known: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with the intervals: each metric has one for all, and each a lower and an upper factor."""
    if not isinstance(given, Mapping):
        yield f"{path} is no table"
        return
    for metric in known:
        of_metric = given.get(metric)
        if not isinstance(of_metric, Mapping) or "any any" not in of_metric:
            yield f"{path}.{metric} has no interval 'any any'"
            continue
        for name, row in of_metric.items():
            if not isinstance(row, Mapping) or not (_is_amount(row.get("low")) and _is_amount(row.get("high"))):
                yield f"{path}.{metric}.{name} should have low and high, numbers above 0"


def _is_amount(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < math.inf
