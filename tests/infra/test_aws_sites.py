"""A plan in two regions on AWS: one complete site in each, told apart by name, and nothing shared but the account."""

from __future__ import annotations

import functools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from components.graph import Graph, Resource, Unknown
from components.platform import MissingSetting, Platform
from components.rules import violations
from components.rules.rule import Severity
from components.rules.waivers import waiver_of
from infra.aws import provision
from infra.preview.validation import findings, unchecked_types
from infra.recorder.recorder import record
from sizing.errors import UnusablePlan
from sizing.plan import SizingPlan
from tests.examples import AWS_PLAN, AWS_TWO_REGIONS
from tests.recording import Registered, only, recorded

PLATFORM = Platform(versions={"eks.addon.pod-identity-agent": "1.3.8-eksbuild.2"}, owner="ml-platform")
WEST = "us-west-2"


def program(plan: SizingPlan) -> None:
    provision(plan, PLATFORM, stack="test")


@functools.cache
def stack() -> tuple[Registered, ...]:
    return recorded(lambda: program(AWS_TWO_REGIONS))


@functools.cache
def graph_of_home() -> Graph:
    return record(lambda: program(AWS_PLAN), project="sizeup", stack="test", root=Path.cwd())


@functools.cache
def graph() -> Graph:
    return record(lambda: program(AWS_TWO_REGIONS), project="sizeup", stack="test", root=Path.cwd())


def of(kind: str) -> list[Registered]:
    return [one for one in stack() if one.type.endswith(kind)]


def away() -> list[Resource]:
    """What the second region adds to what stands at home."""
    home = {one.urn for one in graph_of_home().resources}
    return [one for one in graph().resources if one.urn not in home]


def test_what_stands_at_home_is_what_it_was_without_the_other_region():
    """The same URNs with the same inputs: a second region touches nothing that runs."""
    both = {one.urn: one for one in graph().resources if one.type != "pulumi:pulumi:Stack"}
    for one in graph_of_home().resources:
        if one.type != "pulumi:pulumi:Stack":
            assert (both[one.urn].inputs, both[one.urn].provider) == (one.inputs, one.provider)


def test_a_site_that_becomes_home_keeps_the_names_that_it_was_given():
    """The first home is left: what stands in the second region is not named anew, which would replace all of it."""
    west = AWS_TWO_REGIONS.at(AWS_TWO_REGIONS.elsewhere[0])
    alone = record(lambda: program(replace(west, plain_home=False)), project="sizeup", stack="test", root=Path.cwd())
    assert {one.urn for one in alone.resources} == {one.urn for one in away()} | {
        one.urn for one in graph().resources if one.type == "pulumi:pulumi:Stack"
    }
    assert set(alone.outputs) == {"clusterName", "kubeconfig", "modelBuckets"}


def test_everything_away_from_home_carries_its_region_or_zone():
    """usw2 is the beginning of the region's zone ids, which the names of pools carry."""
    assert len(away()) > 60
    assert [one.name for one in away() if WEST not in one.name and "usw2" not in one.name] == []


def test_each_region_has_a_provider_of_its_own_and_nothing_crosses():
    """Every resource away from home goes through the providers of its region."""
    providers = {one.name: one.inputs.get("region") for one in graph().resources if one.type == "pulumi:providers:aws"}
    assert providers == {"aws": "us-east-1", "aws-us-west-2": WEST}
    used = {str(one.provider).split("::")[3] for one in away() if one.custom and "providers" not in one.type}
    assert used == {"aws-us-west-2", "kubernetes-us-west-2"}


def test_each_region_has_every_component_of_a_site():
    """Network, cluster, name resolution, plugins, log key, bucket with its log; pools and workloads as planned."""
    kinds = Counter(one.type for one in graph().resources if one.type.startswith("sizeup:"))
    twice = ("AwsNetwork", "AwsCluster", "AwsClusterDns", "Devices", "AwsLogKey", "AwsAccessLog", "AwsModelBucket")
    assert {kind: kinds[f"sizeup:index:{kind}"] for kind in twice} == dict.fromkeys(twice, 2)
    assert kinds["sizeup:index:AwsNodePool"] == len(AWS_TWO_REGIONS.node_pools)
    assert kinds["sizeup:index:ServingStack"] == kinds["sizeup:index:AwsPodIdentity"] == 2


def test_clusters_have_names_of_their_own():
    """Physical names: two clusters of one account in two regions are told apart in every bill and kubeconfig."""
    assert [one.inputs["name"] for one in of("eks/cluster:Cluster")] == ["sizeup-test", "sizeup-test-us-west-2"]
    settings = [json.loads(one.inputs["kubeconfig"]) for one in of("pulumi:providers:kubernetes")]
    regions = [one["users"][0]["user"]["exec"]["args"][5] for one in settings]
    assert regions == ["us-east-1", WEST]


def test_a_pool_lies_in_its_own_regions_network():
    """A subnet of the home network would be of another region."""
    for pool in AWS_TWO_REGIONS.node_pools:
        network = "network" if pool.region == "us-east-1" else f"network-{WEST}"
        group = only(stack(), ":NodeGroup", f"{pool.name}-nodes")
        assert group.inputs["subnetIds"] == [f"{network}-private-{pool.zone}-id"]


