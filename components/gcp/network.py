"""The private network: one subnetwork with room for pods and services, a way out, and no way in."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from components.arguments import checked

# Addresses that do not overlap. Nodes: 4,092. Pods: 262,144, of which GKE gives a node twice what it may hold (a /24 to
# 110 pods, a /26 to 32, a /27 to 15). Services: 4,096. Pods take the shared address space (RFC 6598), which leaves the
# private ranges to the networks that are peered with.
NODES = "10.0.0.0/20"
PODS = "100.64.0.0/14"
SERVICES = "10.0.16.0/20"
PODS_RANGE = "pods"
SERVICES_RANGE = "services"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """What decides the shape of the network."""

    region: str


@checked
class Network(pulumi.ComponentResource):
    """
    A VPC in custom mode, with one subnetwork in one region.

    Google APIs are reached without leaving Google's network (private Google access), everything else through Cloud
    NAT. The firewall is what the VPC implies (nothing comes in) and what GKE adds for its nodes and load balancers;
    one rule more makes what is turned away visible in the logs.

    Attributes:
        network_id: Id of the VPC.
        subnetwork_id: Id of the subnetwork.
    """

    network_id: pulumi.Output[str]
    subnetwork_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the network of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = compute.Network(
            name,
            description="Private network of a sizeup stack",
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=child,
        )
        subnetwork = compute.Subnetwork(
            f"{name}-nodes",
            network=network.id,
            region=args.region,
            ip_cidr_range=NODES,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=PODS),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES_RANGE, ip_cidr_range=SERVICES),
            ],
            private_ip_google_access=True,
            stack_type="IPV4_ONLY",
            log_config=compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            ),
            opts=child,
        )
        _way_out(name, args, network, child)
        compute.Firewall(
            f"{name}-deny-ingress",
            description="Turns away and logs what no other rule lets in",
            network=network.id,
            direction="INGRESS",
            priority=65534,  # one before the rule that every VPC implies, which cannot log
            source_ranges=["0.0.0.0/0"],
            denies=[compute.FirewallDenyArgs(protocol="all")],
            log_config=compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
            opts=child,
        )
        self.network_id = network.id
        self.subnetwork_id = subnetwork.id
        self.register_outputs({"networkId": self.network_id, "subnetworkId": self.subnetwork_id})


def _way_out(name: str, args: NetworkArgs, network: compute.Network, opts: pulumi.ResourceOptions) -> None:
    """Cloud NAT for images and public model hubs; ports grow with need, or one busy node would run out of 64."""
    router = compute.Router(f"{name}-router", network=network.id, region=args.region, opts=opts)
    compute.RouterNat(
        f"{name}-nat",
        router=router.name,
        region=args.region,
        nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        enable_dynamic_port_allocation=True,
        enable_endpoint_independent_mapping=False,  # excluded by dynamic port allocation
        min_ports_per_vm=64,
        max_ports_per_vm=8192,
        log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
        opts=opts,
    )
