"""`sizeup facts`: lists, shows and checks the dated facts that plans rest on."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from infra.failures import DONE, REFUSED, WrongInput
from infra.terminal import show
from sizing.catalog import Catalog, Cloud, catalog
from sizing.catalog.check import Severity, check
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
            return _check(facts, as_json=arguments.json)


def _list(facts: Catalog, arguments: argparse.Namespace) -> int:
    if arguments.what is None:
        counts = {field: len(getattr(facts, field)) for field in _FIELDS.values()}
        rows = [f"{count:>8,}  {name}" for name, count in counts.items()]
        return _answer({"as_of": facts.as_of, **counts}, [f"facts of {facts.as_of}", *rows], as_json=arguments.json)
    found = _selected(getattr(facts, _FIELDS[arguments.what]), arguments)
    return _answer([_plain(fact) for fact in found], listing_lines(found), as_json=arguments.json)


_FIELDS = {name: name for name in ("accelerators", "machines", "offers", "storage", "charges", "models")}


def _selected(found: Sequence[Fact], arguments: argparse.Namespace) -> list[Fact]:
    """Facts of the cloud and region asked for whose name contains the text; a fact without a cloud is of every one."""
    if arguments.region is not None:
        _known_region(catalog(), arguments.region)
    return [
        fact
        for fact in found
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
    words = [getattr(fact, field, "") for field in ("name", "machine", "item", "service", "tier")]
    return " ".join([*words, *getattr(fact, "aliases", ())]).lower()


def _show(facts: Catalog, arguments: argparse.Namespace) -> int:
    found = _named(facts, arguments.name)
    return _answer([_plain(fact) for fact in found], fact_lines(found, facts), as_json=arguments.json)


def _named(facts: Catalog, name: str) -> list[Fact]:
    """The accelerator, machines and model of that name; an unknown name is told with what is near among all of them."""
    found: list[Fact] = [fact for fact in facts.accelerators if fact.name == name]
    found += [fact for fact in facts.machines if fact.name == name]
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
        raise UnknownFact(kind="accelerator, machine or model", name=name, nearest=tuple(dict.fromkeys(near))[:4])
    return found


def _check(facts: Catalog, *, as_json: bool) -> int:
    doubts = check(facts)
    errors = sum(doubt.severity is Severity.ERROR for doubt in doubts)
    lines = [line for d in doubts for line in wrapped(f"{d.severity} {d.rule} {d.subject}: {d.text}", hanging="  ")]
    count = sum(len(getattr(facts, field)) for field in _FIELDS.values())
    found = f"{plural(errors, 'error')}, {plural(len(doubts) - errors, 'warning')}"
    last = f"{count:,} facts of {facts.as_of} checked: {found}"
    _answer([_plain(doubt) for doubt in doubts], [*lines, last], as_json=as_json)
    return REFUSED if errors else DONE


def _plain(fact: object) -> object:
    return dataclasses.asdict(fact) if dataclasses.is_dataclass(fact) and not isinstance(fact, type) else fact


def _answer(document: object, lines: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        show("\n".join(lines) + "\n", sys.stdout, os.environ)
    return DONE
