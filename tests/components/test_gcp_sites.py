"""A plan in two regions on Google Cloud: one complete site in each, in one project."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from components.gcp.machines import Unprovisionable
from components.graph import Graph, Resource
from components.rules import violations
from components.rules.rule import Severity
from components.rules.waivers import waiver_of
from infra.preview.validation import findings, unchecked_types
from sizing.plan import SizingPlan
from tests.examples import GCP_GPU_PLAN, GCP_TWO_REGIONS
from tests.gcp import PLATFORM, at, every, one, provisioned

EAST = "us-east5"
ADMINS = replace(PLATFORM, admin_principals=("user:ann@example.com",))
HOME, BOTH = provisioned(GCP_GPU_PLAN, ADMINS), provisioned(GCP_TWO_REGIONS, ADMINS)


def away() -> list[Resource]:
    """What the second region adds to what stands at home."""
    home = {resource.urn for resource in HOME.resources}
    return [resource for resource in BOTH.resources if resource.urn not in home]


def test_what_stands_at_home_is_what_it_was_without_the_other_region() -> None:
    """The same URNs with the same inputs: a second region touches nothing that runs."""
    both = {resource.urn: resource for resource in BOTH.resources}
    for resource in HOME.resources:
        if resource.type != "pulumi:pulumi:Stack":
            assert (both[resource.urn].inputs, both[resource.urn].provider) == (resource.inputs, resource.provider)


def test_a_site_that_becomes_home_keeps_the_names_that_it_was_given() -> None:
    """The first home is left; what the whole project needs keeps its names, and goes by the new home's provider."""
    east = replace(GCP_TWO_REGIONS.at(GCP_TWO_REGIONS.elsewhere[0]), plain_home=False)
    alone = {resource.urn: resource for resource in provisioned(east, ADMINS).resources}
    assert {resource.urn for resource in away()} <= set(alone)
    more = [resource for urn, resource in alone.items() if urn not in {one.urn for one in away()}]
    kinds = {resource.type.rpartition(":")[2] for resource in more}
    assert kinds == {"Stack", "Service", "ServiceIdentity", "IAMMember"}


def test_everything_away_from_home_carries_its_region() -> None:
    """Pools by their zone, whose name begins with the region."""
    assert len(away()) > 40
    assert [resource.name for resource in away() if EAST not in resource.name] == []


def test_each_region_has_a_provider_of_its_own_and_nothing_crosses() -> None:
    """Cluster, network, keys and bucket of the second region go through its provider."""
    providers = {r.name: r.inputs["region"] for r in BOTH.resources if r.type == "pulumi:providers:gcp"}
    assert providers == {"chat-gcp": "us-central1", "chat-gcp-us-east5": EAST}
    used = {str(r.provider).split("::")[3] for r in away() if r.custom and r.type.startswith("gcp:")}
    assert used == {"chat-gcp-us-east5"}


def test_each_region_has_every_component_of_a_site() -> None:
    """Network, cluster, keys, node account, bucket, administrators; pools and workloads as planned."""
    kinds = Counter(r.type for r in BOTH.resources if r.type.startswith("sizeup:"))
    twice = ("GcpNetwork", "GcpCluster", "GcpNodeIdentity", "GcpModelBucket", "GcpAdministrators")
    assert {kind: kinds[f"sizeup:index:{kind}"] for kind in twice} == dict.fromkeys(twice, 2)
    assert kinds["sizeup:index:GcpEncryptionKey"] == 4
    assert kinds["sizeup:index:GcpNodePool"] == len(GCP_TWO_REGIONS.node_pools)
    assert kinds["sizeup:index:ServingStack"] == kinds["sizeup:index:GcpServingIdentity"] == 2
    assert {str(at(r, "location")) for r in every(BOTH, "KeyRing")} == {"us-central1", EAST}


def test_what_the_whole_project_needs_is_made_once() -> None:
    """APIs, GKE's own agent, and the administrators' right to find clusters are the project's, not a region's."""
    for kind in ("Service", "ServiceIdentity"):
        made = [r.name for r in BOTH.resources if r.type.startswith("gcp:projects/") and r.type.endswith(f":{kind}")]
        assert made
        assert len(set(made)) == len(made)
        assert not [name for name in made if EAST in name]
    found = [r for r in every(BOTH, "IAMMember") if r.inputs.get("role") == "roles/container.clusterViewer"]
    assert len(found) == 1
    assert len(every(BOTH, "ClusterRoleBinding")) == 2


