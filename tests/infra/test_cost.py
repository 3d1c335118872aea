"""What a graph costs: every resource has a line, unknown is not zero, and each figure can be worked by hand."""

from __future__ import annotations

import importlib.resources
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Resource, Unknown
from infra.cost import Cost, CostGroup, CostKind, content_of, cost, cost_change, machine_lines, pricing_aws, pricing_gcp
from tests.examples import CHAT_PLAN
from tests.prices import AWS, CATALOG, EKS, GCP, GKE, TEMPLATE, node_group, node_pool
from tests.project import ROOT
from tests.resources import component, graph, resource


def bill(*resources: Resource, content_bytes: Mapping[str, int] | None = None) -> Cost:
    return cost(graph(AWS, GCP, *resources), CATALOG, content_bytes=content_bytes)


def lines(*resources: Resource) -> list[tuple[Any, ...]]:
    """Lines that are not of free resources, as (item, quantity, USD per hour, kind)."""
    return [(x.item, x.quantity, x.usd_per_hour, x.kind) for x in bill(*resources).lines if x.usd_per_hour != 0]


def hourly(item: str, *resources: Resource, content_bytes: Mapping[str, int] | None = None) -> float | None:
    (line,) = [x for x in bill(*resources, content_bytes=content_bytes).lines if x.item == item]
    return line.usd_per_hour


def test_a_node_group_costs_its_machines_and_their_disks() -> None:
    """2 x 55.04 = 110.08 USD/h; 2 disks x 200 GB x 0.08 USD a month / 730 h = 0.0438 USD/h."""
    assert lines(TEMPLATE, node_group()) == [
        ("p5.48xlarge on demand", 2, pytest.approx(110.08), CostKind.FIXED),
        ("gp3 disk", 400.0, pytest.approx(400 * 0.08 / 730), CostKind.FIXED),
    ]


def test_spot_is_priced_as_spot_and_says_that_it_moves() -> None:
    """The expected price, two machines at 20.50."""
    line = machine_lines(bill(TEMPLATE, node_group(capacityType="SPOT")))[0]
    assert (line.item, line.usd_per_hour, line.note) == ("p5.48xlarge spot", 41.0, "expected spot price")


def test_of_several_machine_types_the_dearest_is_counted() -> None:
    """Which one spot gives is not known before; the bill is never lower than what comes."""
    group = node_group(capacityType="SPOT", instanceTypes=["g6.xlarge", "g6e.xlarge"])
    line = machine_lines(bill(TEMPLATE, group))[0]
    assert line.usd_per_hour == pytest.approx(1.4)
    assert "dearest of 2 machine types" in line.note


def test_a_machine_without_an_offer_is_unknown_and_not_free() -> None:
    """No source tells a capacity block of it: the line says so, and the total says that it is missing."""
    total = bill(TEMPLATE, node_group(capacityType="CAPACITY_BLOCK"))
    line = machine_lines(total)[0]
    assert (line.usd_per_hour, line.usd_per_unit, line.is_unknown) == (None, None, True)
    assert line.note == "no capacity-block offer of p5.48xlarge in us-east-1"
    assert line in total.unknown


def test_an_unknown_count_leaves_the_cost_unknown() -> None:
    """A price without a quantity is no cost yet."""
    line = machine_lines(bill(TEMPLATE, node_group(scalingConfig=Unknown())))[0]
    assert (line.usd_per_unit, line.usd_per_hour, line.is_unknown) == (55.04, None, True)


def test_speed_above_what_the_volume_includes_is_paid() -> None:
    """500 MB/s are 375 above the included 125: 2 machines x 375 x 0.04 / 730; 6,000 IOPS are 3,000 above."""
    fast = replace(
        TEMPLATE,
        inputs={
            "blockDeviceMappings": [
                {"ebs": {"volumeSize": 200.0, "volumeType": "gp3", "throughput": 500.0, "iops": 6000.0}}
            ]
        },
    )
    assert hourly("gp3 MB/s above the included", fast, node_group(template=fast)) == pytest.approx(2 * 375 * 0.04 / 730)
    assert hourly("gp3 IOPS above the included", fast, node_group(template=fast)) == pytest.approx(
        2 * 3000 * 0.005 / 730
    )


def test_a_node_pool_of_gke_counts_every_zone() -> None:
    """3 a zone in two zones: 6 x 0.70683226 = 4.24 USD/h, and six boot disks of 100 GB."""
    pool = node_pool(nodeLocations=["us-central1-a", "us-central1-b"])
    assert lines(pool) == [
        ("g2-standard-4 on demand", 6, pytest.approx(4.24099356), CostKind.FIXED),
        ("pd-balanced disk", 600.0, pytest.approx(600 * 0.1 / 730), CostKind.FIXED),
    ]


