"""Each Google Cloud component under Pulumi's mocks: what matters about it, asserted on what it registered."""

from __future__ import annotations

from components.gcp.access import Administrators
from components.gcp.cluster import Cluster
from components.gcp.encryption import EncryptionKey
from components.gcp.identity import NodeIdentity, ServingIdentity
from components.gcp.network import Network
from components.gcp.node_pool import NodePool
from components.gcp.storage import ModelBucket
from tests.mocks.programs import registered
from tests.recording import only


def test_a_network_lets_nothing_in_and_logs_what_it_turns_away():
    """One subnetwork, made by us and not in every region, with a NAT whose ports grow with need."""
    made = registered(Network)
    assert only(made, ":Network", "net").inputs["autoCreateSubnetworks"] is False
    assert only(made, ":Subnetwork").inputs["privateIpGoogleAccess"] is True
    denied = only(made, ":Firewall").inputs
    assert (denied["direction"], denied["denies"]) == ("INGRESS", [{"protocol": "all"}])
    assert "logConfig" in denied
    nat = only(made, ":RouterNat").inputs
    assert (nat["enableDynamicPortAllocation"], nat["enableEndpointIndependentMapping"]) == (True, False)


def test_a_cluster_is_private_encrypted_and_protected():
    """No public address of nodes or API, no door by DNS, secrets under a key of ours, no node of its own."""
    cluster = only(registered(Cluster), "container/cluster:Cluster")
    inputs = cluster.inputs
    assert inputs["privateClusterConfig"] == {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    assert inputs["controlPlaneEndpointsConfig"]["dnsEndpointConfig"] == {"allowExternalTraffic": False}
    assert inputs["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": "key"}
    assert inputs["workloadIdentityConfig"] == {"workloadPool": "acme-ml.svc.id.goog"}
    assert (inputs["removeDefaultNodePool"], inputs["deletionProtection"], cluster.protect) == (True, True, True)
    assert cluster.ignore_changes == ("nodeConfig",)


def test_a_tpu_pool_is_one_slice_of_the_planned_topology():
    """
    ct6e-standard-4t machines have 4 chips each: a slice of 4x4 is 16 chips, so four machines, placed COMPACT.

    Source: Google Cloud, "Plan TPUs in GKE": a multi-host slice is one node pool, with its topology in the placement.
    """
    pool = only(registered(NodePool), ":NodePool").inputs
    assert pool["placementPolicy"] == {"type": "COMPACT", "tpuTopology": "4x4"}
    assert (pool["nodeCount"], pool["nodeConfig"]["machineType"]) == (4, "ct6e-standard-4t")
    assert "autoscaling" not in pool
    assert (pool["upgradeSettings"]["maxSurge"], pool["upgradeSettings"]["maxUnavailable"]) == (0, 1)
    assert pool["nodeConfig"]["taints"] == [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_nodes_are_shielded_and_without_the_projects_default_account():
    """Secure boot, no legacy metadata, no public address."""
    pool = only(registered(NodePool), ":NodePool").inputs
    assert pool["nodeConfig"]["serviceAccount"] == "nodes@acme-ml.iam.gserviceaccount.com"
    assert pool["nodeConfig"]["shieldedInstanceConfig"]["enableSecureBoot"] is True
    assert pool["nodeConfig"]["metadata"] == {"disable-legacy-endpoints": "true"}
    assert pool["networkConfig"]["enablePrivateNodes"] is True


def test_a_model_bucket_cannot_be_made_public_or_emptied_with_the_stack():
    """Encrypted under a key of ours, versioned, protected."""
    bucket = only(registered(ModelBucket), ":Bucket")
    assert bucket.inputs["publicAccessPrevention"] == "enforced"
    assert bucket.inputs["uniformBucketLevelAccess"] is True
    assert (bucket.inputs["forceDestroy"], bucket.inputs["versioning"]) == (False, {"enabled": True})
    assert bucket.inputs["encryption"] == {"defaultKmsKeyName": "key"}
    assert bucket.protect


def test_a_key_is_rotated_each_quarter_and_cannot_be_lost_by_accident():
    """90 days are 7,776,000 seconds."""
    made = registered(EncryptionKey)
    key = only(made, ":CryptoKey")
    assert (key.inputs["rotationPeriod"], key.protect) == ("7776000s", True)
    assert only(made, ":CryptoKeyIAMMember").inputs["member"] == "serviceAccount:a"


def test_nodes_may_log_measure_and_pull_images():
    """Five roles, none of them basic, and none that reads buckets."""
    roles = {one.inputs["role"] for one in registered(NodeIdentity) if one.type.endswith(":IAMMember")}
    assert roles == {
        "roles/logging.logWriter",
        "roles/monitoring.metricWriter",
        "roles/monitoring.viewer",
        "roles/stackdriver.resourceMetadata.writer",
        "roles/artifactregistry.reader",
    }


def test_model_servers_read_their_bucket_as_their_kubernetes_account():
    """No key file: the cluster's workload identity vouches for one service account of one namespace."""
    made = registered(ServingIdentity)
    assert only(made, ":BucketIAMMember").inputs["role"] == "roles/storage.objectViewer"
    vouched = only(made, "serviceaccount/iAMMember:IAMMember").inputs
    assert vouched["member"] == "serviceAccount:acme-ml.svc.id.goog[chat/model-server]"


def test_administrators_rule_inside_the_cluster_and_nowhere_else():
    """To Google they may only find it; a person is a User to Kubernetes, a group a Group."""
    made = registered(Administrators)
    assert {one.inputs["role"] for one in made if one.type.endswith(":IAMMember")} == {"roles/container.clusterViewer"}
    binding = only(made, ":ClusterRoleBinding").inputs
    assert [(one["kind"], one["name"]) for one in binding["subjects"]] == [
        ("User", "ann@example.com"),
        ("Group", "ops@example.com"),
    ]
