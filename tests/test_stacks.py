"""The four example stacks, from the stack file to the priced resources."""

import math

import pytest

from components.graph import Graph
from components.rules import violations as broken_rules
from components.rules.waivers import waiver_of
from infra.cost import cost, machine_lines
from infra.preview import validation
from infra.recorder.stack_program import record_stack
from infra.stack import check_fresh, load_plan, load_spec
from sizing.allocation.planning.verify import violations
from sizing.catalog import catalog
from sizing.plan import SizingPlan
from tests.project import ROOT, STACKS


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> tuple[str, SizingPlan, Graph]:
    """Each stack with its locked plan and its recorded resources."""
    name = str(request.param)
    return name, load_plan(ROOT, name), record_stack(ROOT, name).graph


def test_the_locked_plan_is_of_the_stack_file_as_it_stands(stack: tuple[str, SizingPlan, Graph]):
    """What is committed can be provisioned."""
    name, plan, _ = stack
    check_fresh(plan, load_spec(ROOT, name, catalog()), stack=name)


def test_every_input_of_every_resource_is_one_that_its_type_has(stack: tuple[str, SizingPlan, Graph]):
    """By the SDK's own argument classes: names, shapes, required values."""
    _, _, graph = stack
    assert len(graph.resources) > 40
    assert validation.findings(graph) == ()


def test_recorded_machines_cost_what_the_plan_says_to_the_cent(stack: tuple[str, SizingPlan, Graph]):
    """Two ways to one figure: the solver's plan, and the node groups that the program registers."""
    _, plan, graph = stack
    recorded = sum(line.usd_per_hour or math.nan for line in machine_lines(cost(graph, catalog(), plan=plan)))
    planned = sum(line.usd_per_hour_on_average for line in plan.cost_lines if line.pool is not None)
    assert round(recorded, 2) == round(planned, 2)


def test_a_resource_is_priced_free_with_a_reason_or_said_to_be_unknown(stack: tuple[str, SizingPlan, Graph]):
    """No custom resource is left out of the bill; providers are clients of a cloud, not things in it."""
    _, _, graph = stack
    billed = {line.urn for line in cost(graph, catalog()).lines}
    built = {one.urn for one in graph.resources if one.custom and not one.type.startswith("pulumi:providers:")}
    assert built <= billed


def test_the_plan_keeps_what_it_promises(stack: tuple[str, SizingPlan, Graph]):
    """Checked apart from the solver: coverage, survival, packing, prices and promises."""
    name, plan, _ = stack
    assert violations(plan, load_spec(ROOT, name, catalog()), catalog()) == ()


def test_what_the_stacks_build_breaks_no_rule_but_with_a_written_reason(stack: tuple[str, SizingPlan, Graph]):
    """Only what their owner has to say is left open: the examples set no key that callers are asked for."""
    _, _, graph = stack
    by_urn = {resource.urn: resource for resource in graph.resources}
    open_ones = {rule.id for rule, found in broken_rules(graph) if waiver_of(rule, by_urn[found.urn]) is None}
    assert open_ones == {"server-api-key"}
