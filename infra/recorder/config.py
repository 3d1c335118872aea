"""Stack configuration as the engine hands it to a program: one text per key, structured values as JSON.

Reading the YAML is `infra.stack`'s work; this takes the mappings it found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from infra.recorder.wire import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Configuration of one run: full keys (`aws:region`) to texts, and which of them are secret."""

    values: Mapping[str, str] = field(default_factory=dict)
    secret_keys: tuple[str, ...] = ()

    def of_package(self, package: str) -> dict[str, str]:
        """The values in the namespace *package*, without it: what a default provider is configured with."""
        prefix = f"{package}:"
        return {key.removeprefix(prefix): text for key, text in self.values.items() if key.startswith(prefix)}

    def opened(self, secrets: Mapping[str, str]) -> Config:
        """The configuration with its secret values as *secrets* has them, by full key; they stay secret."""
        known = {key: secrets[key] for key in self.secret_keys if key in secrets}
        return replace(self, values={**self.values, **known})

    def masked(self, text: str) -> str:
        """*text* without the secret values: the SDK quotes a value that it cannot read, whatever it is."""
        secrets = (self.values[key] for key in self.secret_keys if key in self.values)
        for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text


def engine_config(
    *, project: str, stack_config: Mapping[str, object], project_config: Mapping[str, object] | None = None
) -> Config:
    """
    The configuration of a stack: its own values over the defaults of the project file.

    A key without a namespace belongs to *project*. Encrypted values (`secure: ...`) cannot be read without the stack's
    secrets provider: the program sees them as secret unknowns.

    Args:
        project: Name of the project.
        stack_config: The `config:` mapping of the stack file.
        project_config: The `config:` mapping of Pulumi.yaml: bare values, or entries with `value` or `default`.
    """
    merged: dict[str, object] = {}
    for key, entry in (project_config or {}).items():
        match entry:
            case {"value": value} | {"default": value}:
                merged[_full_key(key, project)] = value
            case {"type": _} | {"secret": _} | {"description": _}:  # declared, without a value
                continue
            case _:
                merged[_full_key(key, project)] = entry
    merged |= {_full_key(key, project): value for key, value in stack_config.items()}
    return Config(
        values={key: _text(value) for key, value in merged.items()},
        secret_keys=tuple(key for key, value in merged.items() if _holds_secret(value)),
    )


def _full_key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: object) -> str:
    match value:
        case {"secure": str(), **more} if not more:
            return UNKNOWN
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case dict() | list():
            return json.dumps(_without_ciphertext(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        case _:
            return str(value)


def _without_ciphertext(value: object) -> object:
    match value:
        case {"secure": str(), **more} if not more:
            return UNKNOWN
        case dict():
            return {str(key): _without_ciphertext(item) for key, item in value.items()}
        case list():
            return [_without_ciphertext(item) for item in value]
        case _:
            return value


def _holds_secret(value: object) -> bool:
    match value:
        case {"secure": str(), **more} if not more:
            return True
        case dict():
            return any(_holds_secret(item) for item in value.values())
        case list():
            return any(_holds_secret(item) for item in value)
        case _:
            return False
