"""
One workload served on Kubernetes: its deployments, one Service over all of them, and what keeps them available.

Free of cloud specifics: accelerator resource, node selectors, tolerations, annotations and credential endpoints come
in as plain values. Autoscaling reads `vllm:num_requests_running` through the custom-metrics API, so it scales only
where an adapter (prometheus-adapter, KEDA) serves that metric; without one the planned replicas run unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.autoscaling import v2 as autoscaling
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking
from pulumi_kubernetes.policy import v1 as policy

from components.arguments import checked
from components.kubernetes import availability, isolation, lifecycle
from components.kubernetes.replica import (
    API_KEY,
    HUB_TOKEN,
    SECRET_NAME,
    SERVICE_ACCOUNT,
    FromHub,
    Served,
    Weights,
    pod_template,
)
from components.labels import DEPLOYMENT, WORKLOAD, pod_labels, workload_labels
from components.rules.broken import broken
from components.rules.kubernetes_objects import is_internal
from sizing.errors import Problem


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ServingArgs:
    """What one workload needs; only identifiers of other resources are inputs."""

    workload: str
    served: tuple[Served, ...]  # the workload's deployments, on-demand and spot
    weights: Weights
    caller_cidrs: tuple[str, ...]  # may reach the load balancer and the pods: the network's own ranges
    # Asked of every caller of /v1, and of no other path: vLLM leaves the rest open, so the network policy stays the
    # first line of defence. None: whoever reaches the network may call.
    api_key: pulumi.Input[str] | None = None
    egress: tuple[isolation.Egress, ...] = ()  # beside DNS and HTTPS: where pods get their cloud identity
    service_account_annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    load_balancer_annotations: Mapping[str, str] = field(default_factory=dict)  # must make it internal
    after: Sequence[pulumi.Resource] = ()  # nodes, name resolution: what pods need, and what must outlive them

    def broken_rules(self) -> Iterator[Problem]:
        """What the workload's load balancer would break."""
        outside = () if is_internal(self.load_balancer_annotations) else ("make its load balancer a public one",)
        yield from broken("service-internal", "load_balancer_annotations", outside)
        open_to_all = () if self.caller_cidrs else ("names no network, so that every one with a route may call",)
        yield from broken("service-callers", "caller_cidrs", open_to_all)


def namespace_of(workload: str) -> str:
    """Namespace of a workload: its own, named after it unless Kubernetes has taken the name."""
    is_taken = workload == "default" or workload.startswith("kube-")
    return f"{workload}-serving" if is_taken else workload


def pod_security(served: tuple[Served, ...]) -> str:
    """The strictest Pod Security Standard that the workload's pods meet."""
    return "baseline" if any(one.run_as_root for one in served) else "restricted"


@checked
class ServingStack(pulumi.ComponentResource):
    """
    Replicas of a model behind one Service, private to the network.

    Attributes:
        namespace: Name of the namespace.
        service: Name of the Service inside the cluster, port 80.
        load_balancer: Name of the Service of the internal load balancer, port 80.
    """

    namespace: pulumi.Output[str]
    service: pulumi.Output[str]
    load_balancer: pulumi.Output[str]

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the workload of *args*; the Kubernetes provider comes with *opts*."""
        super().__init__("sizeup:index:ServingStack", name, None, opts)
        labels = workload_labels(args.workload)
        namespace = v1.Namespace(
            f"{name}-namespace",
            metadata=meta.ObjectMetaArgs(
                name=namespace_of(args.workload),
                labels=dict(labels) | {"pod-security.kubernetes.io/enforce": pod_security(args.served)},
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        identity = [*_service_account(name, args, inside), *_secret(name, args, inside)]
        _network_policies(name, args, inside)
        for served in args.served:
            _replicas(name, args, served, pulumi.ResourceOptions(parent=self, depends_on=[namespace, *identity]))
        addressed = pulumi.ResourceOptions.merge(
            inside, pulumi.ResourceOptions(custom_timeouts=_timeouts(args, args.served))
        )
        _service(name, args, addressed)
        _load_balancer(name, args, addressed)
        self.namespace = pulumi.Output.from_input(namespace_of(args.workload))
        self.service = pulumi.Output.from_input(args.workload)
        self.load_balancer = pulumi.Output.from_input(f"{args.workload}-internal")
        self.register_outputs(
            {"namespace": self.namespace, "service": self.service, "loadBalancer": self.load_balancer}
        )


def _timeouts(args: ServingArgs, served: tuple[Served, ...]) -> pulumi.CustomTimeouts:
    """
    How long to wait until replicas are ready: the slowest of *served*, and a minute to notice.

    For a Service too: Pulumi waits until it has pods to send traffic to, and would give up after ten minutes, before a
    large model is loaded.
    """
    seconds = max(_deadline_s(args, one) for one in served) + 60
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")


def _deadline_s(args: ServingArgs, served: Served) -> int:
    """Seconds until a replica of *served* must be ready, wherever its weights come from."""
    return lifecycle.progress_deadline_s(served.deployment, from_hub=isinstance(args.weights, FromHub))


def _metadata(args: ServingArgs, name: str, **more: Mapping[str, pulumi.Input[str]]) -> meta.ObjectMetaArgs:
    """Metadata of an object of the workload."""
    labels = dict(more.get("labels", workload_labels(args.workload)))
    annotations = dict(more["annotations"]) if more.get("annotations") else None
    return meta.ObjectMetaArgs(name=name, namespace=namespace_of(args.workload), labels=labels, annotations=annotations)


def _service_account(name: str, args: ServingArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The identity of the pods; the clouds tie their own to it."""
    return [
        v1.ServiceAccount(
            f"{name}-account",
            metadata=_metadata(args, SERVICE_ACCOUNT, annotations=args.service_account_annotations),
            automount_service_account_token=False,
            opts=opts,
        )
    ]


