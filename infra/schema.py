"""The JSON schema of stack files for editors; `python -m infra.schema` writes `stacks/sizeup.schema.json`.

A stack file names it in its first line: `# yaml-language-server: $schema=./sizeup.schema.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from infra.files import write_whole
from infra.settings import PlatformForm
from infra.stack import PLATFORM, PREFIX, SECRETS, STACKS
from sizing.spec.schema import form_schema, spec_schema

FILE = f"{STACKS}/sizeup.schema.json"


def stack_schema() -> dict[str, object]:
    """The schema of a stack file: the `sizeup:` keys under config, and whatever else belongs to Pulumi."""
    spec, platform = spec_schema(), form_schema(PlatformForm)
    keys = {f"{PREFIX}{name}": part for name, part in _mapping(spec["properties"]).items()}
    keys[f"{PREFIX}{PLATFORM}"] = {
        "type": "object",
        "description": platform["description"],
        "properties": platform["properties"],
        "additionalProperties": False,
    }
    keys |= {f"{PREFIX}{name}": _encrypted(description) for name, description in SECRETS.items()}
    names = "|".join(key.removeprefix(PREFIX) for key in keys)
    required = spec["required"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of sizeup",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "patternProperties": {f"^{PREFIX}(?!({names})$)": False},
                "required": [f"{PREFIX}{name}" for name in required] if isinstance(required, list) else [],
            }
        },
        "required": ["config"],
        "$defs": spec["$defs"],
    }


def schema_text() -> str:
    """The text of the schema file."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def _encrypted(description: str) -> dict[str, object]:
    """The schema of a secret, as `pulumi config set --secret` writes it."""
    return {
        "type": "object",
        "description": f"{description}; set it with pulumi config set --secret",
        "properties": {"secure": {"type": "string"}},
        "required": ["secure"],
        "additionalProperties": False,
    }


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("the properties of a schema are an object")
    return value


if __name__ == "__main__":
    write_whole(Path(FILE), schema_text())
