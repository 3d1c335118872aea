"""A spec as it is written, with something else in some places: `requests_per_s=5..100`, `chat.tpot_p95_s=0.03`.

Where a key stands follows from the forms, so every key of a spec can be changed as soon as it is there. What comes out
is read like any spec, by `read_spec`, which tells of values that cannot be.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from sizing.errors import InvalidSpec, Problem
from sizing.spec.change_values import Times, Value, WrongValueError, value_text, values_of
from sizing.spec.fields import Form
from sizing.spec.form import SpecForm
from sizing.spec.lengths_form import LengthsForm
from sizing.spec.wording import did_you_mean
from sizing.spec.workload_form import WorkloadForm

PRICE = "price"
MOST_POINTS = 400
SOURCE = "the command"
_KEYS = "keys are those of a stack file: sizeup.schema.json beside it has them all"
_ARRIVALS = "requests_per_s"  # of one workload: several have hardly the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one key of a spec is written."""

    path: tuple[str, ...]  # from the spec, or from a workload
    of_workload: bool
    is_list: bool  # holds a list: one value is a list of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is changed, and the values that it is given in turn."""

    key: str  # as it was asked for: chat.tpot_p95_s, price:p5.48xlarge
    values: tuple[Value, ...]
    place: Place | None = None  # None: a price
    workload: str | None = None  # None: of every workload, or of the spec itself
    priced: tuple[str, ...] = ()  # of a price: the machine or accelerator, and the purchase mode where one is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value for each change."""

    settings: tuple[tuple[Change, Value], ...]

    @property
    def prices(self) -> tuple[tuple[Change, Value], ...]:
        """What is changed on the market instead of in the spec."""
        return tuple((change, value) for change, value in self.settings if change.place is None)

    def __str__(self) -> str:
        """What is asked, as it is written: requests_per_s=40 tpot_p95_s=0.03."""
        return " ".join(f"{change.key}={value_text(value)}" for change, value in self.settings)


def read_changes(texts: Sequence[str], *, workloads: Sequence[str]) -> tuple[Change, ...]:
    """
    The changes that *texts* ask for, each `key=value`, for a spec with *workloads*.

    Raises:
        InvalidSpec: With every mistake: unknown keys, values that cannot be read, keys that stand twice.
    """
    problems: list[Problem] = []
    changes: list[Change] = []
    for text in texts:
        key, equals, values = text.partition("=")
        try:
            if not equals:
                raise WrongValueError("has no value", "write key=value, like requests_per_s=40")  # noqa: TRY301
            change = _change(key, values_of(values), workloads)
            if change.key in {one.key for one in changes}:
                raise WrongValueError("is changed twice", "give each key once, its values between commas")  # noqa: TRY301
            changes.append(change)
        except WrongValueError as error:
            problems.append(Problem(path=key or text, what=error.what, mend=error.mend))
    if not problems and (many := _product(changes)) > MOST_POINTS:
        mend = f"ask for fewer values: {MOST_POINTS} points at most"
        problems.append(Problem(path=" ".join(texts), what=f"asks for {many:,} points", mend=mend))
    if problems:
        raise InvalidSpec(tuple(problems), source=SOURCE)
    return tuple(changes)


def points(changes: Sequence[Change]) -> tuple[Point, ...]:
    """Every combination of values, the last change varying fastest."""
    return tuple(
        Point(settings=tuple(zip(changes, values, strict=True)))
        for values in itertools.product(*(change.values for change in changes))
    )


def changed(settings: Mapping[str, object], point: Point) -> dict[str, object]:
    """
    The *settings* of a spec with the values of *point* in their places; they must be a spec that can be read.

    Raises:
        InvalidSpec: If a factor is asked of something that is no number, or not written.
    """
    tried: dict[str, object] = copy.deepcopy(dict(settings))
    problems: list[Problem] = []
    for change, value in point.settings:
        if change.place is None:
            continue
        holders = list(_holders(tried, change))
        if isinstance(value, Times):  # of those that state it
            holders = [one for one in holders if _is_written(one, change.place)] or holders
        for holder in holders:
            try:
                _put(holder, change.place, value)
            except WrongValueError as error:
                problems.append(Problem(path=change.key, what=error.what, mend=error.mend))
    if problems:
        raise InvalidSpec(tuple(dict.fromkeys(problems)), source=SOURCE)
    return tried


def _product(changes: Iterable[Change]) -> int:
    return math.prod(len(change.values) for change in changes)


