"""Mistakes on their way out of pydantic: how a form raises one, and how all of an input become problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from sizing.errors import Problem
from sizing.spec.wording import as_written, did_you_mean, path_text, shown


def mistake(what: str, mend: str) -> PydanticCustomError:
    """The error that a form's validator raises: *what* is wrong, and the *mend*."""
    return PydanticCustomError("mistake", "{what}", {"what": what, "mend": mend})


def problems_of(error: ValidationError, *, written: object, form: type[BaseModel], prefix: str) -> tuple[Problem, ...]:
    """Every mistake that pydantic found in *written* against *form*, with paths that start with *prefix*."""
    return tuple(_problem(details, written, form, prefix) for details in error.errors(include_url=False))


def _problem(details: ErrorDetails, written: object, form: type[BaseModel], prefix: str) -> Problem:
    path = _as_written(details["loc"], written)
    field = _field_at(form, details["loc"])
    what, mend = _words(details, form, field)
    return Problem(path=path_text(path, prefix=prefix), what=what, mend=mend)


def _as_written(loc: Sequence[str | int], written: object) -> tuple[str | int, ...]:
    """The part of a form's location that exists in what was written, and the first key that is missing there."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(written, Mapping):
            written = written.get(part)
        elif isinstance(written, list) and isinstance(part, int) and part < len(written):
            written = written[part]
        else:
            break
        path.append(part)
    return tuple(path)


def _words(  # noqa: PLR0911  one return for each kind of mistake
    details: ErrorDetails, form: type[BaseModel], field: FieldInfo | None
) -> tuple[str, str]:
    """What is wrong and the mend of one error, by its type."""
    context = details.get("ctx", {})
    written = details["input"]
    match details["type"]:
        case "mistake":
            return context["what"], context["mend"]
        case "extra_forbidden":
            key = str(details["loc"][-1])
            keys = _keys_at(form, details["loc"][:-1])
            return "is no key that is known here", did_you_mean(key, keys, otherwise=f"known keys: {', '.join(keys)}")
        case "enum" | "literal_error":
            choices = _choices(context["expected"])
            otherwise = f"choose from {', '.join(choices)}"
            mend = did_you_mean(written, choices, otherwise=otherwise) if isinstance(written, str) else otherwise
            return f"is {shown(written)}, which is not one of {', '.join(choices)}", mend
        case kind if kind in _LIMITS:
            return f"is {shown(written)}, but must be {_LIMITS[kind]} {_limit(context):g}", _give(field)
        case kind if kind in _MUST_BE:
            return f"is {shown(written)}, but must be {_MUST_BE[kind]}{_quotes(kind, written)}", _give(field)
        case "missing":
            return "is missing", _give(field)
        case "string_pattern_mismatch":
            return f"is {shown(written)}, which is not written as it must be", _give(field)
        case "too_short" | "string_too_short":
            return "is empty", _give(field)
        case _:
            return f"is {shown(written)}: {details['msg'][:1].lower()}{details['msg'][1:]}", _give(field)


_MUST_BE = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "list_type": "a list",
    "string_type": "text",
}
_LIMITS = {
    "greater_than": "greater than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _quotes(kind: str, written: object) -> str:
    """What to do about quotes, which are the usual reason for a wrong kind of value in YAML."""
    if isinstance(written, str) and "number" in _MUST_BE[kind]:
        return ", in plain digits without quotes"
    return ", in quotes" if isinstance(written, int | float) and kind == "string_type" else ""


def _limit(context: Mapping[str, Any]) -> float:
    return float(next(context[key] for key in ("gt", "ge", "lt", "le") if key in context))


def _choices(expected: str) -> list[str]:
    """'a', 'b' or 'c' as pydantic writes it, as a list."""
    return [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]


def _give(field: FieldInfo | None) -> str:
    """The mend that a field's own description makes: what to give, with an example."""
    if field is None or field.description is None:
        return "see the schema of stack files"
    example = f", for example {as_written(field.examples[0])}" if field.examples else ""
    return f"give {field.description}{example}"


def _field_at(form: type[BaseModel], loc: Sequence[str | int]) -> FieldInfo | None:
    """The field of the nested *form* that the last key in *loc* names."""
    field = None
    current: type[BaseModel] | None = form
    for part in loc:
        if isinstance(part, int):
            continue
        field = None if current is None else _fields_of(current).get(part)
        if field is None:
            return None
        current = _form_in(field.annotation)
    return field


def _keys_at(form: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    field = _field_at(form, loc) if loc else None
    inner = form if field is None else _form_in(field.annotation)
    return list(_fields_of(inner)) if inner else []


def _fields_of(form: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a form by their keys as written."""
    return {field.alias or name: field for name, field in form.model_fields.items()}


def _form_in(annotation: object) -> type[BaseModel] | None:
    """The form that an annotation holds: itself, in a list, or one way of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _form_in(part))), None)
