"""A verdict as a person reads it: what is open first, then what is waived and why, and one line that sums up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sizing.table import table, wrapped
from tools.judge.checkov import Judgement
from tools.judge.verdict import Verdict, Waiver

WIDTH = 120


def report(found: Verdict, *, stacks: Sequence[str]) -> str:
    """The whole verdict as text."""
    lines = [*_open(found), *_waived(found), *_notes(found)]
    return "\n".join([*lines, *_unjudged(found), _sum(found, stacks), ""])


def _open(found: Verdict) -> list[str]:
    if not found.open:
        return []
    stacks: dict[tuple[str, str, str], list[str]] = {}
    for one in found.open:
        stacks.setdefault((one.check, one.resource, one.title), []).append(one.stack)
    rows = [("check", "resource", "stacks", "what it wants")]
    rows += [(check, resource, ", ".join(on), title) for (check, resource, title), on in stacks.items()]
    return ["open: mend them in components/, or waive them in tools/judge/waivers.json", *_table(rows), ""]


def _waived(found: Verdict) -> list[str]:
    lines: list[str] = []
    by_reason: dict[tuple[str, str, str], list[tuple[Judgement, Waiver]]] = {}
    for judgement, waiver in found.waived:
        by_reason.setdefault((waiver.check, judgement.title, waiver.reason), []).append((judgement, waiver))
    for (check, title, reason), pairs in by_reason.items():
        lines += wrapped(f"{check}  {title}", indent="  ", width=WIDTH)
        resources: dict[str, list[str]] = {}
        for judgement, _ in pairs:
            resources.setdefault(judgement.resource, []).append(judgement.stack)
        lines += _table([(name, ", ".join(on)) for name, on in resources.items()], indent="    ")
        lines += wrapped(f"{reason} ({pairs[0][1].date})", indent="    ", width=WIDTH)
    return ["waived", *lines, ""] if lines else []


def _notes(found: Verdict) -> list[str]:
    lines = [
        *(f"  waiver of {one.check} on {one.resources} matches no finding: take it out" for one in found.idle),
        *(f"  {one.check} ({one.what}) judged no resource: it would approve of anything" for one in found.never_ran),
        *(f"  {one.check} ({one.what}) is said to have nothing to judge here, and has" for one in found.refuted),
    ]
    return ["not in order", *lines, ""] if lines else []


def _unjudged(found: Verdict) -> list[str]:
    if not found.unjudged:
        return []
    named = wrapped(", ".join(found.unjudged), indent="  ", width=WIDTH)
    return ["checkov has no check for resources of these types", *named, ""]


def _sum(found: Verdict, stacks: Sequence[str]) -> str:
    resources = {(one.stack, one.resource) for one in found.judgements}
    checks = {one.check for one in found.judgements}
    passed = sum(one.passed for one in found.judgements)
    return (
        f"checkov on {len(stacks)} stacks: {len(resources)} resources, {len(checks)} checks; {passed:,} passed, "
        f"{len(found.waived)} waived, {len(found.open)} open"
    )


def _table(rows: Iterable[Sequence[str]], *, indent: str = "  ") -> list[str]:
    listed = list(rows)
    return table(listed, align="<" * len(listed[0]), indent=indent, width=WIDTH, elastic=len(listed[0]) - 1)
