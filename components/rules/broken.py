"""Rules where a component is built: what its arguments would break, before anything is registered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from components.rules import RULES
from components.rules.rule import Rule
from sizing.errors import Problem

_BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}


def broken(rule: str, argument: str, mistakes: Iterable[str]) -> Iterator[Problem]:
    """The *mistakes* of an argument by the rule of that id, with its mend."""
    for what in mistakes:
        yield Problem(path=argument, what=f"{what} (rule {rule})", mend=_BY_ID[rule].mend)
