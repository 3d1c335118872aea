"""How mistakes speak of what was written: paths, values, and what a misspelt word may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

_MOST = 3  # guesses that are told, and letters that a part of a word must have
_CLOSE = 0.6  # share of characters that must agree: the default of difflib
_AS_CLOSE = 0.05  # a guess that is so much worse than the best is not told


def nearest(word: str, words: Iterable[str]) -> tuple[str, ...]:
    """
    Up to three of *words* that *word* may have meant, whatever their case, best first.

    Words of the same letters are likeliest (a swap); beside them only words that look more alike are told. Without a
    swap, words that look alike, and else those that contain it (h100).
    """
    lower = word.lower()
    by_lower = {candidate.lower(): candidate for candidate in words}
    swapped = [candidate for candidate in by_lower if sorted(candidate) == sorted(lower)]
    alike = difflib.get_close_matches(lower, by_lower, n=_MOST, cutoff=_CLOSE)
    found = [*swapped, *(one for one in alike if one not in swapped)]
    if not found and len(lower) >= _MOST:
        return tuple(by_lower[candidate] for candidate in sorted(by_lower, key=len) if lower in candidate)[:_MOST]
    likeness = {candidate: difflib.SequenceMatcher(None, lower, candidate).ratio() for candidate in found}
    least = max((likeness[one] for one in swapped), default=likeness[found[0]] - _AS_CLOSE if found else 0.0)
    return tuple(by_lower[one] for one in found if one in swapped or likeness[one] > least)[:_MOST]


def did_you_mean(word: str, words: Sequence[str], *, otherwise: str) -> str:
    """The mend of a word that is not one of *words*: the nearest ones, or *otherwise*."""
    found = nearest(word, words)
    return f"did you mean {' or '.join(found)}?" if found else otherwise


def path_text(path: Sequence[str | int], *, prefix: str = "") -> str:
    """A path as a person writes it: workloads[0].traffic.requests_per_s."""
    text = prefix
    for position, part in enumerate(path):
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if position else part
    return text.rstrip(":")


def shown(value: object) -> str:
    """A value as a person wrote it, shortened."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return "a mapping"
    text = f"{value:g}" if isinstance(value, float) else str(value) or "''"
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_written(value: object) -> str:
    """A value of an example, as YAML has it in one line: [{region: us-east-1, quota: L-417A185B, limit: 384}]."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {as_written(of_key)}' for key, of_key in value.items())}}}"
    return f"[{', '.join(map(as_written, value))}]" if isinstance(value, list) else shown(value)


def together(values: Iterable[object]) -> str:
    """Values in words: a, b and c."""
    *rest, last = [str(value) for value in values]
    return f"{', '.join(rest)} and {last}" if rest else last
