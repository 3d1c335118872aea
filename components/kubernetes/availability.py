"""What keeps replicas serving while machines come and go: rollout, disruption budget, autoscaler; all from the plan."""

from __future__ import annotations

from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.autoscaling import v2 as autoscaling
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.policy import v1 as policy

from components.kubernetes import lifecycle
from components.labels import DEPLOYMENT
from sizing.plan import Deployment

RUNNING_REQUESTS = "vllm:num_requests_running"

SCALE_DOWN_WINDOW_S = 600  # a replica takes minutes to come back, so a lull must last before one goes


def rollout(deployment: Deployment) -> apps.DeploymentStrategyArgs:
    """
    One replica at a time, without asking for accelerators that the plan did not buy.

    A surge replica needs a free slot on the planned machines: it is used only by a single replica that has one, so
    that there is no gap; otherwise a rollout with a surge would wait for ever.
    """
    surge = deployment.replicas == 1 and deployment.max_replicas > 1
    return apps.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=apps.RollingUpdateDeploymentArgs(max_surge=int(surge), max_unavailable=int(not surge)),
    )


def disruption_budget(deployment: Deployment) -> policy.PodDisruptionBudgetSpecArgs:
    """
    One replica at a time may be evicted.

    Never none: a budget of zero makes an update of the node group fail after 45 minutes (pulumi-eks#875).
    """
    return policy.PodDisruptionBudgetSpecArgs(
        max_unavailable=1,
        selector=meta.LabelSelectorArgs(match_labels={DEPLOYMENT: deployment.name}),
        unhealthy_pod_eviction_policy="AlwaysAllow",
    )


def autoscaler(deployment: Deployment) -> autoscaling.HorizontalPodAutoscalerSpecArgs:
    """
    From the replicas of the quietest hours to what the planned machines hold.

    Where load does not change with the hour these are the planned replicas, whose machines are paid for anyway. A
    deployment starts with all of them, and while nothing serves the metric no autoscaler takes any away.
    """
    return autoscaling.HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=autoscaling.CrossVersionObjectReferenceArgs(
            api_version="apps/v1", kind="Deployment", name=deployment.name
        ),
        min_replicas=max(1, deployment.least_replicas),
        max_replicas=max(deployment.replicas, deployment.max_replicas),
        metrics=[
            autoscaling.MetricSpecArgs(
                type="Pods",
                pods=autoscaling.PodsMetricSourceArgs(
                    metric=autoscaling.MetricIdentifierArgs(name=RUNNING_REQUESTS),
                    target=autoscaling.MetricTargetArgs(
                        type="AverageValue", average_value=str(lifecycle.target_running_requests(deployment))
                    ),
                ),
            )
        ],
        behavior=autoscaling.HorizontalPodAutoscalerBehaviorArgs(
            scale_down=autoscaling.HPAScalingRulesArgs(
                stabilization_window_seconds=SCALE_DOWN_WINDOW_S,
                policies=[autoscaling.HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)],
            )
        ),
    )
