"""The tags that the AWS provider works out by itself: those of the resource over the default tags of its provider.

It writes them into the inputs before it checks them, so that a state holds them as `tagsAll` although no program says
so, and a change of default tags changes every resource (pulumi/pulumi-aws provider/tags.go, applyTags, 1128bca).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.graph import Encrypted, Secret, Unknown, Value

KEY = "tagsAll"


def with_all_tags(
    wanted: Mapping[str, Value], *, old: Mapping[str, Value], type_: str, provider_inputs: Mapping[str, Value]
) -> Mapping[str, Value]:
    """
    The inputs *wanted* as the AWS provider would check them; as they are, where *old* holds no such tags.

    Args:
        wanted: What the program says of the resource.
        old: What the state records of it.
        type_: Its type.
        provider_inputs: The inputs of its provider; structured values are JSON in a text.
    """
    if not type_.startswith("aws:") or KEY not in old or KEY in wanted:
        return wanted
    provided = _parsed(provider_inputs.get("defaultTags"))
    defaults = provided.get("tags") if isinstance(provided, dict) else provided
    return {**wanted, KEY: _all(wanted.get("tags"), defaults, _parsed(provider_inputs.get("ignoreTags")))}


def _all(own: Value, defaults: Value, ignored: Value) -> Value:
    if isinstance(own, Secret) or isinstance(defaults, Secret):
        opened = [value.value if isinstance(value, Secret) else value for value in (own, defaults)]
        return Secret(_all(opened[0], opened[1], ignored))
    if isinstance(own, Unknown | Encrypted) or isinstance(defaults, Unknown | Encrypted):
        return Unknown()
    every = {**(defaults if isinstance(defaults, dict) else {}), **(own if isinstance(own, dict) else {})}
    return {key: value for key, value in every.items() if not _is_ignored(key, ignored)}


def _is_ignored(key: str, ignored: Value) -> bool:
    keys, prefixes = ((ignored.get(kind) if isinstance(ignored, dict) else None) for kind in ("keys", "keyPrefixes"))
    if isinstance(keys, list) and key in keys:
        return True
    return isinstance(prefixes, list) and any(isinstance(start, str) and key.startswith(start) for start in prefixes)


def _parsed(value: Value) -> Value:
    """A provider's input as a value."""
    if isinstance(value, Secret):
        return Secret(_parsed(value.value))
    if not isinstance(value, str):
        return value
    try:
        found: Value = json.loads(value)
    except ValueError:
        return value
    return found
