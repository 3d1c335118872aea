"""Exceptions from rules: each is of a rule that is there, has a reason, and covers what our own components build."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from components.aws.autoscaler import ClusterAutoscaler
from components.kubernetes import ServingStack
from components.rules import RULES, violations
from components.rules.waivers import WAIVERS, Waiver, waiver_of
from infra.recorder.stack_program import record_stack
from tests.components.test_kubernetes_serving import ARGS
from tests.mocks.programs import PROGRAMS
from tests.project import ROOT
from tests.recordings import recorded

BY_ID = {rule.id: rule for rule in RULES}
every_waiver = pytest.mark.parametrize("waiver", WAIVERS, ids=[f"{' '.join(x.rules)} {x.type}" for x in WAIVERS])


@every_waiver
def test_a_waiver_is_of_a_rule_that_is_there_and_says_why(waiver: Waiver):
    """And names a component of ours: nobody else's resource is waived."""
    assert set(waiver.rules) <= set(BY_ID)
    assert waiver.type.startswith("sizeup:index:")
    assert len(waiver.reason) > 40
    assert waiver.since <= date(2026, 12, 31)


def with_a_key() -> None:
    """A workload whose callers are asked for a key."""
    ServingStack("chat", replace(ARGS, api_key="k"))


def by_day() -> None:
    """Machines that come and go on AWS."""
    PROGRAMS[ClusterAutoscaler]()


def test_every_waiver_is_used_by_something_that_we_build():
    """One that covers nothing any more goes."""
    graphs = [record_stack(ROOT, stack).graph for stack in ("chat-aws", "small-aws", "tpu-gcp")] + [
        recorded(with_a_key),
        recorded(by_day),
    ]
    used = set()
    for graph in graphs:
        by_urn = {resource.urn: resource for resource in graph.resources}
        used |= {waiver_of(rule, by_urn[found.urn]) for rule, found in violations(graph)}
    assert set(WAIVERS) <= used


def test_the_same_thing_written_by_somebody_else_is_not_waived():
    """The waiver is of the component, not of the kind of object."""
    key = next(x for x in recorded(with_a_key).resources if x.type.endswith(":Deployment"))
    rule = BY_ID["pod-secret-files"]
    assert waiver_of(rule, key) is not None
    assert waiver_of(rule, replace(key, urn=f"urn:pulumi:dev::shop::{key.type}::{key.name}")) is None


def test_only_replicas_on_tpu_may_run_as_root():
    """The waiver of a name would cover every model server."""
    server = next(x for x in recorded(with_a_key).resources if x.type.endswith(":Deployment"))
    assert waiver_of(BY_ID["pod-non-root"], server) is None