def _change(key: str, values: tuple[Value, ...], workloads: Sequence[str]) -> Change:
    if key.startswith(f"{PRICE}:"):
        return Change(key=key, values=values, priced=_priced(key, values))
    name, dot, rest = key.partition(".")
    workload = name if dot and name in workloads else None
    known = _places()
    if workload is not None:
        known = {word: place for word, place in known.items() if place.of_workload} | _of_workloads()
    place = known.get(rest if workload is not None else key)
    if place is None:
        names = [*known, *(f"{one}.{_ARRIVALS}" for one in workloads), f"{PRICE}:MACHINE"]
        raise WrongValueError("is no key that is known here", did_you_mean(key, names, otherwise=_KEYS))
    many = place.of_workload and workload is None and len(workloads) > 1
    if many and place.path[-1] == _ARRIVALS and not all(isinstance(value, Times) for value in values):
        mend = f"write {workloads[0]}.{key}=..., or {key}=*1.5 for half as much again of every one"
        raise WrongValueError(f"is of one workload, and the stack has {len(workloads)}", mend)
    return Change(key=key, values=values, place=place, workload=workload)


def _priced(key: str, values: tuple[Value, ...]) -> tuple[str, ...]:
    named = tuple(key.split(":")[1:])
    if not named[0] or len(named) > 2:
        raise WrongValueError("names no machine", "write price:p5.48xlarge=*1.2, or price:p5.48xlarge:spot=20")
    for value in values:
        if not isinstance(value, Times | int | float) or isinstance(value, bool) or _amount(value) < 0:
            mend = "write *1.2 for a fifth more, or the price in USD per hour"
            raise WrongValueError(f"is {value_text(value)}, which is no price", mend)
    return named


def _amount(value: Times | float) -> float:
    return value.factor if isinstance(value, Times) else value


@cache
def _places() -> dict[str, Place]:
    """Where each key is written, by its name and by its path: a key of the spec before one of a workload."""
    found: dict[str, Place] = {}
    for place in (*_leaves(SpecForm, of_workload=False), *_leaves(WorkloadForm, of_workload=True)):
        for name in (place.path[-1], ".".join(place.path)):
            found.setdefault(name, place)
    return found


@cache
def _of_workloads() -> dict[str, Place]:
    """The same within a workload, where its own keys stand before those of the spec."""
    found: dict[str, Place] = {}
    for place in _leaves(WorkloadForm, of_workload=True):
        for name in (place.path[-1], ".".join(place.path)):
            found.setdefault(name, place)
    return found


def _leaves(form: type[Form], *, of_workload: bool, path: tuple[str, ...] = ()) -> Iterator[Place]:
    """Every key of *form* that holds a value or a list of values, in the order of the form."""
    for name, field in form.model_fields.items():
        within = _form_in(field.annotation)
        if within is None or within is LengthsForm:
            is_list = "list[" in str(field.annotation)
            yield Place(path=(*path, field.alias or name), of_workload=of_workload, is_list=is_list)
        elif within is not WorkloadForm and "list[" not in str(field.annotation):
            yield from _leaves(within, of_workload=of_workload, path=(*path, field.alias or name))


def _form_in(annotation: object) -> type[Form] | None:
    """The form that a field holds, alone, or in a list or a choice; None where it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation
    return next((form for part in get_args(annotation) if (form := _form_in(part)) is not None), None)


def _holders(settings: dict[str, object], change: Change) -> Iterator[dict[str, object]]:
    """What the key of *change* is written in: the spec, or each workload that is meant."""
    if change.place is None or not change.place.of_workload:
        yield settings
        return
    workloads = settings.get("workloads")
    for workload in workloads if isinstance(workloads, list) else ():
        if isinstance(workload, dict) and change.workload in {None, workload.get("name")}:
            yield workload


def _is_written(holder: object, place: Place) -> bool:
    for key in place.path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder is not None


def _put(holder: dict[str, object], place: Place, value: Value) -> None:
    *above, last = place.path
    for key in above:
        inner = holder.get(key)
        holder[key] = holder = inner if isinstance(inner, dict) else {}
    if value is None:
        holder.pop(last, None)
    elif isinstance(value, Times):
        holder[last] = _scaled(holder.get(last), value.factor)
    elif isinstance(value, tuple) or place.is_list:
        holder[last] = list(value) if isinstance(value, tuple) else [value]
    else:
        holder[last] = _with_mean(holder.get(last), value)


def _scaled(written: object, factor: float) -> object:
    """What is written, *factor* times; of lengths, each of them."""
    if isinstance(written, dict):
        return {key: _scaled(value, factor) for key, value in written.items()}
    if isinstance(written, bool) or not isinstance(written, int | float):
        what = "is not written, so nothing is there to multiply" if written is None else "is no number"
        raise WrongValueError(what, "give a value")
    number = float(f"{written * factor:.12g}")
    return int(number) if number.is_integer() else number


def _with_mean(written: object, value: str | float) -> object:
    """The value; lengths that are told by more than their mean keep their shape about the new one."""
    mean = written.get("mean") if isinstance(written, dict) else None
    if isinstance(mean, int | float) and isinstance(value, int | float) and mean > 0:
        return _scaled(written, value / mean)
    return value