def test_local_disks_are_paid_apart_only_where_the_machine_does_not_bring_them() -> None:
    """One 375 GB disk on each of three g2 machines is paid; the sixteen of an a3 are in its price."""
    config = {"machineType": "g2-standard-4", "diskType": "pd-balanced", "diskSizeGb": 100.0}
    added = node_pool(nodeConfig=config | {"ephemeralStorageLocalSsdConfig": {"localSsdCount": 1.0}})
    assert hourly("local-ssd", added) == pytest.approx(3 * 375 * 0.08 / 730)
    brought = node_pool(
        nodeConfig=config
        | {
            "machineType": "a3-highgpu-8g",
            "spot": True,
            "ephemeralStorageLocalSsdConfig": {"localSsdCount": 16.0},
        }
    )
    assert [x[0] for x in lines(brought)] == ["a3-highgpu-8g spot", "pd-balanced disk"]


def test_the_network_of_aws() -> None:
    """A NAT gateway and its address by the hour, its data by use; an interface endpoint in each of two zones."""
    nat = resource("aws:ec2/natGateway:NatGateway", "nat", provider=AWS)
    address = resource("aws:ec2/eip:Eip", "nat", provider=AWS)
    endpoint = resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ecr",
        inputs={"vpcEndpointType": "Interface", "subnetIds": [Unknown(), Unknown()]},
        provider=AWS,
    )
    assert lines(nat, address, endpoint) == [
        ("NAT gateway", 1, 0.045, CostKind.FIXED),
        ("NAT data", None, None, CostKind.USAGE),
        ("public IPv4 address", 1, 0.005, CostKind.FIXED),
        ("interface endpoint, per zone", 2, 0.02, CostKind.FIXED),
        ("interface endpoint data", None, None, CostKind.USAGE),
    ]


def test_traffic_between_zones_is_told_by_use() -> None:
    """A cent a GB in and out of a zone of us-east-1; for Google Cloud the facts have no figure that is verified."""
    vpc = resource("aws:ec2/vpc:Vpc", "network", provider=AWS)
    (line,) = bill(vpc).lines
    assert (line.item, line.kind, line.usd_per_unit) == ("traffic between zones, each way", CostKind.USAGE, 0.01)
    network = resource("gcp:compute/network:Network", "network")
    (between,) = [x for x in bill(GKE, network).lines if x.item == "traffic between zones"]
    assert (between.kind, between.is_unknown) == (CostKind.USAGE, True)


def test_a_gateway_endpoint_is_free() -> None:
    """The S3 endpoint of the private route tables."""
    endpoint = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", inputs={"vpcEndpointType": "Gateway"}, provider=AWS)
    (line,) = bill(endpoint).lines
    assert (line.kind, line.usd_per_hour) == (CostKind.FREE, 0.0)


def test_a_region_without_a_price_is_unknown() -> None:
    """The facts price a NAT gateway in us-east-1 only; elsewhere it still costs something."""
    nat = resource("aws:ec2/natGateway:NatGateway", "nat", inputs={"region": "eu-west-1"})
    fixed, data = bill(nat).lines
    assert (fixed.is_unknown, fixed.note, data.is_unknown) == (True, "no price in eu-west-1", True)


def test_a_price_for_all_regions_holds_everywhere() -> None:
    """The EKS control plane costs the same in every region."""
    cluster = resource("aws:eks/cluster:Cluster", "eks", inputs={"region": "eu-west-1"})
    assert hourly("EKS control plane", cluster) == 0.1


def test_a_bucket_is_paid_by_use_unless_its_content_is_expected() -> None:
    """70.6 GB x 0.023 USD / 730 h; without the plan's figure the price per GB alone is told."""
    bucket = resource("aws:s3/bucket:Bucket", "chat-models", provider=AWS)
    assert lines(bucket) == [("S3 STANDARD storage", None, None, CostKind.USAGE)]
    assert content_of(CHAT_PLAN) == {"models": 70_600_000_000}
    assert hourly("S3 STANDARD storage", bucket, content_bytes=content_of(CHAT_PLAN)) == pytest.approx(
        70.6 * 0.023 / 730
    )


def test_a_bucket_may_say_itself_what_it_will_hold() -> None:
    """A tag of 100 GB wins over the plan."""
    bucket = resource("aws:s3/bucket:Bucket", "models", inputs={"tags": {"sizeup-content-gb": "100"}}, provider=AWS)
    assert hourly("S3 STANDARD storage", bucket, content_bytes={"models": 1}) == pytest.approx(100 * 0.023 / 730)


