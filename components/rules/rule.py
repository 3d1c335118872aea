"""A rule that holds across recorded resources, and how it is broken. Knows neither Pulumi nor a cloud SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from components.graph import Graph


class Severity(StrEnum):
    """How bad it is where a rule is broken."""

    ERROR = "error"  # the cloud refuses it, or it is not safe: nothing is applied
    WARNING = "warning"  # works, but costs or breaks something that the user should know of


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One place where a rule is broken."""

    urn: str  # of the resource that has to change
    path: str  # of its input, as in `networkInterfaces[0].interfaceType`; empty: the resource as a whole
    text: str  # what is there, and what would be right, with the values


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    Something that must be true of a graph, whoever built it.

    A value that is unknown before apply breaks no rule: rules speak of what they can read.
    """

    id: str  # efa-interface-layout: cited by waivers and policy packs, never renamed
    severity: Severity
    title: str  # what must hold, in one line
    why: str  # what happens otherwise
    mend: str  # what to change
    origin: str  # where the rule comes from: document, issue, check id
    check: Callable[[Graph], Iterator[Violation]]
