"""The whole Google Cloud program, recorded for a plan on GPUs and for one on TPUs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from components.gcp.machines import Unprovisionable
from components.gcp.naming import NODE_POOL_NAME, gcp_name
from components.graph import Graph, Secret
from components.platform import MissingSetting, Platform
from components.versions import Pins
from sizing.errors import UnusablePlan
from sizing.plan import SizingPlan
from tests.examples import GCP_GPU_PLAN, GCP_SYSTEM_POOL, GCP_TPU_PLAN
from tests.gcp import PLATFORM, at, every, keys, one, provisioned

GPU = provisioned(GCP_GPU_PLAN)
TPU = provisioned(GCP_TPU_PLAN)
BOTH = pytest.mark.parametrize("graph", [GPU, TPU], ids=["gpu", "tpu"])
LABELS = {"managed-by": "sizeup", "sizeup-stack": "chat-gcp", "owner": "ml-platform", "cost-centre": "4711"}


@pytest.mark.parametrize(("graph", "plan"), [(GPU, GCP_GPU_PLAN), (TPU, GCP_TPU_PLAN)], ids=["gpu", "tpu"])
def test_every_pool_of_the_plan_is_built_and_no_other(graph: Graph, plan: SizingPlan) -> None:
    """Machine, zone and count, as planned."""
    built = [
        (at(pool, "nodeConfig", "machineType"), at(pool, "nodeLocations", 0), at(pool, "nodeCount"))
        for pool in every(graph, "NodePool")
    ]
    assert sorted(built) == sorted((pool.machine, pool.zone, pool.nodes) for pool in plan.node_pools)


@pytest.mark.parametrize(("graph", "plan"), [(GPU, GCP_GPU_PLAN), (TPU, GCP_TPU_PLAN)], ids=["gpu", "tpu"])
def test_no_accelerator_is_bought_before_the_api_is_reached(graph: Graph, plan: SizingPlan) -> None:
    """
    The API is private: an update from outside fails at the first object in the cluster, which needs no node.

    The components wait, and with them their children, which take part under their names.
    """
    (reached,) = every(graph, "ConfigMap")
    waiting = {pool.name for pool in graph.resources if reached.urn in pool.dependencies}
    assert waiting == {gcp_name(pool.name, limit=NODE_POOL_NAME) for pool in plan.node_pools if pool.accelerator}


@BOTH
def test_no_input_key_is_misspelt(graph: Graph) -> None:
    """The SDK turns names into camelCase; one that it does not know stays as it was written, with underscores."""
    assert [key for r in graph.resources if r.custom for key in keys(dict(r.inputs)) if "_" in key] == []


@BOTH
def test_everything_that_can_carry_labels_carries_them(graph: Graph) -> None:
    """On the provider, and stated again where the provider's do not reach."""
    provider = next(r for r in graph.resources if r.type == "pulumi:providers:gcp")
    default = provider.inputs["defaultLabels"]
    assert all(f'"{key}":"{value}"' in str(default).replace(" ", "") for key, value in LABELS.items())
    assert at(one(graph, "Cluster", "chat-gcp"), "resourceLabels") == LABELS
    for kind in ("Bucket", "CryptoKey"):
        assert all(at(resource, "labels") == LABELS for resource in every(graph, kind))
    assert all(at(pool, "nodeConfig", "resourceLabels") == LABELS for pool in every(graph, "NodePool"))


@BOTH
def test_every_google_resource_goes_through_the_stacks_own_provider(graph: Graph) -> None:
    """A default provider would take its project from whoever runs it."""
    providers = {r.provider for r in graph.resources if r.type.startswith("gcp:")}
    assert len(providers) == 1
    assert "default" not in str(providers.pop())
    assert next(r for r in graph.resources if r.type == "pulumi:providers:gcp").inputs["project"] == "acme-ml"


@BOTH
def test_what_holds_data_is_protected(graph: Graph) -> None:
    """The bucket, the keys that it is unreadable without, the cluster."""
    protected = {r.type for r in graph.resources if r.protect}
    assert protected == {
        "gcp:container/cluster:Cluster",
        "gcp:kms/cryptoKey:CryptoKey",
        "gcp:kms/keyRing:KeyRing",
        "gcp:storage/bucket:Bucket",
    }


@BOTH
def test_nobody_is_everybody(graph: Graph) -> None:
    """No grant to allUsers or allAuthenticatedUsers, no primitive role."""
    grants = [r for r in graph.resources if r.type.endswith("Member")]
    assert grants
    for grant in grants:
        assert grant.inputs["member"] not in {"allUsers", "allAuthenticatedUsers"}
        assert grant.inputs["role"] not in {"roles/owner", "roles/editor", "roles/viewer"}


@BOTH
def test_the_load_balancer_is_internal(graph: Graph) -> None:
    """GKE makes a public one unless it is told."""
    balancers = [s for s in every(graph, "Service") if s.inputs.get("spec") and at(s, "spec", "type") == "LoadBalancer"]
    assert len(balancers) == 1
    annotations = at(balancers[0], "metadata", "annotations")
    assert isinstance(annotations, dict)
    assert annotations["networking.gke.io/load-balancer-type"] == "Internal"