def test_a_workload_reads_the_bucket_of_its_own_site_and_no_other():
    """Weights come from the same region: nothing is paid for traffic between regions, and less is permitted."""
    for name, bucket in (("chat", "models-bucket"), (f"draft-{WEST}", f"models-{WEST}-bucket")):
        policy = json.loads(only(stack(), ":RolePolicy", f"{name}-identity-read").inputs["policy"])
        assert [one["Resource"] for one in policy["Statement"]][:2] == [f"arn:{bucket}", f"arn:{bucket}/*"]
    pod = only(stack(), "apps/v1:Deployment", f"draft-{WEST}-draft").inputs["spec"]["template"]["spec"]
    (model,) = [one["value"] for one in pod["containers"][0]["env"] if one["name"] == "MODEL"]
    assert model == f"s3://models-{WEST}-bucket-1a2b/meta-llama/Llama-3.3-70B-Instruct"


def test_inside_its_cluster_a_workload_is_called_as_it_is_at_home():
    """Namespace and Service are the workload's own names: callers need not know where it stands."""
    assert only(stack(), ":Namespace", f"draft-{WEST}-namespace").inputs["metadata"]["name"] == "draft"
    assert only(stack(), "core/v1:Service", f"draft-{WEST}-service").inputs["metadata"]["name"] == "draft"


def test_replicas_of_one_deployment_stand_on_reserved_and_on_demand_machines_alike():
    """Both stay, so pods do not tell them apart; the autoscaler goes down to four of eight."""
    pod = only(stack(), "apps/v1:Deployment", f"draft-{WEST}-draft").inputs["spec"]["template"]["spec"]
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["p5-48xlarge"]
    scaler = only(stack(), ":HorizontalPodAutoscaler", f"draft-{WEST}-draft-autoscaler").inputs["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (4, 8)


def test_where_machines_come_and_go_an_autoscaler_moves_them():
    """In the second region three by day and one by night; at home all stay, so nothing moves them."""
    (scaler,) = [one for one in graph().resources if one.type == "sizeup:index:AwsClusterAutoscaler"]
    assert scaler.name == f"autoscaler-{WEST}"
    pod = only(stack(), "apps/v1:Deployment", f"autoscaler-{WEST}").inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.1"
    assert "k8s.io/cluster-autoscaler/sizeup-test-us-west-2" in str(pod["containers"][0]["command"])
    for pool, awaited in (("p5-48xlarge-usw2-az2", "nvidia-h100-80gb"), ("p5-48xlarge-use1-az4", None)):
        labels = only(stack(), ":NodeGroup", f"{pool}-nodes").inputs["labels"]
        assert labels.get("k8s.amazonaws.com/accelerator") == awaited


def test_outputs_are_told_by_region_beside_those_of_home():
    """The home site's outputs keep their names; `sites` has every region."""
    home = {"clusterName", "kubeconfig", "modelBuckets"}
    assert set(graph_of_home().outputs) == home
    assert set(graph().outputs) == home | {"sites"}
    sites = graph().outputs["sites"]
    assert isinstance(sites, dict)
    assert {region: set(known) for region, known in sites.items() if isinstance(known, dict)} == {
        "us-east-1": home,
        WEST: home,
    }


def test_every_rule_holds_in_both_regions_and_every_input_is_known():
    """Errors of the rules, misspelt inputs, types that nothing checks: none."""
    by_urn = {one.urn: one for one in graph().resources}
    broken = {
        (rule.id, found.urn)
        for rule, found in violations(graph())
        if rule.severity is Severity.ERROR and waiver_of(rule, by_urn[found.urn]) is None
    }
    assert broken == set()
    assert findings(graph()) == ()
    assert unchecked_types(graph()) == ()


def test_a_site_that_cannot_be_built_registers_nothing_at_home_either():
    """Its machines are checked before the first resource of any region."""
    west = tuple(pool for pool in AWS_TWO_REGIONS.node_pools if pool.region == WEST)
    lame = replace(AWS_TWO_REGIONS, node_pools=(*AWS_PLAN.node_pools, *west[:2]))
    made: list[str] = []

    def broken() -> None:
        pulumi.runtime.register_resource_transform(lambda args: made.append(args.name))
        program(lame)

    with pytest.raises(UnusablePlan, match="no system node pool in us-west-2"):
        record(broken, project="sizeup", stack="test", root=Path.cwd())
    assert made == []


def test_what_is_in_none_of_the_plans_regions_is_refused():
    """It would be built nowhere, in silence."""
    with pytest.raises(UnusablePlan, match=r"p5-48xlarge-usw2-az2 in us-west-2.*its regions are us-east-1"):
        recorded(lambda: program(replace(AWS_TWO_REGIONS, elsewhere=())))


def test_no_image_is_asked_for_twice():
    """Both regions need the same pins, and what lacks is told once."""
    with pytest.raises(MissingSetting) as refused:
        recorded(lambda: provision(AWS_TWO_REGIONS, Platform(), stack="test"))
    assert list(refused.value.missing) == ["sizeup:platform.versions.eks.addon.pod-identity-agent"]


def test_identifiers_that_a_cloud_gives_are_unknown_in_both_regions():
    """And figures of the plan are known."""
    groups = {one.name: one.inputs for one in graph().resources if one.type.endswith(":NodeGroup")}
    group = groups["p5-48xlarge-usw2-az2-nodes"]
    assert group["scalingConfig"] == {"desiredSize": 3, "maxSize": 3, "minSize": 1}
    assert group["subnetIds"] == [Unknown()]
