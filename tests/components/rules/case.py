"""A rule by example: one graph that keeps it and one that breaks it, in one place only."""

from __future__ import annotations

from dataclasses import dataclass

from components.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule must say of two graphs; `CASES` of each `cases_*.py` beside this file are run."""

    rule: str
    keeps: Graph
    breaks: Graph
    at: str  # path of the input that breaks it; empty: the resource as a whole
    on: str = "it"  # name of the resource that breaks it
    note: str = ""  # which of several ways to break it, where a rule has more cases than one
