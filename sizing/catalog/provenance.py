"""Where a fact comes from and when it was true; every fact of the catalog carries one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The source of a row of facts, and its date."""

    source: str  # document, package or repository, as a reader can find it again
    as_of: str  # date of the source: 2026-07-20, 2026-07, 2026
    unverified: tuple[str, ...] = ()  # fields of the row that no source confirms