def test_a_pool_is_in_its_own_regions_cluster() -> None:
    """As planned: reserved machines come from their reservation, machines of the day from an autoscaler."""
    pools = {str(at(r, "nodeConfig", "labels", "sizeup/pool")): r for r in every(BOTH, "NodePool")}
    assert set(pools) == {pool.name for pool in GCP_TWO_REGIONS.node_pools}
    for pool in GCP_TWO_REGIONS.node_pools:
        assert at(pools[pool.name], "location") == pool.region
        assert at(pools[pool.name], "nodeLocations") == [pool.zone]
    reserved = pools["ct6e-standard-8t-us-east5-b-v6e-march"]
    assert at(reserved, "nodeConfig", "reservationAffinity", "values") == ["v6e-march"]
    assert at(pools["ct6e-standard-8t-us-east5-a"], "autoscaling", "totalMinNodeCount") == 1


def test_a_workload_reads_the_bucket_of_its_own_site_and_no_other() -> None:
    """Its account is a reader of one bucket; weights never pass between regions."""
    readers = every(BOTH, "BucketIAMMember")
    assert len(readers) == 2
    by_urn = {r.urn: r for r in BOTH.resources}
    for reader in readers:
        (bucket,) = reader.property_dependencies["bucket"]
        region = EAST if EAST in reader.name else "us-central1"
        assert str(at(by_urn[bucket], "location")).lower() == region


def test_inside_its_cluster_a_workload_is_called_as_it_is_at_home() -> None:
    """Namespace and Service are the workload's own names."""
    assert at(one(BOTH, "Namespace", f"draft-{EAST}-namespace"), "metadata", "name") == "draft"
    assert at(one(BOTH, "Deployment", f"draft-{EAST}-draft"), "metadata", "name") == "draft"
    scaler = one(BOTH, "HorizontalPodAutoscaler", f"draft-{EAST}-draft-autoscaler")
    assert (at(scaler, "spec", "minReplicas"), at(scaler, "spec", "maxReplicas")) == (4, 5)


def test_outputs_are_told_by_region_beside_those_of_home() -> None:
    """The home site's outputs keep their names; `sites` has every region."""
    home = {"clusterName", "kubeconfig", "modelBuckets"}
    assert set(HOME.outputs) == home
    assert set(BOTH.outputs) == home | {"sites"}
    sites = BOTH.outputs["sites"]
    assert isinstance(sites, dict)
    assert set(sites) == {"us-central1", EAST}


def unwaived(graph: Graph) -> set[tuple[str, str]]:
    """Errors of the rules that no waiver covers."""
    by_urn = {r.urn: r for r in graph.resources}
    return {
        (rule.id, by_urn[found.urn].name)
        for rule, found in violations(graph)
        if rule.severity is Severity.ERROR and waiver_of(rule, by_urn[found.urn]) is None
    }


def test_every_rule_holds_in_both_regions_and_every_input_is_known() -> None:
    """What stands at home by itself breaks nothing either."""
    assert unwaived(BOTH) == unwaived(HOME) == set()
    assert findings(BOTH) == ()
    assert unchecked_types(BOTH) == ()


def test_names_are_as_long_as_google_cloud_takes_them() -> None:
    """GKE: 40 with a suffix of 8; service account ids 30 at most, and no two alike."""
    for resource in (*every(BOTH, "NodePool"), *every(BOTH, "Cluster")):
        assert len(resource.name) + 8 <= 40
    accounts = [str(at(account, "accountId")) for account in every(BOTH, "Account")]
    assert len(set(accounts)) == len(accounts) == 4
    assert all(re.fullmatch(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", account) for account in accounts)


def lame(plan: SizingPlan) -> SizingPlan:
    """*plan* without system machines away from home."""
    return replace(plan, node_pools=tuple(p for p in plan.node_pools if p.region != EAST or p.accelerator is not None))


def test_a_site_that_cannot_be_built_is_refused() -> None:
    """Before the first resource of any region."""
    with pytest.raises(Unprovisionable, match="no system node pool in us-east5"):
        provisioned(lame(GCP_TWO_REGIONS))
