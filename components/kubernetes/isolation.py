"""What may reach the pods of a workload and what they may reach: nothing, but for the few ways named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1

from components.arguments import checked
from components.kubernetes.vllm import PORT

LINK_LOCAL = "169.254.0.0/16"  # metadata and credential endpoints of both clouds: opened one by one
NODE_LOCAL_DNS = "169.254.20.10/32"  # where NodeLocal DNSCache listens, by convention


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """One more address that pods may reach."""

    cidr: str
    port: int


def deny_all() -> v1.NetworkPolicySpecArgs:
    """No pod of the namespace is reached by anything, or reaches anything."""
    return v1.NetworkPolicySpecArgs(pod_selector=meta.LabelSelectorArgs(), policy_types=["Ingress", "Egress"])


def allow_serving(
    labels: Mapping[str, str], *, caller_cidrs: tuple[str, ...], egress: tuple[Egress, ...]
) -> v1.NetworkPolicySpecArgs:
    """
    Model servers answer pods of the cluster and the callers' networks; they reach DNS, HTTPS and what *egress* names.

    HTTPS goes to any address (object stores and the model hub have no fixed ones) but link-local, where nodes keep
    their own credentials.
    """
    callers = [v1.NetworkPolicyPeerArgs(namespace_selector=meta.LabelSelectorArgs())]
    callers += [v1.NetworkPolicyPeerArgs(ip_block=v1.IPBlockArgs(cidr=cidr)) for cidr in caller_cidrs]
    dns = [
        v1.NetworkPolicyPeerArgs(
            namespace_selector=meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": "kube-system"})
        ),
        v1.NetworkPolicyPeerArgs(ip_block=v1.IPBlockArgs(cidr=NODE_LOCAL_DNS)),
    ]
    anywhere = v1.NetworkPolicyPeerArgs(ip_block=v1.IPBlockArgs(cidr="0.0.0.0/0", except_=[LINK_LOCAL]))
    named = [
        v1.NetworkPolicyEgressRuleArgs(
            to=[v1.NetworkPolicyPeerArgs(ip_block=v1.IPBlockArgs(cidr=one.cidr))], ports=[_port("TCP", one.port)]
        )
        for one in egress
    ]
    return v1.NetworkPolicySpecArgs(
        pod_selector=meta.LabelSelectorArgs(match_labels=dict(labels)),
        policy_types=["Ingress", "Egress"],
        ingress=[v1.NetworkPolicyIngressRuleArgs(from_=callers, ports=[_port("TCP", PORT)])],
        egress=[
            v1.NetworkPolicyEgressRuleArgs(to=dns, ports=[_port("UDP", 53), _port("TCP", 53)]),
            v1.NetworkPolicyEgressRuleArgs(to=[anywhere], ports=[_port("TCP", 443)]),
            *named,
        ],
    )


def _port(protocol: str, port: int) -> v1.NetworkPolicyPortArgs:
    return v1.NetworkPolicyPortArgs(protocol=protocol, port=port)
