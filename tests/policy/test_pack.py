"""The policy pack, started and asked as the engine does: over gRPC, in an environment that has no optimiser."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from pulumi.runtime.proto import analyzer_pb2

from components.graph import Graph, Resource, Secret, Unknown, Value
from components.rules import RULES, Severity
from infra.cost.estimate import cost
from infra.recorder.stack_program import record_stack
from infra.stack import load_plan, load_stack
from sizing.catalog import catalog
from sizing.figures import money
from tests.policy.engine import BY_THE_SCRIPT, PYTHON, ROOT, Finding, Pack, running
from tests.project import STACKS

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="the policy pack's environment is made by `make policy`")

POOL = "gcp:container/nodePool:NodePool"
BUDGET = "sizeup:budget_usd_per_month"
COST = "monthly-cost-cap"


@pytest.fixture(scope="module")
def pack() -> Iterator[Pack]:
    """One pack for all questions, as for all resources of one deployment."""
    with running() as started:
        yield started


@cache
def stack(name: str) -> Graph:
    """The recorded resources of an example stack."""
    return record_stack(ROOT, name).graph


def mandatory(found: list[Finding]) -> list[tuple[str, str]]:
    """What stops a deployment: policies, and names of the resources."""
    return [(one.policy, one.urn.rpartition("::")[2]) for one in found if one.mandatory]


def changed(graph: Graph, kind: str, change: Callable[[Resource], Resource]) -> tuple[Graph, str]:
    """*graph* with its first resource of type *kind* changed, and the name of that."""
    first = next(one for one in graph.resources if one.type == kind)
    resources = tuple(change(one) if one is first else one for one in graph.resources)
    return replace(graph, resources=resources), first.name


def with_inputs(**inputs: Value) -> Callable[[Resource], Resource]:
    """A change of some inputs of a resource."""
    return lambda one: replace(one, inputs={**one.inputs, **inputs})


def with_node(**config: Value) -> Callable[[Resource], Resource]:
    """A change of what a node pool says of its nodes."""

    def change(one: Resource) -> Resource:
        node = one.inputs["nodeConfig"]
        assert isinstance(node, dict)
        return replace(one, inputs={**one.inputs, "nodeConfig": {**node, **config}})

    return change


def test_the_pack_has_an_environment_without_the_optimiser():
    """Nor a provider's SDK; and the one protobuf that `pulumi_policy` takes."""
    absent = ("ortools", "pydantic", "pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")
    program = f"import importlib.util as u; print([m for m in {absent!r} if u.find_spec(m)])"
    ended = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert ended.stdout.strip() == "[]"


def test_every_rule_is_a_policy(pack: Pack):
    """Errors stop a deployment, warnings are told; beside them the cost."""
    levels = {one.name: one.enforcementLevel for one in pack.info().policies}
    level = {Severity.ERROR: analyzer_pb2.MANDATORY, Severity.WARNING: analyzer_pb2.ADVISORY}
    assert levels == {rule.id: level[rule.severity] for rule in RULES} | {COST: analyzer_pb2.MANDATORY}


@pytest.mark.parametrize("name", STACKS)
def test_an_example_stack_breaks_nothing(pack: Pack, name: str):
    """Nor costs it more than its own stack file allows, where that says how much."""
    budget = load_stack(ROOT, name, catalog()).spec.budget_usd_per_month
    assert mandatory(pack.ask(stack(name), config={} if budget is None else {BUDGET: str(budget)})) == []


def test_what_breaks_a_rule_stops_the_deployment(pack: Pack):
    """On the resource that has to change, with the reason and the mend."""
    broken, name = changed(stack("chat-gcp"), POOL, with_inputs(autoscaling={"minNodeCount": 0, "maxNodeCount": 9}))
    found = pack.ask(broken)
    assert mandatory(found) == [("gke-count-or-autoscaler", name)]
    (message,) = (one.message for one in found if one.mandatory)
    rule = next(rule for rule in RULES if rule.id == "gke-count-or-autoscaler")
    assert all(part in message for part in (rule.title, "nodeCount: is ", rule.why, rule.mend))


def test_an_organisation_may_switch_a_rule_off(pack: Pack):
    """By its id, in the configuration of the pack."""
    broken, _ = changed(stack("chat-gcp"), POOL, with_inputs(autoscaling={"minNodeCount": 0, "maxNodeCount": 9}))
    assert mandatory(pack.ask(broken, switched_off=["gke-count-or-autoscaler"])) == []