def test_a_bucket_says_which_of_the_plan_it_is() -> None:
    """Its resource may be called otherwise: the tag names the plan's bucket."""
    bucket = resource("aws:s3/bucket:Bucket", "m-bucket", inputs={"tags": {"sizeup-bucket": "models"}}, provider=AWS)
    assert hourly("S3 STANDARD storage", bucket, content_bytes={"models": 10**9}) == pytest.approx(0.023 / 730)


def test_buckets_of_google_cloud_are_priced_where_they_lie() -> None:
    """A region in capitals, as Google reports it, and the multi-region US have prices of their own."""
    in_region = resource("gcp:storage/bucket:Bucket", "a-models", inputs={"location": "US-CENTRAL1"})
    everywhere = resource("gcp:storage/bucket:Bucket", "b-models", inputs={"location": "US"})
    known = {"models": 10**9}
    assert hourly("Cloud Storage standard", in_region, content_bytes=known) == pytest.approx(0.02 / 730)
    assert hourly("Cloud Storage standard", everywhere, content_bytes=known) == pytest.approx(0.026 / 730)


def test_google_cloud_by_the_hour_and_by_use() -> None:
    """Cluster fee, NAT gateway and its addresses; logs and keys have no price in the facts."""
    nat = resource("gcp:compute/routerNat:RouterNat", "nat", inputs={"region": "us-central1"})
    key = resource("gcp:kms/cryptoKey:CryptoKey", "key")
    total = bill(GKE, nat, key)
    assert [(x.item, x.usd_per_hour) for x in total.fixed] == [
        ("GKE cluster management", 0.1),
        ("Cloud NAT gateway", 0.0448),
    ]
    assert [x.item for x in total.usage] == ["Cloud NAT data", "Cloud NAT addresses"]
    assert [x.item for x in total.unknown] == ["Cloud Logging and Monitoring ingestion", "KMS key version"]


def test_a_default_node_pool_that_is_kept_costs_something() -> None:
    """GKE makes machines that the program does not name."""
    kept = replace(GKE, inputs={"location": "us-central1"})
    assert "default node pool" in [x.item for x in bill(kept).unknown]


def test_a_load_balancer_is_billed_by_the_cluster_s_cloud() -> None:
    """On AWS the annotation makes it a network load balancer; the forwarding rule's only figure is unverified."""
    service = resource(
        "kubernetes:core/v1:Service",
        "chat",
        inputs={
            "metadata": {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "external"}},
            "spec": {"type": "LoadBalancer"},
        },
    )
    assert hourly("network load balancer", EKS, service) == 0.0225
    (units,) = [x for x in bill(EKS, service).lines if x.item == "load balancer capacity units"]
    assert (units.kind, units.is_unknown) == (CostKind.USAGE, True)
    (rule,) = [x for x in bill(GKE, service).lines if x.item == "load balancer forwarding rule"]
    assert (rule.is_unknown, rule.note) == (True, "the only figure is unverified")
    plain = replace(service, inputs={"spec": {"type": "ClusterIP"}})
    assert bill(EKS, plain).lines[-1].kind is CostKind.FREE


def test_a_type_that_no_table_knows_is_never_silently_free() -> None:
    """A file system that somebody adds tomorrow, or a custom resource that starts machines."""
    cache = resource("aws:fsx/fileCache:FileCache", "scratch", provider=AWS)
    karpenter = resource("kubernetes:karpenter.sh/v1:NodePool", "gpus")
    total = bill(cache, karpenter)
    assert [(x.item, x.note) for x in total.unknown] == [
        ("aws:fsx/fileCache:FileCache", "not in the price tables"),
        ("kubernetes:karpenter.sh/v1:NodePool", "not in the price tables"),
    ]
    assert total.usd_per_hour == 0


def test_what_exists_in_the_program_only_has_no_line() -> None:
    """Components, providers, the stack, and what is looked up and paid by others."""
    others = replace(resource("aws:ec2/natGateway:NatGateway", "shared", provider=AWS), external=True)
    assert bill(component("sizeup:index:AwsNetwork", "network"), others).lines == ()


KINDS = sorted({*pricing_aws.PRICED, *pricing_aws.FREE, *pricing_gcp.PRICED, *pricing_gcp.FREE})


