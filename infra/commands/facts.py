"""`sizeup facts`: lists, shows and checks the dated facts that plans rest on."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence

from infra.commands import FACTS
from infra.commands.answer import answer
from infra.failures import DONE, REFUSED, WrongInput
from sizing.catalog import Catalog, Cloud, catalog
from sizing.catalog.check import Doubt, Severity, check
from sizing.errors import UnknownFact
from sizing.figures import plural
from sizing.render_facts import Fact, fact_lines, listing_lines
from sizing.table import wrapped


def run(arguments: argparse.Namespace) -> int:
    """List, show or check; 1 where a check found an error."""
    facts = catalog()
    match arguments.verb:
        case "list":
            return _list(facts, arguments)
        case "show":
            return _show(facts, arguments)
        case _:
            return _check(facts, arguments)


def _list(facts: Catalog, arguments: argparse.Namespace) -> int:
    if arguments.what is None:
        counts = {kind: len(getattr(facts, kind)) for kind in FACTS}
        rows = [f"{count:>8,}  {kind}" for kind, count in counts.items()]
        head = f"facts of {facts.as_of}"
        return _answer(arguments, document=lambda: {"as_of": facts.as_of, **counts}, lines=lambda: [head, *rows])
    found = _selected(facts, arguments)
    return _answer(arguments, document=lambda: _plain(found), lines=lambda: listing_lines(found))


def _answer(
    arguments: argparse.Namespace, *, document: Callable[[], object], lines: Callable[[], Sequence[str]]
) -> int:
    answer(as_json=arguments.json, document=document, text=lambda: "\n".join(lines()) + "\n")
    return DONE


def _selected(facts: Catalog, arguments: argparse.Namespace) -> list[Fact]:
    """Facts of the cloud and region asked for whose name contains the text; a fact without a cloud is of every one."""
    if arguments.region is not None:
        _known_region(facts, arguments.region)
    return [
        fact
        for fact in getattr(facts, arguments.what)
        if arguments.cloud in {None, getattr(fact, "cloud", arguments.cloud)}
        and arguments.region in {None, getattr(fact, "region", arguments.region)}
        and (arguments.match is None or arguments.match.lower() in _names(fact))
    ]


def _known_region(facts: Catalog, region: str) -> None:
    if not any(region in facts.regions(cloud) for cloud in Cloud):
        raise WrongInput(
            f"--region: {region} is no region of either cloud\n    hint: for example us-east-1, us-central1"
        )


def _names(fact: Fact) -> str:
    words = [getattr(fact, field, "") for field in ("name", "id", "machine", "item", "service", "tier")]
    return " ".join([*words, *getattr(fact, "aliases", ()), *getattr(fact, "families", ())]).lower()


def _show(facts: Catalog, arguments: argparse.Namespace) -> int:
    found = _named(facts, arguments.name)
    return _answer(arguments, document=lambda: _plain(found), lines=lambda: fact_lines(found, facts))


def _named(facts: Catalog, name: str) -> list[Fact]:
    """The accelerator, machines, quota and model of that name; an unknown one is told with what is near among all."""
    found: list[Fact] = [fact for fact in facts.accelerators if fact.name == name]
    found += [fact for fact in facts.machines if fact.name == name]
    found += [fact for fact in facts.quotas if name in {fact.id, fact.name}]
    near: list[str] = []
    try:
        found.append(facts.model(name))
    except UnknownFact as error:
        near += error.nearest
    if not found:
        for lookup in (facts.accelerator, lambda n: facts.machine(Cloud.AWS, n), lambda n: facts.machine(Cloud.GCP, n)):
            try:
                lookup(name)
            except UnknownFact as error:
                near += error.nearest
        raise UnknownFact(
            kind="accelerator, machine, quota or model", name=name, nearest=tuple(dict.fromkeys(near))[:4]
        )
    return found


def _check(facts: Catalog, arguments: argparse.Namespace) -> int:
    doubts = check(facts)
    errors = sum(doubt.severity is Severity.ERROR for doubt in doubts)
    lines = [line for d in doubts for line in wrapped(f"{d.severity} {d.rule} {d.subject}: {d.text}", hanging="  ")]
    count = sum(len(getattr(facts, field)) for field in FACTS)
    found = f"{plural(errors, 'error')}, {plural(len(doubts) - errors, 'warning')}"
    last = f"{count:,} facts of {facts.as_of} checked: {found}"
    _answer(arguments, document=lambda: _plain(doubts), lines=lambda: [*lines, last])
    return REFUSED if errors else DONE


def _plain(facts: Sequence[Fact | Doubt]) -> list[dict[str, object]]:
    return [dataclasses.asdict(fact) for fact in facts]
