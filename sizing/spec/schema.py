"""The JSON schema of a spec, made from the same forms that read it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from sizing.spec.form import SpecForm


def spec_schema() -> dict[str, object]:
    """The schema of the keys of a spec, without a prefix."""
    return form_schema(SpecForm)


def form_schema(form: type[BaseModel]) -> dict[str, object]:
    """The schema of one form, as an editor wants it: descriptions, limits, defaults and examples, without titles."""
    schema = _without_titles(form.model_json_schema())
    if not isinstance(schema, dict):
        raise TypeError("the schema of a form is an object")
    return schema


def _without_titles(node: object) -> object:
    """A schema without the titles that are made from field names: an editor would show each name twice."""
    if isinstance(node, Mapping):
        return {
            key: {name: _without_titles(part) for name, part in value.items()}
            if key in ("properties", "$defs")
            else _without_titles(value)
            for key, value in node.items()
            if key != "title"
        }
    return [_without_titles(part) for part in node] if isinstance(node, list) else node
