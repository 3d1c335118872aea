"""The plan as a lock file: decisions as JSON that people review. Text to value and back; whoever may open files does.

Keys are sorted, numbers rounded, and no clock is read, so the same decisions give the same bytes.
"""

from __future__ import annotations

import builtins
import dataclasses
import json
import math
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from sizing.consistency import inconsistencies
from sizing.errors import DamagedPlan, Problem
from sizing.older_plans import upgraded
from sizing.plan import Promise, SizingPlan
from sizing.spec.wording import shown

FORMAT = 3
OLDEST_FORMAT = 1  # that is still read: `older_plans` says it in the words of the present one
ESTIMATE_DIGITS = 4  # significant: predictions are no better, and float noise must not make a diff
STATED_DIGITS = 12  # significant, for what was asked: as it was written
USD_DECIMALS = 6  # of a price per hour: 100 machines for a month are off by at most 4 cents
USD_DIGITS = 6  # significant, of a price below that of any machine: a gigabyte of storage for an hour
SMALL_USD = 0.001
EXACT = frozenset({"quantity", "hours_per_month"})  # counted, not estimated
MOST_PROBLEMS = 5  # shown of one file

_RESTORE = "restore the file from version control, or work it out anew with `sizeup size --fresh`"


def dumps(plan: SizingPlan) -> str:
    """The text of the lock file, rounded, with a newline at its end."""
    return json.dumps(to_dict(plan), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str, *, source: str) -> SizingPlan:
    """
    The plan of a lock file's *text*.

    Raises:
        DamagedPlan: If the text was cut short, is no plan, or is of a newer format; names *source*.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except ValueError as error:
        raise DamagedPlan(source=source, what=_why_no_json(text, error), mend=_RESTORE) from None
    return from_dict(document, source=source)


def to_dict(plan: SizingPlan) -> dict[str, object]:
    """The plan, rounded, as the plain values of its JSON document."""
    kept = rounded(plan)
    fields = {field.name: _plain(getattr(kept, field.name)) for field in dataclasses.fields(kept)}
    return {"format": FORMAT, **fields}


def from_dict(document: object, *, source: str = "the plan") -> SizingPlan:
    """
    The plan of a JSON document.

    Raises:
        DamagedPlan: If a value is missing, unknown, or of another type than the plan needs, or the format is newer.

    A document of an older format gives the plan that it decided.
    """
    if not isinstance(document, Mapping):
        raise DamagedPlan(source=source, what="is no JSON object", mend=_RESTORE)
    _check_format(document.get("format"), source)
    problems: list[Problem] = []
    present = upgraded(document)
    decoded = _decode(SizingPlan, {key: present[key] for key in present if key != "format"}, "", problems)
    if not problems and isinstance(decoded, SizingPlan):
        problems += [Problem(path=path, what=what, mend=_RESTORE) for path, what in inconsistencies(decoded)]
    if problems or not isinstance(decoded, SizingPlan):
        raise DamagedPlan(source=source, what=_listed(problems), mend=_RESTORE)
    return decoded


def rounded(plan: SizingPlan) -> SizingPlan:
    """The plan as its file holds it: estimates to four significant digits, prices to the micro-dollar."""
    return dataclasses.replace(plan, **_rounded_fields(plan))


def _rounded_fields(value: object) -> dict[str, Any]:
    """All fields of a dataclass, as the file holds them; a whole number in a field of fractions becomes one."""
    fields = {}
    for name, hint in _hints(type(value)).items():  # type: ignore[arg-type]  # mypy takes classes for unhashable
        part = getattr(value, name)
        is_fraction = float in (hint, *get_args(hint)) and isinstance(part, int)
        fields[name] = _rounded(float(part) if is_fraction else part, name)
    return fields


def _rounded(value: object, name: str = "") -> object:
    """*value* as the file holds it; *name* is the field it stands in, whose unit says how it is rounded."""
    if isinstance(value, Promise):
        return _rounded_promise(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **_rounded_fields(value))
    if isinstance(value, tuple):
        return tuple(_rounded(part, name) for part in value)
    if not isinstance(value, float):
        return value
    if name.endswith("usd_per_hour") or name.startswith("usd_"):
        return _significant(value, USD_DIGITS) if value < SMALL_USD else round(value, USD_DECIMALS)
    return _significant(value, STATED_DIGITS if name in EXACT else ESTIMATE_DIGITS)


def _rounded_promise(promise: Promise) -> Promise:
    """The promise with rounded figures; rounding never turns a kept promise into a broken one."""
    asked = _significant(promise.asked, STATED_DIGITS)
    planned = _significant(promise.planned, ESTIMATE_DIGITS)
    is_kept = promise.planned <= promise.asked if promise.at_most else promise.planned >= promise.asked
    if is_kept:
        planned = min(planned, asked) if promise.at_most else max(planned, asked)
    return dataclasses.replace(
        promise,
        asked=asked,
        planned=planned,
        low=planned if promise.low >= planned else min(_significant(promise.low, ESTIMATE_DIGITS), planned),
        high=planned if promise.high <= planned else max(_significant(promise.high, ESTIMATE_DIGITS), planned),
        probability=_significant(promise.probability, ESTIMATE_DIGITS),
    )


def _significant(value: float, digits: int) -> float:
    """*value* to so many significant digits."""
    return float(f"{value:.{digits}g}")


def _plain(value: object) -> object:
    """A value as JSON holds it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.value if isinstance(value, StrEnum) else value


