"""
Whether a component is called as it says: told before anything is registered, with the line of the call.

A type checker tells the same earlier, where one is used; Pulumi programs are often run without one, and then a text
where a number belongs, or a dictionary where arguments belong, shows up deep inside a component or not at all.

Messages name kinds, never values: an argument may be a secret.
"""

from __future__ import annotations

import collections.abc
import difflib
import functools
import inspect
import os
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import pulumi

from sizing.errors import Problem, SizingError

Kind = TypeVar("Kind")

_MARK = "__calls_are_checked__"

# What `pulumi.Input` is made of and refers to by name, where the module that uses it imports neither.
_SDK_NAMES: Mapping[str, object] = {"Output": pulumi.Output, "T": typing.Any}
_PLAIN: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    dict: "a dictionary",
    list: "a list",
    tuple: "a tuple",
    type(None): "None",
}


class InvalidArguments(SizingError, pulumi.RunError):
    """
    A component or its arguments were called wrongly; tells all mistakes of one call at once.

    A `RunError` as well, so that the engine prints the message and no trace, whoever's program it is.
    """

    def __init__(self, problems: tuple[Problem, ...], *, called: str, where: str) -> None:
        """Keep *problems* (at least one), the name of what was *called*, and *where*: file and line."""
        self.problems, self.called, self.where = problems, called, where
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__("\n".join([f"{where}: {count} in the arguments of {called}", *map(str, problems)]))


def checked(kind: type[Kind]) -> type[Kind]:
    """
    *kind*, a component or a dataclass, whose calls are checked against its own annotations before they do anything.

    Afterwards a dataclass is asked for its `broken_rules`, where it has such a method: problems of values that are of
    the right type, by rules of `components.rules`.

    Names and types, at any depth of tuples, sequences and mappings. A `pulumi.Input` takes an output of anything: what
    it will hold is not known yet. Values of dataclasses are not looked into, as they were checked when they were built.
    """
    constructor: Callable[..., None] = vars(kind)["__init__"]

    def check(args: tuple[object, ...], named: Mapping[str, object]) -> None:
        problems = tuple(_problems(kind, constructor, args, named))
        if problems:
            raise InvalidArguments(problems, called=kind.__name__, where=_callers_line())

    @functools.wraps(constructor)
    def around_constructor(self: object, *args: object, **named: object) -> None:
        check(args, named)
        constructor(self, *args, **named)
        broken = tuple(getattr(self, "broken_rules", tuple)())
        if broken:
            raise InvalidArguments(broken, called=kind.__name__, where=_callers_line())

    @functools.wraps(constructor)
    def before_constructor(cls: type, *args: object, **named: object) -> object:
        check(args, named)
        return object.__new__(cls)

    if is_dataclass(kind):  # copies of it are made by __new__ without arguments
        setattr(kind, "__init__", around_constructor)  # noqa: B010  a type checker refuses the plain assignment
    else:  # Pulumi takes whoever calls the constructor of a resource for the user
        setattr(kind, "__new__", before_constructor)  # noqa: B010  the same
    setattr(kind, _MARK, True)
    return kind


def is_checked(kind: type) -> bool:
    """Whether `checked` was put on *kind* itself."""
    return _MARK in vars(kind)


