"""Rules on what surrounds pods: budgets, autoscalers, services, network policies, sidecars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.graph import Graph, Resource, Value
from components.rules.kubernetes_scheduling import SCALER, scales
from components.rules.pods import Pod, containers, is_model_server, namespace_of, pods
from components.rules.pools import quantity
from components.rules.reading import (
    Mistake,
    each,
    inside,
    is_absent,
    is_unknown_or_absent,
    items,
    mapping,
    of_type,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, truth, whole

BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
SERVICE = "kubernetes:core/v1:Service"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
INTERNAL: Mapping[str, tuple[str, ...]] = {  # annotations that keep a load balancer inside the network
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "networking.gke.io/load-balancer-type": ("Internal",),
    "cloud.google.com/load-balancer-type": ("Internal",),
}
FUSE = "gke-gcsfuse/volumes"
FUSE_LIMITS = ("gke-gcsfuse/cpu-limit", "gke-gcsfuse/memory-limit", "gke-gcsfuse/ephemeral-storage-limit")


def is_internal(annotations: Mapping[str, Value]) -> bool:
    """Whether the annotations of a Service keep its load balancer inside the network; also where one is not known."""
    return any(is_unknown(annotations.get(key)) or annotations.get(key) in values for key, values in INTERNAL.items())


def _selects(one: Resource, pod: Pod) -> bool:
    """Whether an object's selector selects a pod of its namespace; also where one of them is not known."""
    wanted = stated(one, "spec", "selector", "matchLabels")
    labels = inside(pod.metadata, "labels")
    same = None in (namespace_of(one), pod.namespace) or namespace_of(one) == pod.namespace
    unread = is_unknown(wanted) or is_unknown(labels)
    return same and (
        unread
        or all(
            is_unknown(value) or is_unknown(pod.labels.get(key)) or pod.labels.get(key) == value
            for key, value in mapping(wanted).items()
        )
    )


def _zero(graph: Graph) -> Iterator[Violation]:
    """A budget that lets nobody go stops every update of the nodes."""
    for budget in of_type(graph, BUDGET):
        selected = [pod for pod in pods(graph) if _selects(budget, pod)]
        counts = [whole(stated(pod.resource, "spec", "replicas")) for pod in selected]
        replicas = counts[0] if len(counts) == 1 else None
        gone, left = stated(budget, "spec", "maxUnavailable"), stated(budget, "spec", "minAvailable")
        if _is_none(gone):
            yield Violation(urn=budget.urn, path="spec.maxUnavailable", text=f"is {shown(gone)}: no pod may ever go")
        elif left == "100%" or (replicas is not None and whole(left) is not None and (whole(left) or 0) >= replicas):
            what = f"is {shown(left)}" + (f", of {replicas} replicas" if replicas is not None else "")
            yield Violation(urn=budget.urn, path="spec.minAvailable", text=f"{what}: no pod may ever go")


def _is_none(value: Value) -> bool:
    return not is_unknown_or_absent(value) and quantity(str(value).removesuffix("%")) == 0


def _servers(graph: Graph) -> Iterator[Pod]:
    return (pod for pod in pods(graph) if any(map(is_model_server, containers(pod))))


def _budgeted(graph: Graph) -> Iterator[Violation]:
    budgets = list(of_type(graph, BUDGET))
    for pod in _servers(graph):
        replicas = whole(stated(pod.resource, "spec", "replicas"))
        covered = any(_selects(one, pod) for one in budgets)
        if replicas is not None and replicas > 1 and not covered:
            yield Violation(urn=pod.resource.urn, path="", text=f"all {replicas} replicas may be evicted at once")


def _spread(graph: Graph) -> Iterator[Violation]:
    for pod in _servers(graph):
        replicas = whole(stated(pod.resource, "spec", "replicas"))
        constraints = pod.spec.get("topologySpreadConstraints")
        anti = inside(pod.spec.get("affinity"), "podAntiAffinity")
        if replicas is not None and replicas > 1 and is_absent(constraints) and is_absent(anti):
            path = f"{pod.path}.topologySpreadConstraints"
            yield Violation(urn=pod.resource.urn, path=path, text=f"{replicas} replicas may all be in one zone")


def _scaled(graph: Graph) -> Iterator[Violation]:
    """Replicas that an autoscaler moves are not the program's."""
    for scaler in of_type(graph, SCALER):
        for pod in pods(graph):
            written = stated(pod.resource, "spec", "replicas")
            ignored = pod.resource.ignore_changes
            covered = any(one in ("spec.replicas", "spec", "*") for one in ignored)
            if scales(scaler, pod) and not is_unknown_or_absent(written) and not covered:
                what = f"is {shown(written)}; {scaler.name} moves it, and the next run moves it back"
                yield Violation(urn=pod.resource.urn, path="spec.replicas", text=what)


