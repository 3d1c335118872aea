"""What Kubernetes objects cost beside the machines they run on: load balancers and volumes.

A kind in neither table is told as "price not known" by `cost.py`: a custom resource may well start machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from components.graph import Resource
from components.surroundings import at, cloud_of, read, region_of, text
from infra.cost.bill import CostGroup, CostKind, CostLine
from infra.cost.line import Pricer, Pricing, fixed, free, not_priced, unpriced, usage
from infra.cost.price_list import charge_price
from infra.cost.pricing_claims import claim_lines, claim_template_lines
from sizing.catalog.machine import Cloud

_NLB_KINDS = frozenset({"nlb", "nlb-ip", "external"})  # values of the annotation that make a network load balancer
_ON_NODES = "runs on machines that are paid for already"
_OBJECT = "an object in the cluster"


def kind_of(resource_type: str) -> str:
    """Group and kind without the version, as the tables name them: apps/Deployment, core/Service."""
    _, _, rest = resource_type.partition(":")
    group_version, _, kind = rest.rpartition(":")
    return f"{group_version.partition('/')[0]}/{kind.removesuffix('Patch')}"


def _service(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """A load balancer for a Service of that type; which one is by annotation or class on AWS."""
    if read(resource, "spec", "type") != "LoadBalancer":
        return (free(resource, _OBJECT),)
    cloud, region = cloud_of(resource, pricing.among), region_of(resource, pricing.among)
    if cloud is Cloud.GCP:
        price = charge_price(pricing.catalog, cloud, region, "forwarding_rule_first_5", unit="hour")
        return (fixed(resource, "load balancer forwarding rule", CostGroup.NETWORK, price),)
    if cloud is Cloud.AWS and _is_network_load_balancer(resource):
        price = charge_price(pricing.catalog, cloud, region, "nlb_hour", unit="hour")
        units = not_priced("LCU-hour")
        return (
            fixed(resource, "network load balancer", CostGroup.NETWORK, price),
            usage(resource, "load balancer capacity units", CostGroup.NETWORK, units),
        )
    price = not_priced("hour")
    return (fixed(resource, "load balancer", CostGroup.NETWORK, price),)


def _is_network_load_balancer(resource: Resource) -> bool:
    annotations = read(resource, "metadata", "annotations")
    kind = text(at(annotations, "service.beta.kubernetes.io/aws-load-balancer-type"))
    load_balancer_class = text(read(resource, "spec", "loadBalancerClass")) or ""
    return kind in _NLB_KINDS or load_balancer_class.endswith("/nlb")


def _ingress(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """An application load balancer where the class is that of the AWS controller; otherwise some balancer."""
    cloud, region = cloud_of(resource, pricing.among), region_of(resource, pricing.among)
    if cloud is not Cloud.AWS or read(resource, "spec", "ingressClassName") != "alb":
        return (fixed(resource, "load balancer of an ingress", CostGroup.NETWORK, not_priced("hour")),)
    price = charge_price(pricing.catalog, cloud, region, "alb_hour", unit="hour")
    units = charge_price(pricing.catalog, cloud, region, "alb_lcu", unit="LCU-hour")
    return (
        fixed(resource, "application load balancer", CostGroup.NETWORK, price),
        usage(resource, "load balancer capacity units", CostGroup.NETWORK, units),
    )


def _stateful_set(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Its pods run on machines that are paid for; each of them has a volume of every claim template."""
    return claim_template_lines(resource, pricing) or (free(resource, _ON_NODES),)


PRICED: Mapping[str, Pricer] = MappingProxyType(
    {
        "core/Service": _service,
        "core/PersistentVolumeClaim": claim_lines,
        "apps/StatefulSet": _stateful_set,
        "networking.k8s.io/Ingress": _ingress,
        "gateway.networking.k8s.io/Gateway": unpriced("load balancer of a gateway", CostGroup.NETWORK, "hour"),
        "monitoring.googleapis.com/PodMonitoring": unpriced(
            "metrics collected", CostGroup.PLATFORM, "sample", CostKind.USAGE
        ),
        "monitoring.googleapis.com/ClusterPodMonitoring": unpriced(
            "metrics collected", CostGroup.PLATFORM, "sample", CostKind.USAGE
        ),
    }
)

FREE: Mapping[str, str] = MappingProxyType(
    {
        "apps/Deployment": _ON_NODES,
        "apps/DaemonSet": _ON_NODES,
        "apps/ReplicaSet": _ON_NODES,
        "batch/Job": _ON_NODES,
        "batch/CronJob": _ON_NODES,
        "core/Pod": _ON_NODES,
        "core/Namespace": _OBJECT,
        "core/ConfigMap": _OBJECT,
        "core/Secret": _OBJECT,
        "core/ServiceAccount": _OBJECT,
        "core/ResourceQuota": _OBJECT,
        "core/LimitRange": _OBJECT,
        "core/Endpoints": _OBJECT,
        "rbac.authorization.k8s.io/Role": _OBJECT,
        "rbac.authorization.k8s.io/RoleBinding": _OBJECT,
        "rbac.authorization.k8s.io/ClusterRole": _OBJECT,
        "rbac.authorization.k8s.io/ClusterRoleBinding": _OBJECT,
        "policy/PodDisruptionBudget": _OBJECT,
        "autoscaling/HorizontalPodAutoscaler": "may change the replicas, not the machines",
        "networking.k8s.io/NetworkPolicy": _OBJECT,
        "networking.k8s.io/IngressClass": _OBJECT,
        "gateway.networking.k8s.io/HTTPRoute": _OBJECT,
        "gateway.networking.k8s.io/GatewayClass": _OBJECT,
        "scheduling.k8s.io/PriorityClass": _OBJECT,
        "storage.k8s.io/StorageClass": "paid through the volumes made from it",
        "storage.k8s.io/CSIDriver": _OBJECT,
        "node.k8s.io/RuntimeClass": _OBJECT,
        "apiextensions.k8s.io/CustomResourceDefinition": _OBJECT,
        "admissionregistration.k8s.io/ValidatingAdmissionPolicy": _OBJECT,
        "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": _OBJECT,
        "monitoring.coreos.com/ServiceMonitor": _OBJECT,
        "monitoring.coreos.com/PodMonitor": _OBJECT,
        "monitoring.coreos.com/PrometheusRule": _OBJECT,
        "monitoring.googleapis.com/Rules": _OBJECT,
    }
)