def test_a_warning_is_told_and_stops_nothing(pack: Pack):
    """The level of the policy is the severity of the rule."""
    broken, name = changed(stack("chat-gcp"), "gcp:container/cluster:Cluster", with_inputs(binaryAuthorization=None))
    found = pack.ask(broken)
    assert mandatory(found) == []
    assert ("gke-binary-authorization", name) in [(one.policy, one.urn.rpartition("::")[2]) for one in found]


def test_a_stack_over_the_cap_of_the_pack_is_stopped_with_what_it_costs(pack: Pack):
    """To the cent what the preview says: the same graph, the same prices, the same plan's buckets."""
    plan, graph = load_plan(ROOT, "chat-gcp"), stack("chat-gcp")
    usd = cost(graph, catalog(), plan=plan).usd_per_month
    found = pack.ask(graph, pack_config={COST: {"usd_per_month": 1000}})
    assert mandatory(found) == [(COST, "")]
    (message,) = (one.message for one in found if one.mandatory)
    assert f"costs {money(usd)} USD/month, more than the {money(1000)} of the policy pack's configuration" in message


def test_the_budget_of_the_stack_is_a_cap_as_well(pack: Pack):
    """The engine sends the stack's configuration."""
    found = pack.ask(stack("chat-gcp"), config={BUDGET: "999.50"})
    (message,) = (one.message for one in found if one.mandatory)
    assert f"more than the {money(999.5)} of the stack's sizeup:budget_usd_per_month" in message


def test_the_lower_of_two_caps_holds(pack: Pack):
    """Whoever set it."""
    found = pack.ask(stack("chat-gcp"), config={BUDGET: "900"}, pack_config={COST: {"usd_per_month": 1000}})
    (message,) = (one.message for one in found if one.mandatory)
    assert "more than the 900.00 of the stack's" in message


def test_a_stack_within_its_cap_is_let_through(pack: Pack):
    """One dollar more than it costs."""
    plan, graph = load_plan(ROOT, "chat-gcp"), stack("chat-gcp")
    usd = cost(graph, catalog(), plan=plan).usd_per_month
    assert mandatory(pack.ask(graph, pack_config={COST: {"usd_per_month": usd + 1}})) == []
    assert mandatory(pack.ask(graph, pack_config={COST: {"usd_per_month": usd - 1}})) == [(COST, "")]


def test_what_is_not_known_yet_breaks_nothing_and_keeps_no_rule_from_running(pack: Pack):
    """A policy that meets an unknown would otherwise say that it cannot run during a preview."""
    graph = stack("chat-gcp")
    unknown = tuple(replace(one, inputs=dict.fromkeys(one.inputs, Unknown())) for one in graph.resources)
    found = pack.ask(replace(graph, resources=unknown))
    assert [one.message for one in found if "can't run" in one.message] == []
    assert mandatory(found) == []


def test_a_secret_breaks_a_rule_and_is_not_told(pack: Pack):
    """The package opens secrets before a policy sees them; ours stay marked, and messages are without them."""
    broken, name = changed(stack("chat-gcp"), POOL, with_node(machineType=Secret("n2-hunter2-8")))
    broken, _ = changed(broken, POOL, with_node(serviceAccount="default", imageType=Secret("HUNTER2")))
    found = pack.ask(broken)
    assert ("gke-node-account", name) in mandatory(found)
    assert any(one.policy == "gke-node-image" and "[secret]" in one.message for one in found)
    assert [one.message for one in found if "hunter2" in one.message.lower()] == []


def test_what_the_cloud_fills_in_beside_an_input_breaks_nothing(pack: Pack):
    """A node pool reports a count beside its autoscaler; the program never asked for both."""
    scaled = with_inputs(autoscaling={"minNodeCount": 0, "maxNodeCount": 9}, nodeCount=None)
    graph, name = changed(stack("chat-gcp"), POOL, scaled)
    assert mandatory(pack.ask(graph, filled_in={name: {"nodeCount": 3}})) == []


def test_what_the_program_only_looks_up_is_not_judged(pack: Pack):
    """An old bucket that is read by `.get()` is its owner's to mend."""
    graph, name = changed(
        stack("chat-gcp"), "gcp:storage/bucket:Bucket", with_inputs(publicAccessPrevention="inherited")
    )
    assert mandatory(pack.ask(graph)) == [("gcs-public-access", name)]
    with running() as fresh:
        others = [one.name for one in graph.resources if one.name != name]
        assert mandatory(fresh.ask(graph, registered=others)) == []


def test_the_engine_may_start_it_by_its_script_too():
    """pulumi-analyzer-policy-python runs `python -m pulumi.policy`, with the configuration in the environment."""
    with running(BY_THE_SCRIPT, {"PULUMI_CONFIG": "{}"}) as started:
        assert started.info().name == "sizeup"
        assert mandatory(started.ask(stack("tpu-gcp"))) == []