def _scaler_order(scaler: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    least, most = whole(stated(scaler, "spec", "minReplicas")), whole(stated(scaler, "spec", "maxReplicas"))
    if least is not None and most is not None and least > most:
        yield "spec", f"at least {least} replicas and at most {most}"


def _inside_only(service: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    annotations = stated(service, "metadata", "annotations")
    balances = stated(service, "spec", "type") == "LoadBalancer"
    if balances and not is_unknown(annotations) and not is_internal(mapping(annotations)):
        yield "metadata.annotations", "its load balancer gets a public address"


def _callers(service: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    ranges = stated(service, "spec", "loadBalancerSourceRanges")
    if stated(service, "spec", "type") == "LoadBalancer" and is_absent(ranges):
        yield "spec.loadBalancerSourceRanges", "is not stated: every network that has a route may call"


def _walled(graph: Graph) -> Iterator[Violation]:
    """A namespace with a model server lets nothing through but what is named."""
    policies = list(of_type(graph, NETWORK_POLICY))
    for namespace in dict.fromkeys(pod.namespace for pod in _servers(graph) if pod.namespace is not None):
        denied = [one for one in policies if namespace_of(one) in (namespace, None) and _is_deny_all(one)]
        if not denied:
            first = next(pod for pod in _servers(graph) if pod.namespace == namespace)
            what = f"nothing denies what is not named in {namespace}"
            yield Violation(urn=first.resource.urn, path="metadata.namespace", text=what)


def _is_deny_all(policy: Resource) -> bool:
    selector, kinds = stated(policy, "spec", "podSelector"), stated(policy, "spec", "policyTypes")
    rules = [stated(policy, "spec", key) for key in ("ingress", "egress")]
    unread = is_unknown(stated(policy, "spec")) or is_unknown(selector) or is_unknown(kinds)
    both = all(any(is_unknown(one) or one == kind for one in items(kinds)) for kind in ("Ingress", "Egress"))
    return unread or (is_absent(selector) and both and all(is_absent(one) or is_unknown(one) for one in rules))


def _fuse(graph: Graph) -> Iterator[Violation]:
    """The sidecar that mounts buckets on GKE is killed at its default limits."""
    for pod in pods(graph):
        annotations = inside(pod.metadata, "annotations")
        limits = {key: inside(annotations, key) for key in FUSE_LIMITS}
        low = [key for key, value in limits.items() if not is_unknown(value) and value != "0"]
        if truth(inside(annotations, FUSE)) and low:
            path = f"{pod.path.removesuffix('spec')}metadata.annotations"
            yield Violation(urn=pod.resource.urn, path=path, text=f"{', '.join(low)}: not 0, so the sidecar is limited")


def _labelled(graph: Graph) -> Iterator[Violation]:
    for pod in pods(graph):
        labels = stated(pod.resource, "metadata", "labels")
        if not is_unknown(labels) and is_absent(mapping(labels).get("app.kubernetes.io/name")):
            yield Violation(
                urn=pod.resource.urn, path="metadata.labels", text="states no app.kubernetes.io/name to find it by"
            )


RULES: tuple[Rule, ...] = (
    Rule(
        id="budget-zero",
        severity=Severity.ERROR,
        title="A disruption budget lets one pod go at least",
        why="an update of the node group fails after 45 minutes of waiting",
        mend="set max_unavailable=1",
        origin="pulumi-eks#875; compliance-policies disallowZeroVoluntaryDisruption",
        check=_zero,
    ),
    Rule(
        id="server-budget",
        severity=Severity.WARNING,
        title="Several replicas of a model have a disruption budget",
        why="an update of the nodes may take all of them away at once",
        mend="add a PodDisruptionBudget with max_unavailable=1",
        origin="pulumi-eks#875; missing from production-stack",
        check=_budgeted,
    ),
    Rule(
        id="server-spread",
        severity=Severity.WARNING,
        title="Several replicas of a model are spread",
        why="the loss of one zone takes all of them",
        mend="add topology_spread_constraints by zone",
        origin="missing from production-stack's engine template",
        check=_spread,
    ),
    Rule(
        id="scaler-owns-replicas",
        severity=Severity.WARNING,
        title="Replicas that an autoscaler moves are left alone by the program",
        why="each run takes away what the load asked for",
        mend='add ignore_changes=["spec.replicas"]',
        origin="Kubernetes horizontal pod autoscaler; no public rule",
        check=_scaled,
    ),
    Rule(
        id="scaler-order",
        severity=Severity.ERROR,
        title="An autoscaler's least is no more than its most",
        why="Kubernetes refuses it",
        mend="put the two in order",
        origin="Kubernetes HorizontalPodAutoscaler validation",
        check=each(SCALER, _scaler_order),
    ),
    Rule(
        id="service-internal",
        severity=Severity.ERROR,
        title="Load balancers are inside the network",
        why="anybody may call the model, at your cost",
        mend="annotate the Service as internal; put a gateway with authentication in front for others",
        origin="compliance-policies kubernetes Service.disallowLoadBalancer",
        check=each(SERVICE, _inside_only),
    ),
    Rule(
        id="service-callers",
        severity=Severity.WARNING,
        title="Load balancers name the networks that may call",
        why="every peered network may",
        mend="set load_balancer_source_ranges",
        origin="AWS and GKE internal load balancers; no public rule",
        check=each(SERVICE, _callers),
    ),
    Rule(
        id="server-network-policy",
        severity=Severity.ERROR,
        title="What may reach a model, and what it may reach, is named",
        why="every pod of the cluster reaches it, and what breaks in reaches everything",
        mend="add a NetworkPolicy that selects all pods for both directions, and others for what is let through",
        origin="CIS Kubernetes 5.3.2; checkov CKV2_K8S_6",
        check=_walled,
    ),
    Rule(
        id="fuse-limits",
        severity=Severity.WARNING,
        title="The sidecar of Cloud Storage FUSE has no limits of its own",
        why="it is killed at 256 MiB, or evicted for its cache, and the mount with it",
        mend='annotate gke-gcsfuse/cpu-limit, memory-limit and ephemeral-storage-limit with "0"',
        origin="gcs-fuse-csi-driver#314, #372, #61; accelerated-platforms deployment.yaml",
        check=_fuse,
    ),
    Rule(
        id="workload-labels",
        severity=Severity.WARNING,
        title="What makes pods says what it is",
        why="nobody finds it, and dashboards do not either",
        mend="label it app.kubernetes.io/name",
        origin="compliance-policies kubernetes configureRecommendedLabels",
        check=_labelled,
    ),
)