def _decode(kind: object, value: object, path: str, problems: list[Problem]) -> object:
    """*value* as the type *kind*; what does not fit is told in *problems*."""
    if get_origin(kind) is types.UnionType:
        (inner,) = (part for part in get_args(kind) if part is not types.NoneType)
        return None if value is None else _decode(inner, value, path, problems)
    if get_origin(kind) is tuple:
        parts = value if isinstance(value, list) else _wrong(value, "a list", path, problems)
        return tuple(_decode(get_args(kind)[0], part, f"{path}[{i}]", problems) for i, part in enumerate(parts))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_fields(kind, value, path, problems)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        members = {member.value: member for member in kind}
        known = isinstance(value, str) and value in members
        return members[str(value)] if known else _wrong(value, f"one of {', '.join(members)}", path, problems)
    return _decode_scalar(kind, value, path, problems)


def _decode_fields(kind: type, value: object, path: str, problems: list[Problem]) -> object:
    if not isinstance(value, Mapping):
        return _wrong(value, "an object", path, problems)
    hints = _hints(kind)
    at = f"{path}." if path else ""
    before = len(problems)
    unknown, missing = sorted(value.keys() - hints.keys()), sorted(hints.keys() - value.keys())
    problems += [Problem(path=f"{at}{name}", what="is no key of a plan", mend=_RESTORE) for name in unknown]
    problems += [Problem(path=f"{at}{name}", what="is missing", mend=_RESTORE) for name in missing]
    fields = {name: _decode(hints[name], value[name], f"{at}{name}", problems) for name in hints if name in value}
    return kind(**fields) if len(problems) == before else None


def _decode_scalar(kind: object, value: object, path: str, problems: list[Problem]) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match kind:
        case builtins.float:
            fits, expected = is_number, "a number"
            value = float(value) if isinstance(value, int) and fits else value
        case builtins.int:
            fits, expected = is_number and isinstance(value, int), "a whole number"
        case builtins.bool:
            fits, expected = isinstance(value, bool), "true or false"
        case builtins.str:
            fits, expected = isinstance(value, str), "text"
        case _:
            raise TypeError(f"a plan holds {kind}, which its lock file cannot")
    return value if fits else _wrong(value, expected, path, problems)


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _wrong(value: object, expected: str, path: str, problems: list[Problem]) -> tuple[()]:
    """Nothing, in place of a value that does not fit; it is told in *problems*."""
    problems.append(Problem(path=path, what=f"is {shown(value)}, but must be {expected}", mend=_RESTORE))
    return ()


def _check_format(found: object, source: str) -> None:
    is_number = isinstance(found, int) and not isinstance(found, bool)
    if is_number and isinstance(found, int) and found > FORMAT:
        raise DamagedPlan(
            source=source,
            what=f"is of format {found}, and this sizeup reads formats {OLDEST_FORMAT} to {FORMAT}",
            mend="upgrade sizeup to the version that wrote the plan",
        )
    if not is_number or not isinstance(found, int) or found < OLDEST_FORMAT:
        what = "states no format" if found is None else f"states the format {shown(found)}, but must state {FORMAT}"
        raise DamagedPlan(source=source, what=what, mend=_RESTORE)


def _why_no_json(text: str, error: ValueError) -> str:
    """What is wrong with a text that JSON cannot read."""
    if not text.strip():
        return "is empty"
    if "<<<<<<< " in text:
        return "holds the marks of a merge that was not resolved"
    if not text.rstrip().endswith("}"):
        return f"was cut short ({error})"
    return f"is no JSON ({error})"


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are all different; JSON itself would keep the last of two."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _listed(problems: list[Problem]) -> str:
    shown_first = "; ".join(f"{problem.path} {problem.what}" for problem in problems[:MOST_PROBLEMS])
    more = f"; and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
    return f"{shown_first}{more}"
