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


def one_part_as(value: Value, other: Value) -> Iterator[Value]:
    """*value* with each of its parts replaced by *other* in turn."""
    yield other
    if isinstance(value, dict):
        for key, item in value.items():
            for changed in one_part_as(item, other):
                yield value | {key: changed}
    if isinstance(value, list):
        for place, item in enumerate(value):
            for changed in one_part_as(item, other):
                yield [*value[:place], changed, *value[place + 1 :]]


def with_parts_as(graph: Graph, other: Value) -> Iterator[Graph]:
    """*graph* with each part of each input replaced by *other* in turn."""
    for place, resource in enumerate(graph.resources):
        for key, value in resource.inputs.items():
            for changed in one_part_as(value, other):
                one = replace(resource, inputs=dict(resource.inputs) | {key: changed})
                yield replace(graph, resources=(*graph.resources[:place], one, *graph.resources[place + 1 :]))


@every_case
def test_what_is_unknown_breaks_no_rule(case: Case):
    """Whatever part of a good graph is known only after apply."""
    rule = BY_ID[case.rule]
    for graph in with_parts_as(case.keeps, Unknown()):
        assert broken(rule, graph) == []


@every_case
def test_an_input_of_another_shape_is_never_a_traceback(case: Case):
    """Programs are anybody's: what cannot be read is left to the provider, or told as a violation."""
    rule = BY_ID[case.rule]
    odd: tuple[Value, ...] = ("x", -1, [None], {"x": [None]})
    for other in odd:
        for graph in with_parts_as(case.keeps, other):
            broken(rule, graph)