def _problems(
    kind: type, constructor: Callable[..., None], args: tuple[object, ...], named: Mapping[str, object]
) -> Iterator[Problem]:
    """What is wrong with a call: names first, then the types of what has a name."""
    parameters = list(inspect.signature(constructor).parameters.values())[1:]  # without self
    by_position = [one for one in parameters if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    given = dict(zip((one.name for one in by_position), args, strict=False)) | dict(named)
    if len(args) > len(by_position):
        what = f"{len(args)} are without a name, where {len(by_position)} may be"
        yield Problem(path="arguments", what=what, mend=f"write {kind.__name__}({parameters[0].name}=..., ...)")
        return
    known = {one.name: one for one in parameters}
    for name in (one for one in given if one not in known):
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
        yield Problem(path=name, what=f"is no argument of {kind.__name__}", mend=mend)
    kinds = _kinds(constructor, kind)
    for name, parameter in known.items():
        if name in given:
            yield from _mistakes(given[name], kinds.get(name, Any), name)
        elif parameter.default is inspect.Parameter.empty:
            wanted = _in_words(kinds.get(name, Any))
            yield Problem(path=name, what="is required and missing", mend=f"write {name}=..., {wanted}")


@functools.cache
def _kinds(constructor: Callable[..., None], kind: type) -> Mapping[str, object]:
    """Types of the arguments; of a dataclass, from its fields, since its constructor lies in no module."""
    annotated = kind if is_dataclass(kind) else constructor
    return typing.get_type_hints(annotated, localns=dict(_SDK_NAMES))


def _mistakes(value: object, kind: object, path: str) -> Iterator[Problem]:
    """What is wrong with *value* where *kind* belongs: nothing if some alternative of *kind* takes it."""
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
        if not _takes_later(kind, value):
            what = f"is known after apply only, where {_in_words(kind)} belongs"
            mend = "it decides what is built, so it has to be known before: take it from the plan or the settings"
            yield Problem(path=path, what=what, mend=mend)
        return
    found = [_inside(value, one, path) for one in _alternatives(kind)]
    of_its_shape = [mistakes for mistakes in found if mistakes is not None]
    if found and not of_its_shape:
        yield Problem(path=path, what=f"is {_named(value)}, where {_in_words(kind)} belongs", mend=_mend(value, kind))
    elif of_its_shape:
        yield from min(of_its_shape, key=len)


def _alternatives(kind: object) -> Iterator[object]:
    """The plain types that *kind* admits, without what wraps them while a program runs."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(kind):
            yield from _alternatives(part)
    elif origin not in (collections.abc.Awaitable, pulumi.Output) and kind is not pulumi.Output:
        yield kind


def _takes_later(kind: object, value: object) -> bool:
    """Whether *kind* takes an output or an awaitable."""
    if kind is Any or (isinstance(kind, type) and isinstance(value, kind)):
        return True
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return any(_takes_later(part, value) for part in typing.get_args(kind))
    return origin in (collections.abc.Awaitable, pulumi.Output)


def _inside(value: object, kind: object, path: str) -> list[Problem] | None:
    """The mistakes inside of *value* if one plain type, *kind*, was meant; None where it is nothing of the kind."""
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple or origin in (collections.abc.Sequence, list):
        if not isinstance(value, tuple if origin is tuple else (list, tuple)):
            return None
        return [found for place, one in enumerate(value) for found in _mistakes(one, of[0], f"{path}[{place}]")]
    if origin in (collections.abc.Mapping, dict):
        if not isinstance(value, Mapping):
            return None
        return [
            found
            for key, one in value.items()
            for found in (*_mistakes(key, of[0], f"{path}, a key"), *_mistakes(one, of[1], f"{path}[{key!r}]"))
        ]
    return [] if kind is Any or not isinstance(kind, type) or _is_a(value, kind) else None


def _is_a(value: object, kind: type) -> bool:
    """Whether *value* may stand where *kind* is written: a whole number is a number, and True is neither."""
    if isinstance(value, bool) and kind in (int, float):
        return False
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)


def _named(value: object) -> str:
    """What kind of thing *value* is, never what it holds."""
    return _in_words(type(value))


def _in_words(kind: object) -> str:
    """*kind* as a reader says it."""
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_in_words(one) for one in _alternatives(kind)))
    if origin is tuple:
        return f"a tuple of {_plural(of[0])}"
    if origin in (collections.abc.Sequence, list):
        return f"a list of {_plural(of[0])}"
    if origin in (collections.abc.Mapping, dict):
        return f"a dictionary of {_plural(of[1])}"
    if not isinstance(kind, type):
        return "another value"
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return _PLAIN.get(kind, f"{article} {kind.__name__}")


def _plural(kind: object) -> str:
    """*kind*, many of them: texts, Toleration values."""
    plain = [one for one in _alternatives(kind) if isinstance(one, type)]
    names = [
        f"{_PLAIN[one].removeprefix('a ')}s" if one in (str, int, float) else f"{one.__name__} values" for one in plain
    ]
    return " or ".join(names) or "values"


def _mend(value: object, kind: object) -> str:
    """What to write instead of *value*."""
    for one in _alternatives(kind):
        if isinstance(one, type) and isinstance(value, Mapping) and is_dataclass(one):
            return f"write {one.__name__}(...), with the keys as names"
        if typing.get_origin(one) is tuple and isinstance(value, str | list):
            return "write (one, another), and (one,) for a single one"
        if one is str and isinstance(value, pulumi.Resource):
            return "give an output of the resource, such as its id or its name"
    return f"write {_in_words(kind)}"


def _callers_line() -> str:
    """File and line of the call: the nearest frame that is neither here, nor generated, nor the standard library's."""
    frame = sys._getframe(1)  # noqa: SLF001  the documented way to the calling frame
    while frame.f_back is not None and _is_between(frame.f_code.co_filename):
        frame = frame.f_back
    file, root = Path(frame.f_code.co_filename), Path(pulumi.get_root_directory() or os.curdir).resolve()
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{shown}:{frame.f_lineno}"


def _is_between(file: str) -> bool:
    return file == __file__ or file.startswith("<") or Path(file).name == "dataclasses.py"
