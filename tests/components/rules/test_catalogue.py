"""The catalogue as a whole: ids, words, what it is free of, and that nothing it is shown makes it fall."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Graph, Secret, Unknown
from components.rules import RULES, DuplicateRule, Rule, Severity, catalogue, violations
from components.rules.pods import POD_TEMPLATES
from tests.components.rules.test_cases import CASES
from tests.project import ROOT
from tests.resources import graph, resource

every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])


def test_two_rules_cannot_have_one_id():
    """A waiver of one would cover the other."""
    with pytest.raises(DuplicateRule, match=RULES[0].id):
        catalogue(RULES, RULES[:1])


@every_rule
def test_a_rule_says_what_why_and_how_to_mend_it(rule: Rule):
    """One line each, in words; titles are claims without a full stop."""
    for field in fields(Rule):
        value = getattr(rule, field.name)
        if isinstance(value, str):
            assert value.strip() == value != ""
            assert "\n" not in value
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    assert rule.severity in Severity
    assert not rule.title.endswith(".")


def test_the_rules_need_no_pulumi_and_no_solver():
    """A policy pack imports them where ortools cannot be; a preview of one cloud loads no SDK of the other."""
    code = """
import sys, components.rules, components.rules.waivers
told = {name.partition(".")[0] for name in sys.modules}
print(sorted(told & {"pulumi", "pulumi_aws", "pulumi_gcp", "pulumi_kubernetes", "ortools", "grpc", "google", "yaml"}))
"""
    ended = subprocess.run(  # noqa: S603  this very Python
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


KINDS = sorted(
    {one.type for case in CASES for one in (*case.keeps.resources, *case.breaks.resources)} | {*POD_TEMPLATES}
)
KEYS = sorted(
    {key for case in CASES for one in (*case.keeps.resources, *case.breaks.resources) for key in one.inputs}
    | {"spec", "template", "containers", "resources", "limits", "labels", "rules", "name", "env", "volumes"}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.just(Unknown()) | st.just(Secret("s")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs of types that rules look at, with inputs of any shape and any references among them."""
    made: list[Any] = []
    for number in range(draw(st.integers(1, 4))):
        inputs: dict[str, Any] = draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
        refers = {key: draw(st.sampled_from(made)) for key in inputs} if made else {}
        made.append(resource(draw(st.sampled_from(KINDS)), f"r{number}", inputs=inputs, refers=refers))
    return graph(*made)


@given(graphs())
def test_no_graph_makes_a_rule_fall(some: Graph):
    """Programs are anybody's: an input of another shape than expected is not read, and never a traceback."""
    urns = {one.urn for one in some.resources}
    for rule, found in violations(some):
        assert found.urn in urns, rule.id
        assert found.text


def test_the_readme_names_rules_that_are_there():
    """Each id in its tables, and each module of the table of modules."""
    readme = (ROOT / "components" / "rules" / "README.md").read_text(encoding="utf-8")
    tables = readme.split("## Traps and their rules")[1]
    ids = {rule.id for rule in RULES}
    rows = [row for row in tables.splitlines() if row.startswith("| ") and row.endswith("` |")]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.rsplit("|", 2)[1])}
    assert len(named) > 100
    assert named <= ids
