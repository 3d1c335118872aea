"""`sizeup rules`: what the preview and the policy pack hold a stack to, with reasons, sources and exceptions."""

from __future__ import annotations

import argparse
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from components.rules import RULES, Rule
from components.rules.waivers import WAIVERS, Waiver
from infra.commands.answer import answer
from infra.failures import DONE, WrongInput
from sizing.figures import plural
from sizing.table import wrapped


def run(arguments: argparse.Namespace) -> int:
    """List the rules, or tell all there is of one."""
    if arguments.id is not None:
        rule = _named(arguments.id)
        answer(as_json=arguments.json, document=lambda: _document(rule), text=lambda: _text(_told(rule)))
        return DONE
    found = [
        rule
        for rule in RULES
        if arguments.match is None or arguments.match.lower() in f"{rule.id} {rule.title}".lower()
    ]
    answer(
        as_json=arguments.json, document=lambda: [_document(rule) for rule in found], text=lambda: _text(_listed(found))
    )
    return DONE


def _named(id_: str) -> Rule:
    found = next((rule for rule in RULES if rule.id == id_), None)
    if found is None:
        near = difflib.get_close_matches(id_, [rule.id for rule in RULES], n=3, cutoff=0.5)
        mend = f"did you mean {', '.join(near)}?" if near else "sizeup rules lists them all"
        raise WrongInput(f"no rule is called {id_!r}\n    hint: {mend}")
    return found


def _waivers(rule: Rule) -> list[Waiver]:
    return [waiver for waiver in WAIVERS if rule.id in waiver.rules]


def _document(rule: Rule) -> dict[str, object]:
    waivers = [
        {"type": one.type, "name": one.name, "reason": one.reason, "since": one.since.isoformat()}
        for one in _waivers(rule)
    ]
    return {
        "id": rule.id,
        "severity": rule.severity.value,
        "title": rule.title,
        "why": rule.why,
        "mend": rule.mend,
        "origin": rule.origin,
        "waivers": waivers,
    }


def _listed(rules: Sequence[Rule]) -> Iterator[str]:
    counts = Counter(rule.severity.value for rule in rules)
    told = ", ".join(plural(number, severity) for severity, number in sorted(counts.items()))
    yield f"{plural(len(rules), 'rule')}: {told}" if rules else "no rule speaks of that"
    for rule in rules:
        yield from wrapped(f"{rule.severity.value:<7} {rule.id}: {rule.title}", indent="  ", hanging="      ")


def _told(rule: Rule) -> Iterator[str]:
    yield f"{rule.id} ({rule.severity.value})"
    yield from wrapped(rule.title, indent="  ")
    for word, text in (("why", rule.why), ("mend", rule.mend), ("from", rule.origin)):
        yield from wrapped(f"{word}: {text}", indent="  ", hanging="    ")
    for one in _waivers(rule):
        yield from wrapped(
            f"waived since {one.since} for {one.name} ({one.type}): {one.reason}", indent="  ", hanging="    "
        )


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"
