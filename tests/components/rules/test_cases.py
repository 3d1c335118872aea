"""Every rule of the catalogue by example: a graph that keeps it, a graph that breaks it, and what unknown values do."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.graph import Graph, Unknown, Value
from components.rules import RULES, Rule
from tests.components.rules.case import Case

BY_ID = {rule.id: rule for rule in RULES}


def all_cases() -> list[Case]:
    """The cases of every module beside this one."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    return [case for name in modules for case in importlib.import_module(f"tests.components.rules.{name}").CASES]


CASES = all_cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.rule} {case.note}".strip() for case in CASES])


def broken(rule: Rule, graph: Graph) -> list[tuple[str, str]]:
    """Names of the resources that break *rule*, and where."""
    return [(found.urn.rpartition("::")[2], found.path) for found in rule.check(graph)]


@every_case
def test_a_graph_that_keeps_a_rule_breaks_nothing_of_it(case: Case):
    """Also proof that the rule can be kept."""
    assert broken(BY_ID[case.rule], case.keeps) == []


@every_case
def test_a_graph_that_breaks_a_rule_is_told_where(case: Case):
    """One place, by resource and input, in words that are no copy of the title."""
    rule = BY_ID[case.rule]
    assert broken(rule, case.breaks) == [(case.on, case.at)]
    (found,) = rule.check(case.breaks)
    assert found.text
    assert found.text != rule.title


def test_every_rule_has_a_case():
    """A rule that nothing ever broke may be one that nothing can break."""
    assert {case.rule for case in CASES} == set(BY_ID)


def one_unknown(value: Value) -> Iterator[Value]:
    """*value* with each of its parts unknown in turn."""
    yield Unknown()
    if isinstance(value, dict):
        for key, item in value.items():
            for other in one_unknown(item):
                yield value | {key: other}
    if isinstance(value, list):
        for place, item in enumerate(value):
            for other in one_unknown(item):
                yield [*value[:place], other, *value[place + 1 :]]


def less_known(graph: Graph) -> Iterator[Graph]:
    """*graph* with each part of each input unknown in turn."""
    for place, resource in enumerate(graph.resources):
        for key, value in resource.inputs.items():
            for other in one_unknown(value):
                changed = replace(resource, inputs=dict(resource.inputs) | {key: other})
                yield replace(graph, resources=(*graph.resources[:place], changed, *graph.resources[place + 1 :]))


@every_case
def test_what_is_unknown_breaks_no_rule(case: Case):
    """Whatever part of a good graph is known only after apply."""
    rule = BY_ID[case.rule]
    for graph in less_known(case.keeps):
        assert broken(rule, graph) == []