@given(st.lists(st.sampled_from([*KINDS, "aws:new/thing:Thing", "random:index/randomId:RandomId"]), max_size=8))
def test_every_resource_has_a_line(kinds: list[str]) -> None:
    """Whatever is registered is in the bill: by the hour, by use, free with a reason, or unknown."""
    resources = [resource(kind, f"r{at}", provider=AWS) for at, kind in enumerate(kinds)]
    billed = {x.urn for x in bill(*resources).lines}
    assert billed == {x.urn for x in resources}
    assert all(x.note for x in bill(*resources).free)


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_every_type_of_the_tables_exists(cloud: str) -> None:
    """A misspelt type would never match; the provider's own list of types is the judge."""
    listed = importlib.resources.files(f"pulumi_{cloud}").joinpath("__init__.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"(' + cloud + r':[^"]+:[^"]+)"', listed))
    tables = {"aws": pricing_aws, "gcp": pricing_gcp}[cloud]
    assert {*tables.PRICED, *tables.FREE} <= known


def test_free_and_priced_exclude_each_other() -> None:
    """A type is paid for or it is not."""
    assert not {*pricing_aws.PRICED, *pricing_gcp.PRICED} & {*pricing_aws.FREE, *pricing_gcp.FREE}


def test_machine_lines_sum_to_the_plan() -> None:
    """Two p5.48xlarge at 55.04: what the plan says, and what the graph built from it costs, are the same cents."""
    total = sum(x.usd_per_hour or 0.0 for x in machine_lines(bill(TEMPLATE, node_group())))
    assert round(total, 2) == round(CHAT_PLAN.usd_per_hour, 2)


def test_a_change_of_cost_is_joined_by_resource_and_item() -> None:
    """One machine more is 55.04 USD/h more, and its disk is 200 GB more; the NAT gateway stays."""
    nat = resource("aws:ec2/natGateway:NatGateway", "nat", provider=AWS)
    more = node_group(scalingConfig={"desiredSize": 3.0, "minSize": 3.0, "maxSize": 3.0})
    change = cost_change(bill(TEMPLATE, node_group(), nat), bill(TEMPLATE, more, nat))
    moved = {x.item: x.difference_usd_per_hour for x in change.lines if not x.is_same}
    assert moved == {
        "p5.48xlarge on demand": pytest.approx(55.04),
        "gp3 disk": pytest.approx(200 * 0.08 / 730),
    }
    assert change.difference_usd_per_hour == pytest.approx(55.04 + 200 * 0.08 / 730)


def test_what_comes_and_goes_has_one_side_only() -> None:
    """A pool that moves to another purchase mode is another resource: one line ends, one begins."""
    spot = node_group("p5-spot", capacityType="SPOT")
    change = cost_change(bill(TEMPLATE, node_group()), bill(TEMPLATE, spot))
    machines = [(x.item, x.before is None, x.after is None) for x in change.lines if "p5" in x.item]
    assert machines == [("p5.48xlarge spot", True, False), ("p5.48xlarge on demand", False, True)]


def test_a_change_to_or_from_an_unknown_price_is_unknown() -> None:
    """Never the difference to zero."""
    unknown = node_group(capacityType="CAPACITY_BLOCK")
    change = cost_change(None, bill(TEMPLATE, unknown))
    assert [x.difference_usd_per_hour for x in change.lines if x.item.startswith("p5")] == [None]


def test_months_have_730_hours() -> None:
    """8,760 hours a year / 12, as both clouds' calculators count."""
    total = bill(TEMPLATE, node_group())
    assert total.usd_per_month == pytest.approx(total.usd_per_hour * 730)
    assert {x.group for x in total.fixed} == {CostGroup.MACHINE, CostGroup.DISK}


def test_a_region_that_nothing_tells_leaves_prices_unknown() -> None:
    """No provider, no region: neither the machines nor their disks are priced by guess."""
    lost = node_group(template=replace(TEMPLATE, provider=None))
    found = cost(graph(replace(TEMPLATE, provider=None), replace(lost, provider=None)), CATALOG)
    assert [(x.item, x.note.partition(";")[0]) for x in found.unknown] == [
        ("p5.48xlarge on demand", "region not known"),
        ("gp3 disk", "region not known"),
    ]
    assert found.usd_per_hour == 0


def test_the_library_needs_neither_pulumi_nor_a_solver() -> None:
    """Ten lines over a graph made by hand: a process of its own imports nothing that records or solves."""
    program = """
        import sys
        from components.graph import Graph, Resource
        from infra.cost import cost, cost_change
        from sizing.catalog import catalog

        volume = Resource(urn="urn", type="aws:ebs/volume:Volume", name="v", custom=True, parent=None, provider=None,
                          inputs={"region": "us-east-1", "type": "gp3", "size": 730.0})
        now = cost(Graph(project="p", stack="s", resources=(volume,)), catalog())
        print(round(cost_change(None, now).difference_usd_per_hour, 6), *{"pulumi", "ortools", "grpc"} & {*sys.modules})
    """
    ended = subprocess.run(  # noqa: S603  this very Python
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("0.08\n", "")
