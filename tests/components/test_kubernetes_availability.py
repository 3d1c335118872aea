"""Rollouts, disruption budgets and autoscaling follow from the plan's replicas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.kubernetes import availability
from sizing.plan import Deployment, Placement
from tests.examples import CHAT_DEPLOYMENT


def with_replicas(replicas: int, *, most: int) -> Deployment:
    placements = (Placement(pool="p", replicas=replicas),)
    return replace(CHAT_DEPLOYMENT, placements=placements, least_replicas=replicas, max_replicas=most)


def rolling_update(deployment: Deployment) -> Any:
    """Its rollout's settings; by their types they might be outputs, so they are read without a type."""
    return availability.rollout(deployment).rolling_update


def test_a_rollout_never_asks_for_accelerators_that_were_not_bought():
    """Four replicas on machines that hold four: one stops before its successor starts."""
    rolling = rolling_update(with_replicas(4, most=4))
    assert (rolling.max_surge, rolling.max_unavailable) == (0, 1)


def test_a_single_replica_with_a_free_slot_is_replaced_without_a_gap():
    """Its successor starts on the free slot first."""
    rolling = rolling_update(with_replicas(1, most=2))
    assert (rolling.max_surge, rolling.max_unavailable) == (1, 0)


def test_a_disruption_budget_always_lets_one_go():
    """A budget of zero would block every update of nodes."""
    for replicas in (1, 2, 7):
        budget = availability.disruption_budget(with_replicas(replicas, most=replicas))
        assert budget.max_unavailable == 1


def test_the_autoscaler_moves_between_the_planned_replicas_and_what_the_machines_hold():
    """Five planned, six fit; 80 % of 40 requests in flight each."""
    scaler: Any = availability.autoscaler(replace(with_replicas(5, most=6), concurrency=40))
    assert (scaler.min_replicas, scaler.max_replicas) == (5, 6)
    (metric,) = scaler.metrics
    assert metric.pods.metric.name == "vllm:num_requests_running"
    assert metric.pods.target.average_value == "32"


def test_the_autoscaler_goes_down_to_the_replicas_of_the_quietest_hours():
    """Five at the peak, two by night; and never to none, from where no metric would bring it back."""
    by_night: Any = availability.autoscaler(replace(with_replicas(5, most=6), least_replicas=2))
    assert (by_night.min_replicas, by_night.max_replicas) == (2, 6)
    never_none: Any = availability.autoscaler(replace(with_replicas(5, most=6), least_replicas=0))
    assert never_none.min_replicas == 1


def test_the_autoscaler_scales_the_deployment_of_the_same_name():
    """It is found by name in its own namespace."""
    scaler: Any = availability.autoscaler(CHAT_DEPLOYMENT)
    assert scaler.scale_target_ref.name == CHAT_DEPLOYMENT.name
