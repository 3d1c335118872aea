"""IAM policy documents as rules read them: their statements. Knows no rule."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.graph import Value
from components.rules.reading import inside, items


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy that is known."""

    allows: bool  # False: it denies
    actions: tuple[str, ...]  # in small letters
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]  # by kind: AWS, Service; everybody is * under AWS
    conditions: Mapping[str, Value]

    @property
    def is_for_everybody(self) -> bool:
        """Whether any account may use it, without a condition."""
        return self.allows and "*" in self.principals.get("AWS", ()) and not self.conditions


def statements(policy: Value) -> Iterator[Statement]:
    """The statements of a policy document, text or object; none where it is not known or cannot be read."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return
    written = inside(policy, "Statement")
    for one in items(written) or [written]:
        if isinstance(one, dict):
            yield Statement(
                allows=inside(one, "Effect") != "Deny",
                actions=tuple(action.lower() for action in _texts(inside(one, "Action"))),
                resources=_texts(inside(one, "Resource")),
                principals=_principals(inside(one, "Principal")),
                conditions=_conditions(inside(one, "Condition")),
            )


def _principals(value: Value) -> Mapping[str, tuple[str, ...]]:
    if isinstance(value, dict):
        return {kind: _texts(names) for kind, names in value.items()}
    return {"AWS": ("*",)} if value == "*" else {}


def _conditions(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(one for one in [value, *items(value)] if isinstance(one, str))