@BOTH
def test_names_leave_room_for_what_pulumi_adds(graph: Graph) -> None:
    """GKE: 40 with a suffix of 8; a service account id is taken as it is, 30 at most."""
    for resource in (*every(graph, "NodePool"), one(graph, "Cluster", "chat-gcp")):
        assert len(resource.name) + 8 <= 40
    for account in every(graph, "Account"):
        assert re.fullmatch(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", str(at(account, "accountId")))


def test_the_servers_of_a_tpu_plan_run_the_tpu_image_on_whole_machines() -> None:
    """8 chips of ct6e-standard-8t, chosen by GKE's own labels, with the taint put up with."""
    deployment = one(TPU, "Deployment")
    pod = at(deployment, "spec", "template", "spec")
    assert isinstance(pod, dict)
    assert at(deployment, "spec", "template", "spec", "containers", 0, "image") == "vllm/vllm-tpu:v0.26.0"
    limits = at(deployment, "spec", "template", "spec", "containers", 0, "resources", "limits")
    assert isinstance(limits, dict)
    assert limits["google.com/tpu"] == "8"
    assert pod["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
        "cloud.google.com/gke-tpu-topology": "2x4",
    }
    assert at(deployment, "spec", "template", "spec", "tolerations", 0, "key") == "google.com/tpu"


def test_on_demand_and_spot_are_two_deployments_each_on_its_own_pool() -> None:
    """By the label that nodes carry for their pool."""
    affinity = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", 0)
    pools = {
        deployment.name.removeprefix("chat-"): at(
            deployment, "spec", "template", "spec", *affinity, "matchExpressions", 0, "values"
        )
        for deployment in every(GPU, "Deployment")
    }
    assert pools == {"chat": ["a3-highgpu-8g"], "chat-spot": ["a3-highgpu-8g-spot"]}


@BOTH
def test_no_device_plugin_is_installed(graph: Graph) -> None:
    """GKE brings its own for GPUs, once a driver is asked for, and for TPUs."""
    assert not every(graph, "DaemonSet")


@BOTH
def test_pods_reach_their_identity_and_nothing_else_of_the_node(graph: Graph) -> None:
    """The metadata server of Dataplane V2 answers on 80 and 8080."""
    policy = one(graph, "NetworkPolicy", "chat-allow-serving")
    rules = at(policy, "spec", "egress")
    assert isinstance(rules, list)
    opened = [
        at(policy, "spec", "egress", number, "ports", 0, "port")
        for number, rule in enumerate(rules)
        if isinstance(rule, dict) and rule["to"] == [{"ipBlock": {"cidr": "169.254.169.254/32"}}]
    ]
    assert opened == [80, 8080]


@BOTH
def test_the_kubeconfig_that_is_handed_out_is_a_secret(graph: Graph) -> None:
    """It tells the address of the API."""
    assert isinstance(graph.outputs["kubeconfig"], Secret)


@BOTH
def test_the_member_that_is_asked_for_never_shows_as_a_change(graph: Graph) -> None:
    """Offline nobody answers; the storage agent of a project is always the same."""
    grant = one(graph, "CryptoKeyIAMMember", "chat-gcp-model-key-storage")
    assert grant.ignore_changes == ("member",)


def test_the_same_plan_gives_the_same_graph() -> None:
    """Nothing depends on the order in which threads got to run."""
    assert provisioned(GCP_TPU_PLAN) == TPU


def test_a_named_public_network_opens_the_api_to_itself_and_administrators_are_bound() -> None:
    """Both come from the platform settings."""
    graph = provisioned(
        GCP_TPU_PLAN, replace(PLATFORM, api_access_cidrs=("8.8.8.0/24",), admin_principals=("group:ops@example.com",))
    )
    cluster = one(graph, "Cluster", "chat-gcp")
    assert at(cluster, "privateClusterConfig", "enablePrivateEndpoint") is False
    assert at(cluster, "authenticatorGroupsConfig", "securityGroup") == "gke-security-groups@example.com"
    assert every(graph, "ClusterRoleBinding")


def test_without_buckets_nothing_is_asked_of_the_storage_agent() -> None:
    """Weights then come from the Hub."""
    graph = provisioned(replace(GCP_TPU_PLAN, buckets=()))
    assert not every(graph, "Bucket")
    assert not every(graph, "BucketIAMMember")
    assert [key.name for key in every(graph, "CryptoKey")] == ["chat-gcp-cluster-key"]


def test_everything_that_is_not_set_is_told_at_once() -> None:
    """The project, and the image of the TPU engine where no source tells one."""
    with pytest.raises(MissingSetting) as refused:
        provisioned(GCP_TPU_PLAN, Platform(pins=Pins(pins=())))
    assert set(refused.value.missing) >= {"gcp:project"}
    assert any("vllm-tpu" in key for key in refused.value.missing)


def test_an_image_of_the_stack_comes_before_the_pinned_one() -> None:
    """A mirror, or a build of one's own."""
    platform = replace(PLATFORM, images={"vllm-tpu": "us-docker.pkg.dev/acme-ml/images/vllm-tpu:v0.26.0"})
    deployment = one(provisioned(GCP_TPU_PLAN, platform), "Deployment")
    image = at(deployment, "spec", "template", "spec", "containers", 0, "image")
    assert image == "us-docker.pkg.dev/acme-ml/images/vllm-tpu:v0.26.0"


def test_what_is_in_none_of_the_plans_regions_is_refused() -> None:
    """It would be built nowhere, in silence."""
    with pytest.raises(UnusablePlan, match=r"has a3-highgpu-8g-us-central1-a in us-central1.*regions are us-east4"):
        provisioned(replace(GCP_GPU_PLAN, region="us-east4"))


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (replace(GCP_GPU_PLAN, node_pools=GCP_GPU_PLAN.node_pools[:2]), "has no system node pool"),
        (
            replace(GCP_GPU_PLAN, node_pools=(replace(GCP_SYSTEM_POOL, zone="europe-west4-a"),)),
            "is in europe-west4-a, but",
        ),
    ],
)
def test_a_plan_that_gke_cannot_take_is_refused(plan: SizingPlan, why: str) -> None:
    """Before anything is registered."""
    with pytest.raises(Unprovisionable, match=why):
        provisioned(plan)