def _secret(name: str, args: ServingArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """API key and Hub token, where there are any."""
    data: dict[str, pulumi.Input[str]] = {}
    if args.api_key is not None:
        data[API_KEY] = pulumi.Output.secret(args.api_key)
    if isinstance(args.weights, FromHub) and args.weights.token is not None:
        data[HUB_TOKEN] = pulumi.Output.secret(args.weights.token)
    if not data:
        return []
    return [v1.Secret(f"{name}-secret", metadata=_metadata(args, SECRET_NAME), string_data=data, opts=opts)]


def _network_policies(name: str, args: ServingArgs, opts: pulumi.ResourceOptions) -> None:
    """Everything is closed, then serving is opened."""
    networking.NetworkPolicy(
        f"{name}-deny-all", metadata=_metadata(args, "deny-all"), spec=isolation.deny_all(), opts=opts
    )
    allowed = isolation.allow_serving({WORKLOAD: args.workload}, caller_cidrs=args.caller_cidrs, egress=args.egress)
    networking.NetworkPolicy(
        f"{name}-allow-serving", metadata=_metadata(args, "allow-serving"), spec=allowed, opts=opts
    )


def _replicas(name: str, args: ServingArgs, served: Served, opts: pulumi.ResourceOptions) -> None:
    """One deployment with its disruption budget and its autoscaler."""
    plan, labels = served.deployment, pod_labels(served.deployment)
    apps.Deployment(
        f"{name}-{plan.name}",
        metadata=_metadata(args, plan.name, labels=labels),
        spec=apps.DeploymentSpecArgs(
            replicas=plan.replicas,
            selector=meta.LabelSelectorArgs(match_labels={DEPLOYMENT: plan.name}),
            strategy=availability.rollout(plan),
            progress_deadline_seconds=_deadline_s(args, served),
            revision_history_limit=3,
            template=pod_template(served, args.weights, has_api_key=args.api_key is not None),
        ),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                ignore_changes=["spec.replicas"],  # the autoscaler's, from its floor, the planned replicas, upwards
                custom_timeouts=_timeouts(args, (served,)),
            ),
        ),
    )
    policy.PodDisruptionBudget(
        f"{name}-{plan.name}-budget",
        metadata=_metadata(args, plan.name, labels=labels),
        spec=availability.disruption_budget(plan),
        opts=opts,
    )
    autoscaling.HorizontalPodAutoscaler(
        f"{name}-{plan.name}-autoscaler",
        metadata=_metadata(args, plan.name, labels=labels),
        spec=availability.autoscaler(plan),
        opts=opts,
    )


def _service(name: str, args: ServingArgs, opts: pulumi.ResourceOptions) -> None:
    """The workload's address inside the cluster."""
    v1.Service(
        f"{name}-service",
        metadata=_metadata(args, args.workload),
        spec=v1.ServiceSpecArgs(
            type="ClusterIP",
            selector={WORKLOAD: args.workload},
            ports=[v1.ServicePortArgs(name="http", port=80, target_port="http")],
        ),
        opts=opts,
    )


def _load_balancer(name: str, args: ServingArgs, opts: pulumi.ResourceOptions) -> None:
    """
    The workload's address inside the network.

    Traffic goes on to any node and from there to any replica: the sizing rests on even load over replicas, which a
    policy of `Local` would break where nodes hold different numbers of them.
    """
    v1.Service(
        f"{name}-load-balancer",
        metadata=_metadata(args, f"{args.workload}-internal", annotations=args.load_balancer_annotations),
        spec=v1.ServiceSpecArgs(
            type="LoadBalancer",
            selector={WORKLOAD: args.workload},
            external_traffic_policy="Cluster",
            load_balancer_source_ranges=list(args.caller_cidrs),
            ports=[v1.ServicePortArgs(name="http", port=80, target_port="http")],
        ),
        opts=opts,
    )
